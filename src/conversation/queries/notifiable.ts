import type { Member } from "../../domain/conversation.ts";
import { messageIdOf } from "../../domain/id.ts";
import {
  NOTIFICATION_TTL_MS,
  NOTIFIED_LENGTH,
  type NotifiableAnswer,
  type NotifiableQuery,
  type Reason,
} from "../../domain/notification.ts";
import { truncated } from "../../domain/text.ts";
import type { OpenConversation } from "../open.ts";
import { memberOf } from "../tables/members.ts";
import { firstNumberAfter, messageAt } from "../tables/messages.ts";
import { together, unreadMentioning, unreadNotifying } from "../tables/notifying.ts";
import { uncountedAfter } from "../tables/uncounted.ts";

/**
 * What a user is to be notified of now: the newest message that they have not read and were not notified
 * of, at most a day old. Nothing of those who are no members, or have not accepted a request.
 */
export function notifiable(
  open: OpenConversation,
  { userId, level, after, upTo, unreadForMs = 0 }: NotifiableQuery,
): NotifiableAnswer {
  const { sql, memory, epoch, beganAt, clock } = open;
  const { conversation, counters } = memory;
  const answer = { epoch, rev: counters.rev };
  const found = memberOf(sql, userId);
  if (!found || found.leftAt !== null || found.request) return answer;
  const member = { ...found, isHiding: open.isHiding(userId) };
  // What was sent in an earlier epoch was notified of then, or is too late.
  const afterRev = after?.epoch === epoch ? after.rev : beganAt;
  const sentAt = clock() - NOTIFICATION_TTL_MS;
  const upToRev = upTo?.epoch === epoch ? upTo.rev : counters.rev;
  const mentions = unreadMentioning(sql, member, { afterRev, upToRev, sentAt });
  const firstAfter = (rev: number) =>
    firstNumberAfter(sql, "created_rev", rev, {
      ...{ lastNumber: counters.lastNumber, purgedTo: conversation.purgedTo },
    });
  const range = { from: firstAfter(afterRev), to: firstAfter(upToRev) - 1, sentAt };
  const messages = level === "all" ? unreadNotifying(sql, member, range) : undefined;
  const unread = together(mentions, messages);
  if (!unread) return answer;
  const notifiableAt = unread.since + unreadForMs;
  if (notifiableAt > clock()) return { ...answer, notifiableAt };
  const number = unread.newest;
  const message = messageAt(sql, number);
  if (!message || message.senderId === null) return answer;
  const reason: Reason = mentions === undefined ? "message" : "mention";
  return {
    ...answer,
    notifiable: {
      conversation: { id: conversation.id, kind: conversation.kind, title: conversation.title },
      message: {
        id: messageIdOf(conversation.id, number),
        senderId: message.senderId,
        senderName: memberOf(sql, message.senderId)?.name ?? null,
        text: truncated(message.content, NOTIFIED_LENGTH),
        attachments: message.attachments.length,
        createdAt: message.createdAt,
      },
      reason,
      unread: unreadOf(sql, member, counters.lastNumber),
    },
  };
}

function unreadOf(sql: SqlStorage, { readUpTo, readBeyond }: Member, lastNumber: number): number {
  return lastNumber - readUpTo - readBeyond - uncountedAfter(sql, readUpTo);
}
