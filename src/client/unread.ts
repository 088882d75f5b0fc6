import type { WireMessage } from "./received.ts";
import type { Replica } from "./replica.ts";

/** Whether a message counts as unread until a user has read it. */
function countsFor(userId: string, joinedAt: string, message: WireMessage): boolean {
  const { senderId, deletedAt, createdAt, hidden } = message;
  if (senderId === null || senderId === userId || hidden) return false;
  return deletedAt === null && createdAt >= joinedAt;
}

/**
 * How many messages one has not read: those of others that are not deleted or hidden, since one joined. Where
 * messages are unread that the client has not loaded, the server's count at the last connect is gone
 * by for those, less what was read since. Messages that a block has hidden, which was lifted since, count as
 * read: only the server's count tells how many of those that are loaded are.
 */
export class Unread {
  private readonly replica: Replica;
  /** Unread messages before the first whose read marks are known. */
  private before = 0;
  /** How many of the loaded messages look unread, and are not. */
  private surplus = 0;

  constructor(replica: Replica) {
    this.replica = replica;
  }

  /** Call it when the state is that of `hello`, or of a `sync` that has the count: it is exact then. */
  settle(count: number): void {
    const known = this.known();
    this.before = Math.max(0, count - known);
    this.surplus = Math.max(0, known - count);
  }

  /** A user read a range: the user's own range reduces the count of messages that are not loaded. */
  read(userId: string, from: number, to: number): void {
    if (userId !== this.replica.you?.userId) return;
    this.surplus = Math.min(this.surplus, this.known());
    const last = Math.min(to, this.replica.readsFrom - 1);
    if (last >= from) this.before = Math.max(0, this.before - (last - from + 1));
  }

  get count(): number {
    return this.before + Math.max(0, this.known() - this.surplus);
  }

  private known(): number {
    const { you, members, reads, timeline, readsFrom } = this.replica;
    if (!you) return 0;
    const joinedAt = members.get(you.userId)?.joinedAt ?? "";
    const mine = [...reads.values()].filter((read) => read.userId === you.userId);
    mine.sort((a, b) => a.from - b.from);
    let range = 0;
    let count = 0;
    // Ranges of one person never overlap: one look at each.
    for (const message of timeline.messages) {
      if (message.number < readsFrom || !countsFor(you.userId, joinedAt, message)) continue;
      while ((mine[range]?.to ?? Infinity) < message.number) range++;
      if ((mine[range]?.from ?? Infinity) > message.number) count++;
    }
    return count;
  }
}
