import type { Member } from "../../../domain/conversation.ts";
import { unreachable } from "../../../domain/error.ts";
import { type Mentions, mentionList, mentionsInList } from "../../../domain/mentions.ts";
import type { Message } from "../../../domain/message.ts";
import type { Change } from "../../decide/types.ts";
import type { ReadMark } from "../../tables/reads.ts";

/** Something that changed, with no more of it than the projection needs. */
export type Changed =
  | { type: "message"; message: ListedMessage }
  | { type: "member" | "flag"; member: Pick<Member, "userId"> }
  | { type: "read"; read: Pick<ReadMark, "userId" | "from" | "to"> }
  | { type: "conversation" }
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
      return { type: "message", message: { ...listed, ...mentions } };
    }
    case "read": {
      const { userId, from, to } = change.read;
      return { type: "read", read: { userId, from, to } };
    }
    case "member":
    case "flag":
      return { type: change.type, member: { userId: change.member.userId } };
    case "conversation":
      return { type: "conversation" };
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
