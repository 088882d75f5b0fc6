import { storedLastMessage } from "../../../directory/last-message.ts";
import type { Snapshot } from "../../../directory/projection.ts";
import type { Member } from "../../../domain/conversation.ts";
import { effectOfBlocks } from "../../../domain/hides.ts";
import { isCountable } from "../../../domain/message.ts";
import type { Memory } from "../../commit/draft.ts";
import type { StoredAct } from "../../tables/audit.ts";
import { filesOf } from "../../tables/files.ts";
import { memberOf } from "../../tables/members.ts";
import { messageAt } from "../../tables/messages.ts";
import { readersAhead } from "../../tables/reads.ts";
import type { Changed } from "./changed.ts";
import { mentionRows } from "./mention-rows.ts";

/** What D1 is to have of some changes, in its present state; `to` is the revision they go up to. */
export function snapshotOf(
  sql: SqlStorage,
  { conversation, counters, blocks }: Memory,
  epoch: string,
  changes: readonly Changed[],
  acts: readonly StoredAct[],
  to: number,
): Snapshot {
  const touched = new Set<string>();
  const uncounted: number[] = [];
  const files: Snapshot["files"] = { sent: [], deleted: [] };
  const hiding = effectOfBlocks(conversation.kind) === "hide" ? blocks : undefined;
  for (const change of changes) {
    if (change.type === "member" || change.type === "flag") touched.add(change.member.userId);
    if (change.type === "read") touched.add(change.read.userId);
    if (change.type === "block") touched.add(change.block.userId);
    if (change.type !== "message") continue;
    const { message } = change;
    // A send changes its sender's figures, a deletion those of its author and of readers ahead; both change
    // those of members who hide it.
    if (message.senderId !== null) {
      touched.add(message.senderId);
      if (change.settles !== false) {
        for (const userId of hiding?.readersOf(message.senderId, message.number) ?? []) {
          touched.add(userId);
        }
      }
    }
    if (message.attachments.length > 0) files.sent.push(message);
    if (message.deletedAt !== null) files.deleted.push(...filesOf(sql, message.number));
    if (isCountable(message)) continue;
    uncounted.push(message.number);
    for (const userId of readersAhead(sql, message.number)) touched.add(userId);
  }
  const last = counters.lastCounted > 0 ? messageAt(sql, counters.lastCounted) : undefined;
  const members = Array.from(touched, (userId) => memberOf(sql, userId)).filter(
    (member): member is Member => member !== undefined,
  );
  const isConversationChanged = changes.some(
    ({ type }) => type !== "read" && type !== "flag" && type !== "block" && type !== "act",
  );
  return {
    ...{ epoch, rev: to, readAt: counters.rev, conversation, isConversationChanged },
    counters,
    lastMessage: last
      ? { json: storedLastMessage(conversation.id, last), createdAt: last.createdAt }
      : null,
    ...{ members, uncounted, files },
    isPurged:
      conversation.purgedTo !== undefined &&
      changes.some((change) => change.type === "conversation" && change.isPurged !== false),
    mentions: mentionRows(sql, changes, members, hiding),
    acts: acts.map(({ rev, act, epoch: doneIn = epoch }) => {
      const conversationId = conversation.id;
      return { ...act, id: `${conversationId}:${doneIn}:${rev}`, conversationId };
    }),
  };
}
