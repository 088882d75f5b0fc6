import { fail, ok, type Result } from "../../domain/error.ts";
import { messageIdOf } from "../../domain/id.ts";
import type { Actor } from "../../domain/policy.ts";
import { REPORTED_BEFORE, type ReportedMessage } from "../../domain/report.ts";
import type { OpenConversation } from "../open.ts";
import { membersAmong } from "../tables/members.ts";
import { messagesBetween } from "../tables/messages.ts";

/**
 * A message that a reader reports, and those before it, oldest first, as they are stored: what the reader
 * hides is in it.
 */
export function reportedMessages(
  { sql, memory }: OpenConversation,
  { userId }: Actor,
  number: number,
): Result<ReportedMessage[]> {
  const messages = messagesBetween(sql, Math.max(1, number - REPORTED_BEFORE), number);
  const reported = messages.at(-1);
  if (reported?.number !== number) return fail("message_not_found");
  if (reported.senderId === null) return fail("system_message");
  if (reported.deletedAt !== null) return fail("message_deleted");
  if (reported.senderId === userId) {
    return fail("forbidden", { message: "You cannot report your own message." });
  }
  const senders = new Set(messages.flatMap(({ senderId }) => senderId ?? []));
  const names = new Map(membersAmong(sql, [...senders]).map((one) => [one.userId, one.name]));
  return ok(
    messages.map(({ number, senderId, content, attachments, createdAt }) => ({
      messageId: messageIdOf(memory.conversation.id, number),
      senderId,
      senderName: (senderId !== null && names.get(senderId)) || null,
      content,
      attachments: attachments.map(({ name, mimeType, size }) => ({ name, mimeType, size })),
      createdAt,
    })),
  );
}
