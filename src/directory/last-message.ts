import { z } from "zod";
import { messageIdOf, parseMessageId } from "../domain/id.ts";
import { mentionList } from "../domain/mentions.ts";
import type { Message } from "../domain/message.ts";
import {
  attachmentsIn,
  kindIn,
  mentionsIn,
  metadataIn,
  parsed,
  reactionsIn,
} from "../domain/stored.ts";

/**
 * The column `conversations.last_message`: the newest message that counts, as lists preview it. Its format
 * is D1's own and independent of the socket protocol. Fields may be added; one that readers cannot do
 * without, or that changes its meaning, takes the next version.
 */
export const LAST_MESSAGE_VERSION = 1;

/** ISO 8601 in D1, milliseconds inside. */
const time = z.iso.datetime().transform((text) => Date.parse(text));

/** Version 1. Rows without a version are of before there were versions, and have the same fields. */
const stored = z.object({
  v: z.literal(LAST_MESSAGE_VERSION).optional(),
  number: z.int().positive(),
  rev: z.int().catch(0),
  senderId: z.string().nullable(),
  kind: z.unknown().transform(kindIn),
  content: z.string(),
  createdAt: time,
  editedAt: time.nullable().catch(null),
  deletedAt: time.nullable().catch(null),
  /** The id of the message that it answers. */
  replyTo: z
    .string()
    .transform((id) => parseMessageId(id)?.number ?? null)
    .catch(null),
  attachments: z.unknown().transform(attachmentsIn),
  reactions: z.unknown().transform(reactionsIn),
  metadata: z.unknown().transform(metadataIn),
  clientMessageId: z.string().nullable().catch(null),
  /** Whom it mentions, as `mentionList` has it; absent in most. */
  mentions: z.unknown().optional().transform(mentionsIn),
});

/** A message as the column holds it. */
export function storedLastMessage(conversationId: string, message: Message): string {
  const { number, rev, senderId, kind, content, attachments, reactions, metadata } = message;
  const mentions = mentionList(message);
  return JSON.stringify({
    v: LAST_MESSAGE_VERSION,
    // Redundant, but the version before does not read a row without it.
    id: messageIdOf(conversationId, number),
    ...{ number, rev, senderId, kind, content },
    createdAt: isoTime(message.createdAt),
    editedAt: message.editedAt === null ? null : isoTime(message.editedAt),
    deletedAt: message.deletedAt === null ? null : isoTime(message.deletedAt),
    replyTo: message.replyTo === null ? null : messageIdOf(conversationId, message.replyTo),
    ...{ attachments, reactions, metadata },
    clientMessageId: message.clientMessageId,
    ...(mentions.length > 0 && { mentions }),
  });
}

/**
 * The message in the column; `null` where there is none and where it cannot be read: broken, of a newer
 * version, or without what a preview needs. Its list row is then shown without a preview.
 */
export function lastMessageIn(column: string | null): Message | null {
  const read = stored.safeParse(parsed(column));
  if (!read.success) return null;
  const { v: _, mentions, ...message } = read.data;
  return { ...message, ...mentions };
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}
