import { pruned, WINDOW_MS } from "../domain/rate-window.ts";
import { sendsSince } from "./log/messages.ts";

/**
 * When each sender sent within the rate window. Nothing of it is stored: after a wake it is rebuilt
 * from the log, by one look back over the last minute.
 */
export class SendTimes {
  private readonly sql: SqlStorage;
  private bySender: Map<string, number[]> | undefined;
  private sweptAt = 0;

  constructor(sql: SqlStorage) {
    this.sql = sql;
  }

  /** A sender's committed sends within the window, ascending. */
  of(userId: string, now: number): readonly number[] {
    this.bySender ??= this.rebuilt(now);
    return this.bySender.get(userId) ?? [];
  }

  /** Takes over the sends of a group that has committed. */
  add(sends: ReadonlyMap<string, readonly number[]>, now: number): void {
    // Nobody has asked yet: when somebody does, the log will tell of these too.
    if (!this.bySender) return;
    for (const [userId, times] of sends) {
      const known = this.bySender.get(userId) ?? [];
      known.push(...times);
      // Pruned when half of it is old, so that a send costs the same however many came before it.
      const stale = (known[known.length >> 1] ?? now) <= now - WINDOW_MS;
      this.bySender.set(userId, stale ? pruned(known, now) : known);
    }
    if (now - this.sweptAt > WINDOW_MS) this.sweep(this.bySender, now);
  }

  private sweep(bySender: Map<string, number[]>, now: number): void {
    this.sweptAt = now;
    for (const [userId, times] of bySender) {
      if ((times.at(-1) ?? 0) <= now - WINDOW_MS) bySender.delete(userId);
    }
  }

  private rebuilt(now: number): Map<string, number[]> {
    const bySender = new Map<string, number[]>();
    for (const { senderId, createdAt } of sendsSince(this.sql, now - WINDOW_MS)) {
      const times = bySender.get(senderId);
      if (times) times.push(createdAt);
      else bySender.set(senderId, [createdAt]);
    }
    for (const times of bySender.values()) times.reverse();
    return bySender;
  }
}
