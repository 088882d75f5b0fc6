import type { Kind } from "./conversation.ts";
import type { Message, Receipt } from "./message.ts";
import type { ReactionSummary } from "./reaction.ts";

/** People whom a user blocks where that hides what they write: their ids. */
export type Hides = ReadonlySet<string>;

export const NOBODY_HIDDEN: Hides = new Set();

/** A user's block of another, as their conversation keeps it. */
export interface Hiding {
  userId: string;
  blockedId: string;
  /** The last message of the other that counts as read by the user; `null`: the block holds. */
  upTo: number | null;
}

/** What a block does in a conversation: hides what is written, refuses to write, or nothing. */
export function effectOfBlocks(kind: Kind): "hide" | "refuse" | "none" {
  switch (kind) {
    case "group":
    case "channel":
      return "hide";
    case "direct":
    case "purchase-request":
      return "refuse";
    case "support":
      return "none";
  }
}

/** Whether a message of the blocked person counts as read by the user, whether or not the block still holds. */
export function countsAsRead({ upTo }: Pick<Hiding, "upTo">, number: number): boolean {
  return upTo === null || number <= upTo;
}

/**
 * A message as somebody sees it who hides some people: of one by them only that it is there, of another one
 * without their reactions. Reactions beyond those that a summary names stay counted. The same object where
 * nothing is hidden.
 */
export function shownTo(message: Message, hides: Hides): Message {
  if (hides.size === 0) return message;
  const { senderId } = message;
  if (senderId !== null && hides.has(senderId)) return placeholderOf(message);
  if (!message.reactions.some(({ userIds }) => userIds.some((userId) => hides.has(userId)))) {
    return message;
  }
  return { ...message, reactions: message.reactions.flatMap((one) => withoutHidden(one, hides)) };
}

/** Receipts without those of hidden people. */
export function receiptsShownTo(receipts: readonly Receipt[], hides: Hides): readonly Receipt[] {
  if (hides.size === 0) return receipts;
  return receipts.filter(({ userId }) => !hides.has(userId));
}

/** Whatever the sender chose is left out: also the kind of files, the key and what it replies to. */
function placeholderOf({
  number,
  rev,
  senderId,
  createdAt,
  clockAt,
  editedAt,
  deletedAt,
}: Message): Message {
  return {
    ...{ number, rev, senderId, kind: "text", content: "", replyTo: null },
    ...{ attachments: [], reactions: [], metadata: null, hidden: true, clientMessageId: null },
    createdAt,
    ...(clockAt !== undefined && { clockAt }),
    ...{ editedAt, deletedAt },
  };
}

function withoutHidden(
  { emoji, count, userIds }: ReactionSummary,
  hides: Hides,
): ReactionSummary[] {
  const shown = userIds.filter((userId) => !hides.has(userId));
  const left = count - (userIds.length - shown.length);
  return left > 0 ? [{ emoji, count: left, userIds: shown }] : [];
}
