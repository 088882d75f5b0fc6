import { replaces } from "../domain/inbox.ts";
import type { InboxEventOf, InboxRemoval, InboxRow } from "./inbox-received.ts";

type Level = Pick<InboxRow, "level" | "muted">;

/** What an event changed. */
export interface ChangedRows {
  rows: InboxRow[];
  /** Conversations that are not in the inbox any more. */
  removed: string[];
}

/**
 * A client's copy of the rows of an inbox. Of each conversation the newest version counts, in whatever order
 * versions arrive. After connecting the list is read again from its start; until that is complete, rows of
 * before are kept.
 */
export class InboxRows {
  /** The newest version of each row, removals included: an older page does not bring a row back. */
  private readonly versions = new Map<string, InboxRow | InboxRemoval>();
  /** Conversations that this connection has named. */
  private readonly named = new Set<string>();
  private isListing = true;
  private sorted: readonly InboxRow[] | undefined;
  /** The server's count when the list began. */
  private totalAtStart: number | undefined;

  /** A connection begins, and with it the list. */
  begin(unread: number | undefined): void {
    this.isListing = true;
    this.named.clear();
    this.totalAtStart = unread;
  }

  /** Applies the rows of an event. */
  apply({ rows: { changed, unreadable } }: InboxEventOf<"inbox">): ChangedRows {
    const applied: ChangedRows = { rows: [], removed: [] };
    for (const id of unreadable) this.named.add(id);
    for (const row of changed) {
      const { conversationId: id } = row;
      const known = this.versions.get(id);
      this.named.add(id);
      if (!replaces(row, known)) {
        if (!("removed" in row)) this.setLevel(id, row, applied);
        continue;
      }
      this.versions.set(id, row);
      // The same version may come twice.
      if (known && JSON.stringify(known) === JSON.stringify(row)) continue;
      if (!("removed" in row)) applied.rows.push(row);
      else if (known && !("removed" in known)) applied.removed.push(id);
    }
    this.sorted = undefined;
    return applied;
  }

  /** Applies that the level of a conversation has changed. */
  applyLevel(event: InboxEventOf<"level">): ChangedRows {
    const applied: ChangedRows = { rows: [], removed: [] };
    this.setLevel(event.conversationId, event, applied);
    return applied;
  }

  /** The list is complete: what it has not named is gone. */
  end(): string[] {
    const removed: string[] = [];
    for (const [id, row] of this.versions) {
      if (this.named.has(id)) continue;
      this.versions.delete(id);
      if (!("removed" in row)) removed.push(id);
    }
    this.isListing = false;
    this.sorted = undefined;
    return removed;
  }

  /** Newest message first; conversations without one after the others, newest first. */
  get all(): readonly InboxRow[] {
    this.sorted ??= [...this.versions.values()]
      .flatMap((row) => ("removed" in row ? [] : [row]))
      .sort(byNewest);
    return this.sorted;
  }

  of(conversationId: string): InboxRow | undefined {
    const row = this.versions.get(conversationId);
    return row && !("removed" in row) ? row : undefined;
  }

  /** Unread messages of all rows; until the list is complete, the server's count when it began. */
  get unread(): number {
    if (this.isListing && this.totalAtStart !== undefined) return this.totalAtStart;
    let sum = 0;
    for (const row of this.versions.values()) if (!("removed" in row)) sum += row.unread;
    return sum;
  }

  /** The level that came last is the present one, with whichever version of the row. */
  private setLevel(id: string, level: Level, applied: ChangedRows): void {
    const known = this.of(id);
    if (!known || (known.level === level.level && known.muted === level.muted)) return;
    const row = withLevel(known, level);
    this.versions.set(id, row);
    this.sorted = undefined;
    applied.rows.push(row);
  }
}

/** A row with another level. */
function withLevel(row: InboxRow, { level, muted }: Level): InboxRow {
  const { level: _, muted: __, ...rest } = row;
  return { ...rest, ...(level !== undefined && { level }), ...(muted && { muted }) };
}

function byNewest(a: InboxRow, b: InboxRow): number {
  return (
    descending(a.lastMessage?.createdAt ?? "", b.lastMessage?.createdAt ?? "") ||
    descending(a.createdAt, b.createdAt) ||
    descending(b.conversationId, a.conversationId)
  );
}

/** Times of one form and ids: by code units, as the server orders them. */
function descending(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? 1 : -1;
}
