/** A message as both models keep it; `sender` is `undefined` for the system. */
export interface Sent {
  sender: string | undefined;
  deleted: boolean;
}

interface Reader {
  present: boolean;
  /** Messages up to this number existed before they last joined. */
  joinedAfter: number;
  /** Every message that they have read: by others, and counted when it was read. */
  read: Set<number>;
  /** Messages that a block has hidden from them at some time. */
  hidden: Set<number>;
}

/**
 * One conversation in which unread messages are found by looking at every message, without ranges
 * or figures.
 */
export class NaiveReads {
  readonly messages: Sent[] = [];
  private readonly readers = new Map<string, Reader>();
  /** Who blocks whom now. */
  private readonly blocks: [userId: string, blockedId: string][] = [];

  send(sender: string | undefined): void {
    this.messages.push({ sender, deleted: false });
    for (const [userId, blockedId] of this.blocks) {
      if (blockedId === sender) this.readers.get(userId)?.hidden.add(this.messages.length);
    }
  }

  /** What the other has sent until now counts as read, and what they send from now on. */
  block(userId: string, blockedId: string): void {
    this.unblock(userId, blockedId);
    this.blocks.push([userId, blockedId]);
    for (const [index, { sender }] of this.messages.entries()) {
      if (sender === blockedId) this.reader(userId).hidden.add(index + 1);
    }
  }

  unblock(userId: string, blockedId: string): void {
    const known = this.blocks.findIndex(([a, b]) => a === userId && b === blockedId);
    if (known !== -1) this.blocks.splice(known, 1);
  }

  delete(number: number): void {
    const message = this.messages[number - 1];
    if (message) message.deleted = true;
  }

  join(userId: string): void {
    const { read, hidden } = this.readers.get(userId) ?? { read: new Set(), hidden: new Set() };
    this.readers.set(userId, { present: true, joinedAfter: this.messages.length, read, hidden });
  }

  leave(userId: string): void {
    this.reader(userId).present = false;
  }

  isPresent(userId: string): boolean {
    return this.readers.get(userId)?.present === true;
  }

  /** Returns how many messages became read. */
  markUpTo(userId: string, upTo: number): number {
    const unread = this.unread(userId).filter((number) => number <= upTo);
    for (const number of unread) this.reader(userId).read.add(number);
    return unread.length;
  }

  /** Returns how many messages became read. */
  markSome(userId: string, numbers: readonly number[]): number {
    const { read } = this.reader(userId);
    const before = read.size;
    for (const number of numbers) read.add(number);
    return read.size - before;
  }

  /** Whether a message can be read by this member: by another user, and counted. */
  isReadable(userId: string, number: number): boolean {
    const { sender, deleted } = this.messages[number - 1] ?? { sender: undefined, deleted: true };
    return !deleted && sender !== undefined && sender !== userId;
  }

  unread(userId: string): number[] {
    const { joinedAfter, read, hidden } = this.reader(userId);
    return this.readable(userId).filter(
      (number) => number > joinedAfter && !read.has(number) && !hidden.has(number),
    );
  }

  /** The messages whose receipts list this member. */
  receipts(userId: string): number[] {
    const { read } = this.reader(userId);
    return this.readable(userId).filter((number) => read.has(number));
  }

  /** How many messages after `number` are counted, and read, their own or hidden from them. */
  settledAfter(userId: string, number: number): number {
    const { read, hidden } = this.reader(userId);
    return this.messages.slice(number).filter(({ sender, deleted }, index) => {
      const countable = !deleted && sender !== undefined;
      const place = number + index + 1;
      return countable && (sender === userId || read.has(place) || hidden.has(place));
    }).length;
  }

  private readable(userId: string): number[] {
    return this.messages
      .map((_, index) => index + 1)
      .filter((number) => this.isReadable(userId, number));
  }

  private reader(userId: string): Reader {
    const reader = this.readers.get(userId);
    if (!reader) throw new Error(`${userId} was never here`);
    return reader;
  }
}
