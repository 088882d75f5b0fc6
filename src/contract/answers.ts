import { z } from "@hono/zod-openapi";
import { deletedBySchema, moderatedSchema, mutedSchema } from "./moderation.ts";
import { orNull } from "./openapi.ts";

/** Schemas of UniHub's answers; clients infer their types from them. */

const time = z.iso.datetime();

export const attachmentSchema = z.object({
  fileName: z.string(),
  fileUrl: z.string(),
  fileSize: z.number().int(),
  mimeType: z.string(),
  thumbnailUrl: z.null(),
});

/** Whom a message mentions; absent where it mentions nobody. Beyond the references. */
export const mentionedSchema = {
  mentions: z.array(z.string()).optional(),
  mentionsAll: z.literal(true).optional(),
};

/** Present where the caller blocks the sender: nothing else of the message is shown. Beyond the references. */
export const hiddenSchema = { hidden: z.literal(true).optional() };

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
    attachments: z.array(attachmentSchema),
    reactions: z.array(
      z.object({ emoji: z.string(), count: z.number().int(), userIds: z.array(z.string()) }),
    ),
    ...mentionedSchema,
    ...hiddenSchema,
    ...deletedBySchema,
  })
  .openapi("Message");

export const messagePageSchema = z.object({
  items: z.array(messageSchema),
  totalCount: z.number().int(),
  page: z.number().int(),
  pageSize: z.number().int(),
  totalPages: z.number().int(),
});

/** Totals over all conversations of a user, channels included. */
export const unreadSchema = z.object({
  totalUnread: z.number().int(),
  /** Those among them that mention the user. */
  totalMentions: z.number().int(),
  unreadConversations: z.number().int(),
});

export const conversationSchema = z
  .object({
    conversationId: z.string(),
    type: z.enum(["Direct", "Group"]),
    title: z.string().nullable(),
    participantIds: z.array(z.string()),
    lastMessageTime: time.nullable(),
    isArchived: z.boolean(),
    /** A stranger has begun it or added the caller, who has not accepted that. Beyond the reference. */
    request: z.literal(true).optional(),
    unreadCount: z.number().int(),
    /** Among the newest 100 mentions of the caller and of everybody. Beyond the reference. */
    unreadMentions: z.number().int(),
    lastMessage: orNull(messageSchema),
  })
  .openapi("Conversation");

export const createdSchema = z.object({ conversationId: z.string() });

export const sentSchema = z.object({
  messageId: z.string(),
  sentAt: time,
  deduplicated: z.literal(true).optional(),
});

export const receiptSchema = z.object({ userId: z.string(), readAt: time });

export const channelSchema = z
  .object({
    channelId: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    type: z.enum(["Public", "Private"]),
    ownerId: z.string(),
    memberCount: z.number().int(),
    createdAt: time,
    isArchived: z.boolean(),
  })
  .openapi("Channel");

export const myChannelSchema = z
  .object({ ...channelSchema.shape, isModerator: z.boolean(), isOwner: z.boolean() })
  .openapi("MyChannel");

/** One channel, with what its moderators have set. */
export const channelDetailsSchema = z
  .object({ ...myChannelSchema.shape, ...moderatedSchema })
  .openapi("ChannelDetails");

export const channelCreatedSchema = z.object({ channelId: z.string() });

export const channelMemberSchema = z
  .object({
    userId: z.string(),
    name: z.string().nullable(),
    avatarUrl: z.string().nullable(),
    isModerator: z.boolean(),
    isOwner: z.boolean(),
    joinedAt: time,
    ...mutedSchema,
  })
  .openapi("ChannelMember");

/** The answer to an upload. */
export const uploadedSchema = z.object({
  fileName: z.string(),
  fileUrl: z.string(),
  fileSize: z.number().int(),
  contentType: z.string(),
});

/** A confirmation as a sentence. */
export const saidSchema = z.object({ message: z.string() });

export const successSchema = z.object({ success: z.literal(true) });
