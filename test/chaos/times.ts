/** What somebody has read: up to a number, or one message alone. */
export type Read = { upTo: number } | { only: number };

interface Message {
  senderId: string;
  /** When its send was acknowledged, in milliseconds since the epoch, like all times here. */
  sentAt: number;
  /** When its deletion was requested, and acknowledged. */
  deletesAt: number;
  deletedAt: number;
}

type Reads = { read: Read; at: number }[];

/** When messages were sent, read and deleted, as far as the clients know. */
export class Times {
  readonly messages = new Map<string, Message>();
  private readonly byText = new Map<string, string>();
  private readonly requested = new Map<string, Reads>();
  private readonly acknowledged = new Map<string, Reads>();

  sent(messageId: string, senderId: string): void {
    const at = Date.now();
    this.messages.set(messageId, {
      senderId,
      sentAt: at,
      deletesAt: Infinity,
      deletedAt: Infinity,
    });
  }

  /** A message has this text, now or soon. */
  says(text: string, messageId: string): void {
    this.byText.set(text, messageId);
  }

  saidBy(text: string): string | undefined {
    return this.byText.get(text);
  }

  deletes(messageId: string): void {
    const message = this.messages.get(messageId);
    if (message) message.deletesAt = Date.now();
  }

  hasDeleted(messageId: string): void {
    const message = this.messages.get(messageId);
    if (message) message.deletedAt = Date.now();
  }

  reads(userId: string, read: Read): void {
    add(this.requested, userId, read);
  }

  hasRead(userId: string, read: Read): void {
    add(this.acknowledged, userId, read);
  }

  /** The earliest time at which a user may have read a message; `Infinity`: they did not. */
  mayHaveReadAt(userId: string, number: number): number {
    return first(this.requested.get(userId), number);
  }

  /** The time from which on they certainly had read it. */
  hadReadAt(userId: string, number: number): number {
    return first(this.acknowledged.get(userId), number);
  }
}

function add(all: Map<string, Reads>, userId: string, read: Read): void {
  const reads = all.get(userId) ?? [];
  all.set(userId, reads);
  reads.push({ read, at: Date.now() });
}

function first(reads: Reads = [], number: number): number {
  const covers = (read: Read) => ("only" in read ? read.only === number : read.upTo >= number);
  return reads.find(({ read }) => covers(read))?.at ?? Infinity;
}
