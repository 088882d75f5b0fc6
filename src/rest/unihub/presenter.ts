import { z } from "@hono/zod-openapi";
import type { InboxEntry } from "../../directory/inbox.ts";
import type { MessageKind } from "../../domain/message.ts";
import type { WireMessage } from "../../live/events.ts";
import { isoTime } from "../../live/wire.ts";

/** How UniHub writes what the core knows. */

const TYPES = {
  text: "Text",
  file: "File",
  image: "Image",
  video: "Video",
  system: "System",
} as const satisfies Record<MessageKind, string>;

const time = z.iso.datetime();

export const messageSchema = z
  .object({
    messageId: z.string(),
    conversationId: z.string(),
    senderId: z.string().nullable(),
    content: z.string(),
    type: z.enum(["Text", "File", "Image", "Video", "System"]),
    sentAt: time,
    editedAt: time.nullable(),
    isDeleted: z.boolean(),
    replyToMessageId: z.string().nullable(),
    attachments: z.array(z.unknown()),
    reactions: z.array(
      z.object({ emoji: z.string(), count: z.number().int(), userIds: z.array(z.string()) }),
    ),
  })
  .openapi("Message");

export const conversationSchema = z
  .object({
    conversationId: z.string(),
    type: z.enum(["Direct", "Group"]),
    title: z.string().nullable(),
    participantIds: z.array(z.string()),
    lastMessageTime: time.nullable(),
    isArchived: z.boolean(),
    unreadCount: z.number().int(),
    lastMessage: messageSchema.nullable(),
  })
  .openapi("Conversation");

export function presentMessage(
  conversationId: string,
  message: WireMessage,
): z.infer<typeof messageSchema> {
  return {
    messageId: message.id,
    conversationId,
    senderId: message.senderId,
    content: message.content,
    type: TYPES[message.kind],
    sentAt: message.createdAt,
    editedAt: message.editedAt,
    isDeleted: message.deletedAt !== null,
    replyToMessageId: message.replyTo,
    attachments: message.attachments,
    reactions: message.reactions,
  };
}

export function presentConversation(entry: InboxEntry): z.infer<typeof conversationSchema> {
  return {
    conversationId: entry.conversationId,
    type: entry.kind === "direct" || entry.kind === "purchase-request" ? "Direct" : "Group",
    title: entry.title,
    participantIds: entry.participantIds,
    lastMessageTime: entry.lastMessageAt === null ? null : isoTime(entry.lastMessageAt),
    isArchived: entry.archived,
    unreadCount: entry.unread,
    lastMessage: entry.lastMessage && presentMessage(entry.conversationId, entry.lastMessage),
  };
}
