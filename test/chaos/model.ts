/**
 * What must be true in the end, kept by those who act and by nobody else: what was acknowledged, what
 * it was changed to, who reacted, who read what.
 */
export interface ModelMessage {
  messageId: string;
  senderId: string;
  clientMessageId: string;
  content: string;
  edited: boolean;
  deleted: boolean;
  /** `emoji userId`. */
  reactions: Set<string>;
}

export class Model {
  readonly conversationId: string;
  readonly memberIds: readonly string[];
  /** By message id: what was acknowledged. */
  readonly messages = new Map<string, ModelMessage>();
  /** Whatever was said, acknowledged or not: nothing else may be there. */
  readonly said = new Set<string>();
  /** What each device sent over its socket, in order. */
  readonly sentBy = new Map<string, string[]>();
  /** By person: what they have read. */
  private readonly readUpTo = new Map<string, number>();
  private readonly readSingly = new Map<string, Set<number>>();

  constructor(conversationId: string, memberIds: readonly string[]) {
    this.conversationId = conversationId;
    this.memberIds = memberIds;
  }

  acknowledged(
    message: Pick<ModelMessage, "messageId" | "senderId" | "clientMessageId" | "content">,
  ) {
    const kept = { ...message, edited: false, deleted: false, reactions: new Set<string>() };
    // Somebody may have reacted before its author had the acknowledgement.
    const reacted = this.messages.get(message.messageId)?.reactions;
    this.messages.set(message.messageId, { ...kept, ...(reacted && { reactions: reacted }) });
  }

  /** The reactions of a message that may not be known to be acknowledged yet. */
  reactionsOf(messageId: string): Set<string> {
    const known = this.messages.get(messageId);
    if (known) return known.reactions;
    const reactions = new Set<string>();
    const nothing = { senderId: "", clientMessageId: "", content: "", edited: false };
    this.messages.set(messageId, { messageId, ...nothing, deleted: false, reactions });
    return reactions;
  }

  read(userId: string, upTo: number): void {
    this.readUpTo.set(userId, Math.max(this.readUpTo.get(userId) ?? 0, upTo));
  }

  readOne(userId: string, number: number): void {
    const numbers = this.readSingly.get(userId) ?? new Set();
    this.readSingly.set(userId, numbers.add(number));
  }

  hasRead(userId: string, number: number): boolean {
    return number <= (this.readUpTo.get(userId) ?? 0) || !!this.readSingly.get(userId)?.has(number);
  }

  /** How many messages a person has not read, of all there are. */
  unread(userId: string, all: readonly { messageId: string; number: number }[]): number {
    return all.filter(({ messageId, number }) => {
      const message = this.messages.get(messageId);
      if (!message || message.deleted || message.senderId === userId) return false;
      return !this.hasRead(userId, number);
    }).length;
  }
}
