import type { Member } from "../../../domain/conversation.ts";
import { unreachable } from "../../../domain/error.ts";
import { type Mentions, mentionList, mentionsInList } from "../../../domain/mentions.ts";
import type { Message } from "../../../domain/message.ts";
import type { Change } from "../../decide/types.ts";
import type { StoredBlock } from "../../tables/blocks.ts";
import type { ReadMark } from "../../tables/reads.ts";

/** Something that changed, with no more of it than the projection needs. */
export type Changed =
  /** `settles`: whether the figures of those who hide its sender may have changed; absent: not known. */
  | { type: "message"; message: ListedMessage; settles?: boolean }
  | { type: "member" | "flag"; member: Pick<Member, "userId"> }
  | { type: "read"; read: Pick<ReadMark, "userId" | "from" | "to"> }
  /** Whom a member blocks, or no longer. */
  | { type: "block"; block: Pick<StoredBlock, "userId" | "blockedId"> }
  /** `isPurged`: whether messages are gone by it; absent: not known. */
  | { type: "conversation"; isPurged?: boolean }
  /** Something for the audit log, which is in its table. */
  | { type: "act" };

export type ListedMessage = Mentions &
  Pick<Message, "number" | "senderId" | "createdAt" | "editedAt" | "deletedAt" | "attachments">;

/** What is kept of a change until D1 has it. */
export function changedOf(change: Change): Changed {
  switch (change.type) {
    case "message": {
      const { number, senderId, createdAt, editedAt, deletedAt, attachments } = change.message;
      const listed = { number, senderId, createdAt, editedAt, deletedAt, attachments };
      const mentions = mentionsInList(mentionList(change.message));
      const settles = change.cause === "created" || change.cause === "deleted";
      return { type: "message", message: { ...listed, ...mentions }, settles };
    }
    case "read": {
      const { userId, from, to } = change.read;
      return { type: "read", read: { userId, from, to } };
    }
    case "member":
    case "flag":
      return { type: change.type, member: { userId: change.member.userId } };
    case "block": {
      const { userId, blockedId } = change.block;
      return { type: "block", block: { userId, blockedId } };
    }
    case "conversation":
      return { type: "conversation", isPurged: change.isPurged === true };
    default:
      return unreachable(change);
  }
}

/** How much of D1 a change takes: a row for it, and one for each file and mention. */
export function weightOf(change: Changed): number {
  if (change.type !== "message") return 1;
  const { attachments, mentions = [] } = change.message;
  return 1 + attachments.length + mentions.length;
}
