import type { Blocks } from "./blocks.ts";
import { Times } from "./times.ts";

/**
 * The expected final state, recorded by the acting clients: acknowledged messages, their changes,
 * reactions and reads.
 */
export interface ModelMessage {
  messageId: string;
  senderId: string;
  clientMessageId: string;
  content: string;
  mentions: readonly string[];
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
  /** Every text that was sent, acknowledged or not, and when: no others may exist. */
  readonly said = new Map<string, number>();
  /** Who blocks whom. */
  readonly blocks: Blocks;
  /** What each device sent over its socket, in order. */
  readonly sentBy = new Map<string, string[]>();
  /** By person: what they have read. */
  private readonly readUpTo = new Map<string, number>();
  private readonly readSingly = new Map<string, Set<number>>();
  /** When what happened to whom, for what they are notified of. */
  readonly times = new Times();

  constructor(conversationId: string, memberIds: readonly string[], blocks: Blocks) {
    this.blocks = blocks;
    this.conversationId = conversationId;
    this.memberIds = memberIds;
  }

  acknowledged(message: Omit<ModelMessage, "edited" | "deleted" | "reactions">) {
    const { messageId, senderId, content } = message;
    this.times.sent(messageId, senderId);
    this.times.says(content, messageId);
    const kept = { ...message, edited: false, deleted: false, reactions: new Set<string>() };
    // Another user may have reacted before the author received the acknowledgement.
    const reacted = this.messages.get(message.messageId)?.reactions;
    this.messages.set(message.messageId, { ...kept, ...(reacted && { reactions: reacted }) });
  }

  /** The reactions of a message whose acknowledgement may not have arrived yet. */
  reactionsOf(messageId: string): Set<string> {
    const known = this.messages.get(messageId);
    if (known) return known.reactions;
    const reactions = new Set<string>();
    const nothing = { senderId: "", clientMessageId: "", content: "", mentions: [], edited: false };
    this.messages.set(messageId, { messageId, ...nothing, deleted: false, reactions });
    return reactions;
  }

  read(userId: string, upTo: number): void {
    this.times.hasRead(userId, { upTo });
    this.readUpTo.set(userId, Math.max(this.readUpTo.get(userId) ?? 0, upTo));
  }

  readOne(userId: string, number: number): void {
    this.times.hasRead(userId, { only: number });
    const numbers = this.readSingly.get(userId) ?? new Set();
    this.readSingly.set(userId, numbers.add(number));
  }

  hasRead(userId: string, number: number): boolean {
    return number <= (this.readUpTo.get(userId) ?? 0) || !!this.readSingly.get(userId)?.has(number);
  }

  /**
   * How many of all messages a user has not read, at least and at most, or of those that mention them: what
   * somebody wrote whom they blocked counts as read, and what was under way when a block began or ended may
   * have come before or after.
   */
  unread(
    userId: string,
    all: readonly { messageId: string; number: number }[],
    which: "all" | "mentions" = "all",
  ): { least: number; most: number } {
    let [least, most] = [0, 0];
    for (const { messageId, number } of all) {
      const message = this.messages.get(messageId);
      if (!message || message.deleted || message.senderId === userId) continue;
      if (this.hasRead(userId, number)) continue;
      if (which === "mentions" && !message.mentions.includes(userId)) continue;
      const { senderId, clientMessageId } = message;
      const sentAt = this.times.messages.get(messageId)?.sentAt ?? Infinity;
      if (this.blocks.heldAfter(userId, senderId, sentAt)) continue;
      most++;
      const from = this.said.get(clientMessageId) ?? 0;
      if (!this.blocks.mayHaveHeldWithin(userId, senderId, from, Infinity)) least++;
    }
    return { least, most };
  }
}
