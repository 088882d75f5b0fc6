import type { MentionRows } from "../../../directory/projection.ts";
import type { Member } from "../../../domain/conversation.ts";
import { EVERYBODY, mentionedBy } from "../../../domain/mentions.ts";
import type { Blocks } from "../../tables/blocks.ts";
import { hiddenMentionsFrom, mentionsWithin, unmentionedBy } from "../../tables/mentions.ts";
import { readersAhead } from "../../tables/reads.ts";
import type { Changed, ListedMessage } from "./changed.ts";

/**
 * What D1 is to have of mentions after some changes, in their present state. A mention that was read beyond
 * a member's `readUpTo` has a row: written when they read it, or when an edit adds a mention to what they
 * had read. So has one of somebody whom the member hides.
 */
export function mentionRows(
  sql: SqlStorage,
  changes: readonly Changed[],
  members: readonly Member[],
  hiding: Blocks | undefined,
): MentionRows {
  const rows: MentionRows = { added: [], removed: [], read: [] };
  const readUpTo = new Map(members.map((member) => [member.userId, member.readUpTo]));
  const messages = new Map<number, ListedMessage>();
  for (const change of changes) {
    // Of a message that changed several times, the last change has its present state.
    if (change.type === "message") messages.set(change.message.number, change.message);
    if (change.type === "block" && hiding) {
      const { userId, blockedId } = change.block;
      const from = (readUpTo.get(userId) ?? 0) + 1;
      for (const number of hiddenMentionsFrom(sql, { userId, blockedId }, from)) {
        rows.read.push({ userId, number });
      }
    }
    if (change.type !== "read") continue;
    const { userId, from, to } = change.read;
    const first = Math.max(from, (readUpTo.get(userId) ?? 0) + 1);
    for (const number of mentionsWithin(sql, userId, first, to)) rows.read.push({ userId, number });
  }
  for (const message of messages.values()) addMessage(sql, rows, message, hiding);
  return rows;
}

function addMessage(
  sql: SqlStorage,
  rows: MentionRows,
  message: ListedMessage,
  hiding: Blocks | undefined,
): void {
  const { number, senderId } = message;
  if (senderId === null) return;
  const mentioned = mentionedBy({ ...message, senderId });
  for (const userId of mentioned) rows.added.push({ userId, number, senderId });
  const addRead = (userIds: readonly string[]) => {
    for (const userId of userIds) {
      if (mentioned.includes(EVERYBODY) || mentioned.includes(userId)) {
        rows.read.push({ userId, number });
      }
    }
  };
  if (mentioned.length > 0) addRead(hiding?.readersOf(senderId, number) ?? []);
  if (message.editedAt === null && message.deletedAt === null) return;
  for (const userId of unmentionedBy(sql, number)) rows.removed.push({ userId, number });
  if (mentioned.length > 0) addRead(readersAhead(sql, number));
}
