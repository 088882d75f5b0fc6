import { z } from "@hono/zod-openapi";
import { MAX_SLOW_MODE_SECONDS } from "../domain/conversation.ts";
import { MAX_RETENTION_DAYS } from "../domain/retention.ts";
import { optional, paragraph, title, userId } from "./fields.ts";

/** Schemas of what moderators do, the same in both dialects; clients infer their types from them. */

const time = z.iso.datetime();
/** A time in a body, as milliseconds since the epoch. */
const end = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const reason = optional(paragraph(500));

/** What is absent stays; `title: null` or an empty one removes a group's. */
export const moderationBody = z
  .object({
    title: title.nullish(),
    slowModeSeconds: optional(z.number().int().min(0).max(MAX_SLOW_MODE_SECONDS)),
    locked: optional(z.boolean()),
    retentionDays: z.number().int().min(1).max(MAX_RETENTION_DAYS).nullish().openapi({
      description:
        "Days that messages are kept, at most those that the server keeps them; null: as long as those. Owners only.",
    }),
  })
  .refine(
    (body) => Object.values(body).some((value) => value !== undefined),
    "give a title, slowModeSeconds, locked or retentionDays",
  );

/** Without `expiresAt` it holds until it is lifted. */
export const banBody = z.object({ userId, reason, expiresAt: optional(end) });

export const muteBody = z.object({ until: end, reason });

export const bansSchema = z.object({
  items: z.array(
    z.object({
      userId: z.string(),
      name: z.string().nullable(),
      bannedBy: z.string(),
      bannedAt: time,
      expiresAt: time.nullable(),
      reason: z.string().nullable(),
    }),
  ),
});

/** The message that was pinned last first. */
export const pinsSchema = z.object({
  items: z.array(z.object({ messageId: z.string(), pinnedBy: z.string(), pinnedAt: time })),
});

/** What moderators have set of a conversation; absent where they have not. Beyond the references. */
export const moderatedSchema = {
  slowModeSeconds: z.number().int().optional(),
  locked: z.literal(true).optional(),
  pins: z.array(z.string()).optional(),
  retentionDays: z.number().int().optional(),
};

/** Until when a member may only read; absent where they were never muted. Beyond the references. */
export const mutedSchema = { mutedUntil: time.optional() };

/** Who deleted a message, where that was not its author. Beyond the references. */
export const deletedBySchema = { deletedBy: z.string().optional() };
