import type { Message } from "../../domain/message.ts";
import type { Change } from "../decide/types.ts";
import { messagesBetween } from "../tables/messages.ts";

/** Messages kept: the largest page that clients ask for. */
const KEPT = 100;

/**
 * The messages of a conversation, the newest of them from memory: they are what almost every reader asks
 * for. Memory holds what has been committed, and nothing after a wake until the newest page was read.
 */
export class RecentMessages {
  private readonly sql: SqlStorage;
  /** In ascending order, without gaps, up to the newest of all. */
  private kept: Message[] = [];

  constructor(sql: SqlStorage) {
    this.sql = sql;
  }

  /** Messages `from`…`to`, oldest first, of a conversation whose newest is `lastNumber`. */
  between(from: number, to: number, lastNumber: number): Message[] {
    const first = this.kept[0]?.number;
    if (first !== undefined && from >= first) return this.kept.slice(from - first, to - first + 1);
    const messages = messagesBetween(this.sql, from, to);
    if (to >= lastNumber && messages.length > this.kept.length) this.kept = messages.slice(-KEPT);
    return messages;
  }

  /** Follows what has been committed. */
  follow(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.type !== "message") continue;
      const { message, cause } = change;
      const first = this.kept[0]?.number;
      if (cause === "created") {
        if (first !== undefined || message.number === 1) this.kept.push(message);
      } else if (first !== undefined && message.number >= first) {
        this.kept[message.number - first] = message;
      }
    }
    // Not at every message: cutting off the front moves all the others.
    if (this.kept.length > 2 * KEPT) this.kept = this.kept.slice(-KEPT);
  }
}
