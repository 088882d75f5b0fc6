import { storedLastMessage } from "../../../directory/last-message.ts";
import type { Snapshot } from "../../../directory/projection.ts";
import type { Member } from "../../../domain/conversation.ts";
import { unreachable } from "../../../domain/error.ts";
import { isCountable, type Message } from "../../../domain/message.ts";
import type { Memory } from "../../commit/draft.ts";
import type { Change } from "../../decide/types.ts";
import { filesOf } from "../../tables/files.ts";
import { memberOf } from "../../tables/members.ts";
import { messageAt } from "../../tables/messages.ts";
import { type ReadMark, readersAhead } from "../../tables/reads.ts";

/** Something that changed, with no more of it than the projection needs. */
export type Changed =
  | { type: "message"; message: ListedMessage }
  | { type: "member" | "flag"; member: Pick<Member, "userId"> }
  | { type: "read"; read: Pick<ReadMark, "userId"> }
  | { type: "conversation" };

type ListedMessage = Pick<
  Message,
  "number" | "senderId" | "createdAt" | "deletedAt" | "attachments"
>;

/** What is kept of a change until D1 has it. */
export function changedOf(change: Change): Changed {
  switch (change.type) {
    case "message": {
      const { number, senderId, createdAt, deletedAt, attachments } = change.message;
      return { type: "message", message: { number, senderId, createdAt, deletedAt, attachments } };
    }
    case "read":
      return { type: "read", read: { userId: change.read.userId } };
    case "member":
    case "flag":
      return { type: change.type, member: { userId: change.member.userId } };
    case "conversation":
      return { type: "conversation" };
    default:
      return unreachable(change);
  }
}

/** How much of D1 a change takes: a row for it, and one for each file. */
export function weightOf(change: Changed): number {
  return 1 + (change.type === "message" ? change.message.attachments.length : 0);
}

/** What D1 is to have of some changes, in its present state; `to` is the revision they go up to. */
export function snapshotOf(
  sql: SqlStorage,
  { conversation, counters }: Memory,
  epoch: string,
  changes: readonly Changed[],
  to: number,
): Snapshot {
  const touched = new Set<string>();
  const uncounted: number[] = [];
  const files: Snapshot["files"] = { sent: [], deleted: [] };
  for (const change of changes) {
    if (change.type === "member" || change.type === "flag") touched.add(change.member.userId);
    if (change.type === "read") touched.add(change.read.userId);
    if (change.type !== "message") continue;
    const { message } = change;
    // A send changes its sender's figures, a deletion those of its author and of readers ahead.
    if (message.senderId !== null) touched.add(message.senderId);
    if (message.attachments.length > 0) files.sent.push(message);
    if (message.deletedAt !== null) files.deleted.push(...filesOf(sql, message.number));
    if (isCountable(message)) continue;
    uncounted.push(message.number);
    for (const userId of readersAhead(sql, message.number)) touched.add(userId);
  }
  const last = counters.lastCounted > 0 ? messageAt(sql, counters.lastCounted) : undefined;
  const isConversationChanged = changes.some(({ type }) => type !== "read" && type !== "flag");
  return {
    ...{ epoch, rev: to, conversation, isConversationChanged },
    counters,
    lastMessage: last
      ? { json: storedLastMessage(conversation.id, last), createdAt: last.createdAt }
      : null,
    members: Array.from(touched, (userId) => memberOf(sql, userId)).filter(
      (member): member is Member => member !== undefined,
    ),
    uncounted,
    files,
  };
}
