import type { Message } from "../../domain/message.ts";
import type { Change } from "../decide/types.ts";
import { messagesBetween, type Numbers } from "../tables/messages.ts";

/** Messages kept in memory: the largest page that clients request. */
const KEPT = 100;

/**
 * Reads messages, the newest ones from memory, which most reads ask for. Memory holds committed
 * messages only, and none after a wake until the newest page is read.
 */
export class RecentMessages {
  private readonly sql: SqlStorage;
  /** Ascending, without gaps, up to the newest message. */
  private kept: Message[] = [];

  constructor(sql: SqlStorage) {
    this.sql = sql;
  }

  /** Messages `from`…`to`, oldest first, of those that the conversation has. */
  between(from: number, to: number, { lastNumber, purgedTo = 0 }: Numbers): Message[] {
    const first = this.kept[0]?.number;
    if (first !== undefined && from >= first) return this.kept.slice(from - first, to - first + 1);
    const messages = messagesBetween(this.sql, from, to);
    if (to >= lastNumber && messages.length > this.kept.length) {
      this.kept = messages.slice(-KEPT).filter(({ number }) => number > purgedTo);
    }
    return messages;
  }

  /** Whether this is a message in memory, as it is now. */
  has(message: Message): boolean {
    return this.kept[message.number - (this.kept[0]?.number ?? 0)] === message;
  }

  /** Applies committed changes. */
  follow(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.type === "conversation" && change.isPurged) {
        const { purgedTo = 0 } = change.conversation;
        this.kept = this.kept.filter(({ number }) => number > purgedTo);
      }
      if (change.type !== "message") continue;
      const { message, cause } = change;
      const first = this.kept[0]?.number;
      if (cause === "created") {
        if (first !== undefined || message.number === 1) this.kept.push(message);
      } else if (first !== undefined && message.number >= first) {
        this.kept[message.number - first] = message;
      }
    }
    // Not for every message: cutting off the front moves all the others.
    if (this.kept.length > 2 * KEPT) this.kept = this.kept.slice(-KEPT);
  }
}
