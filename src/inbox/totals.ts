import type { CountedRow } from "../directory/inbox-totals.ts";
import { replaces } from "../domain/inbox.ts";
import type { InboxRow, TotalEvent } from "../live/inbox-events.ts";

export interface TotalsOptions {
  /** The conversations of the user as D1 has them; `undefined`: there are too many. Rejects while D1 is unavailable. */
  read: () => Promise<CountedRow[] | undefined>;
  /** Rows that D1 may not have yet. */
  recent: () => InboxRow[];
  /** Whether any socket wants totals. */
  isWanted: () => boolean;
  /** Sends an event to the sockets that want totals. */
  send: (event: TotalEvent) => void;
  onFailure: (error: unknown) => void;
}

type Counts = Pick<CountedRow, "epoch" | "rev" | "unread" | "mentions">;

/**
 * The unread messages of all conversations of the user, kept up to date for the sockets that ask for it: the
 * sum over D1's rows and those that conversations have sent since. Kept in memory; after hibernation D1 is read
 * again with the first row that changes.
 */
export class Totals {
  private readonly options: TotalsOptions;
  private rows: Map<string, Counts> | undefined;
  private unread = 0;
  private mentions = 0;
  private sent: string | undefined;
  private loading: Promise<void> | undefined;
  /** D1 is not read with every change to find that out again. */
  private areTooMany = false;

  constructor(options: TotalsOptions) {
    this.options = options;
  }

  /** A socket that wants totals was opened: it is sent the present one, and then every change. */
  opened(): void {
    this.sent = undefined;
    // What conversations did not tell while nobody was connected is not in memory.
    this.rows = undefined;
    this.areTooMany = false;
    void this.load();
  }

  /** A row has changed, and was sent. */
  changed(row: InboxRow): void {
    if (!this.options.isWanted()) {
      this.rows = undefined;
      return;
    }
    if (!this.rows) {
      if (!this.areTooMany) void this.load();
      return;
    }
    this.apply(row);
    this.send();
  }

  private load(): Promise<void> {
    this.loading ??= this.readAll().finally(() => {
      this.loading = undefined;
    });
    return this.loading;
  }

  private async readAll(): Promise<void> {
    const { read, recent, onFailure } = this.options;
    try {
      const found = await read();
      this.areTooMany = found === undefined;
      if (!found) return;
      this.rows = new Map();
      this.unread = 0;
      this.mentions = 0;
      for (const row of found) this.add(row.conversationId, row);
      for (const row of recent()) this.apply(row);
      this.send();
    } catch (error) {
      onFailure(error);
    }
  }

  private apply(row: InboxRow): void {
    const { conversationId, epoch, rev } = row;
    const counts = "removed" in row ? { unread: 0, mentions: 0 } : row;
    this.add(conversationId, { epoch, rev, unread: counts.unread, mentions: counts.mentions });
  }

  private add(conversationId: string, counts: Counts): void {
    const known = this.rows?.get(conversationId);
    if (!replaces(counts, known)) return;
    this.unread += counts.unread - (known?.unread ?? 0);
    this.mentions += counts.mentions - (known?.mentions ?? 0);
    this.rows?.set(conversationId, counts);
  }

  private send(): void {
    const { unread, mentions } = this;
    const event: TotalEvent = { type: "total", unread, mentions };
    const text = JSON.stringify(event);
    if (text === this.sent || !this.options.isWanted()) return;
    this.sent = text;
    this.options.send(event);
  }
}
