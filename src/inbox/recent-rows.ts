import { replaces } from "../domain/inbox.ts";
import type { InboxRow } from "../live/inbox-events.ts";

/** D1 has a row by then, or its conversation calls again once it has: a write that takes longer has failed. */
const KEPT_MS = 30_000;
const MAX_ROWS = 500;

/**
 * The rows that conversations have told an inbox of just now. D1 may not have them yet, so a socket that
 * begins with D1's list is sent these as well. Kept in memory: an object that is evicted had no call for ten
 * seconds.
 */
export class RecentRows {
  private readonly clock: () => number;
  private readonly rows = new Map<string, { row: InboxRow; at: number }>();

  constructor(clock: () => number) {
    this.clock = clock;
  }

  /** The newest version of a row: calls may overtake each other, and an older one changes nothing. */
  add(row: InboxRow): InboxRow {
    const known = this.rows.get(row.conversationId)?.row;
    if (known && !replaces(row, known)) return known;
    this.rows.delete(row.conversationId);
    this.rows.set(row.conversationId, { row, at: this.clock() });
    const [oldest] = this.rows.keys();
    if (this.rows.size > MAX_ROWS && oldest !== undefined) this.rows.delete(oldest);
    return row;
  }

  all(): InboxRow[] {
    const since = this.clock() - KEPT_MS;
    for (const [id, { at }] of this.rows) if (at < since) this.rows.delete(id);
    return Array.from(this.rows.values(), ({ row }) => row);
  }
}
