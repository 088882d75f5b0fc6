import type { MentionRows } from "../../../directory/projection.ts";
import type { Member } from "../../../domain/conversation.ts";
import { EVERYBODY, mentionedBy } from "../../../domain/mentions.ts";
import { mentionsWithin, unmentionedBy } from "../../tables/mentions.ts";
import { readersAhead } from "../../tables/reads.ts";
import type { Changed, ListedMessage } from "./changed.ts";

/**
 * What D1 is to have of mentions after some changes, in their present state. A mention that was read beyond
 * a member's `readUpTo` has a row: written when they read it, or when an edit adds a mention to what they
 * had read.
 */
export function mentionRows(
  sql: SqlStorage,
  changes: readonly Changed[],
  members: readonly Member[],
): MentionRows {
  const rows: MentionRows = { added: [], removed: [], read: [] };
  const readUpTo = new Map(members.map((member) => [member.userId, member.readUpTo]));
  const messages = new Map<number, ListedMessage>();
  for (const change of changes) {
    // Of a message that changed several times, the last change has its present state.
    if (change.type === "message") messages.set(change.message.number, change.message);
    if (change.type !== "read") continue;
    const { userId, from, to } = change.read;
    const first = Math.max(from, (readUpTo.get(userId) ?? 0) + 1);
    for (const number of mentionsWithin(sql, userId, first, to)) rows.read.push({ userId, number });
  }
  for (const message of messages.values()) addMessage(sql, rows, message);
  return rows;
}

function addMessage(sql: SqlStorage, rows: MentionRows, message: ListedMessage): void {
  const { number, senderId } = message;
  if (senderId === null) return;
  const mentioned = mentionedBy({ ...message, senderId });
  for (const userId of mentioned) rows.added.push({ userId, number, senderId });
  if (message.editedAt === null && message.deletedAt === null) return;
  for (const userId of unmentionedBy(sql, number)) rows.removed.push({ userId, number });
  if (mentioned.length === 0) return;
  for (const userId of readersAhead(sql, number)) {
    if (mentioned.includes(EVERYBODY) || mentioned.includes(userId)) {
      rows.read.push({ userId, number });
    }
  }
}
