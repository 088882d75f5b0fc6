import { z } from "@hono/zod-openapi";
import { CHANNEL_NAME, MAX_NAMED_PARTICIPANTS } from "../domain/conversation.ts";
import { MAX_ATTACHMENTS } from "../domain/message.ts";
import { EMOJIS } from "../domain/reaction.ts";
import { clientMessageId, metadata } from "../live/fields.ts";
import { line, mentioning, optional, paragraph, silent, title, userId, uuid } from "./fields.ts";

/** Schemas of UniHub's request bodies; clients infer their types from them. */

/** Whose conversation it is, where a service creates it. */
export const ownerId = optional(userId).openapi({
  description: "For services, which are in no conversation: whose it is",
});

export const directBody = z.object({ otherUserId: userId, ownerId });

export const groupBody = z.object({
  title: title.nullish(),
  participantIds: z
    .array(userId)
    .max(MAX_NAMED_PARTICIPANTS)
    .refine((ids) => new Set(ids).size >= 2, "at least two different participants"),
  /** Without it, a service makes the first participant the owner. */
  ownerId,
});

export const participantBody = z.object({ participantId: userId });

export const sendBody = z.object({
  conversationId: uuid,
  content: z.string(),
  replyToMessageId: uuid.nullish(),
  clientMessageId: optional(clientMessageId),
  metadata: metadata.nullish(),
  ...mentioning,
  silent,
});

export const sendFilesBody = z.object({
  conversationId: uuid,
  content: z.string().nullish(),
  attachments: z
    .array(
      z.object({
        fileName: z.string().min(1),
        fileUrl: z.string().min(1).max(4_096),
        fileSize: z.number().int().positive(),
        mimeType: z.string().min(1),
        thumbnailUrl: z.string().nullish(),
      }),
    )
    .min(1)
    .max(MAX_ATTACHMENTS),
  replyToMessageId: uuid.nullish(),
  clientMessageId: optional(clientMessageId),
  metadata: metadata.nullish(),
  ...mentioning,
  silent,
});

export const reactionBody = z.object({ emoji: z.string().openapi({ enum: [...EMOJIS] }) });

const channelName = line(CHANNEL_NAME.max, CHANNEL_NAME.min);
/** In an update, `null` and empty text remove it. */
const channelDescription = paragraph(500).nullish();

export const channelBody = z.object({
  name: channelName,
  description: channelDescription,
  isPublic: z.boolean(),
  ownerId,
});

export const channelChangesBody = z
  .object({ name: optional(channelName), description: channelDescription })
  .refine(
    (body) => body.name !== undefined || body.description !== undefined,
    "give a name, a description or both",
  );

/** The person that a channel's route is about. */
export const someoneBody = z.object({ userId });
