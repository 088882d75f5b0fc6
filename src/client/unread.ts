import type { WireMessage } from "./received.ts";
import type { Replica } from "./replica.ts";

/** Whether a message counts as unread until a user has read it. */
function countsFor(userId: string, joinedAt: string, message: WireMessage): boolean {
  const { senderId, deletedAt, createdAt, hidden } = message;
  if (senderId === null || senderId === userId || hidden) return false;
  return deletedAt === null && createdAt >= joinedAt;
}

/**
 * How many messages one has not read: those of others that are not deleted or hidden, since one joined; what
 * was hidden by a block that was lifted since counts as read. Where messages are unread that the client has
 * not loaded, the server's count at the last connect is gone by for those, less what was read since.
 */
export class Unread {
  private readonly replica: Replica;
  /** Unread messages before the first whose read marks are known. */
  private before = 0;

  constructor(replica: Replica) {
    this.replica = replica;
  }

  /** Call it when the state is that of `hello`, or of a `sync` that has the count: it is exact then. */
  settle(count: number): void {
    this.before = Math.max(0, count - this.known());
  }

  /** A user read a range: the user's own range reduces the count of messages that are not loaded. */
  read(userId: string, from: number, to: number): void {
    if (userId !== this.replica.you?.userId) return;
    const last = Math.min(to, this.replica.readsFrom - 1);
    if (last >= from) this.before = Math.max(0, this.before - (last - from + 1));
  }

  /**
   * Messages are gone up to a number. False: how many of those that are not loaded were unread among them is not
   * known, so that only the server's count is exact.
   */
  purged(): boolean {
    const notLoaded = Math.max(0, this.replica.readsFrom - 1 - this.replica.purgedTo);
    const isKnown = this.before === 0 || notLoaded === 0;
    this.before = Math.min(this.before, notLoaded);
    return isKnown;
  }

  get count(): number {
    return this.before + this.known();
  }

  private known(): number {
    const { you, members, reads, timeline, readsFrom, lifted, purgedTo } = this.replica;
    if (!you) return 0;
    const joinedAt = members.get(you.userId)?.joinedAt ?? "";
    const mine = [...reads.values()].filter((read) => read.userId === you.userId);
    mine.sort((a, b) => a.from - b.from);
    let range = 0;
    let count = 0;
    // Ranges of one person never overlap: one look at each.
    for (const message of timeline.messages) {
      if (message.number < readsFrom || message.number <= purgedTo) continue;
      if (!countsFor(you.userId, joinedAt, message)) continue;
      if (message.number <= (lifted.get(message.senderId ?? "") ?? 0)) continue;
      while ((mine[range]?.to ?? Infinity) < message.number) range++;
      if ((mine[range]?.from ?? Infinity) > message.number) count++;
    }
    return count;
  }
}
