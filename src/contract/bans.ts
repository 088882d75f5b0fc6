import { z } from "@hono/zod-openapi";
import { optional, paragraph } from "./fields.ts";

/** Schemas of bans from the service; clients infer their types from them. */

/** Characters of the reason for an act of staff. */
export const MAX_REASON_LENGTH = 500;

export const reason = optional(paragraph(MAX_REASON_LENGTH));

export const banBody = z.object({
  reason,
  expiresAt: optional(z.iso.datetime({ offset: true })).openapi({
    description: "When it ends by itself; absent: not before it is lifted",
  }),
});

export const unbanBody = z.object({ reason });

export const bansSchema = z
  .object({
    items: z.array(
      z.object({
        userId: z.string(),
        name: z.union([z.string(), z.null()]),
        bannedBy: z.string(),
        bannedAt: z.iso.datetime(),
        expiresAt: z.union([z.iso.datetime(), z.null()]),
        reason: z.union([z.string(), z.null()]),
      }),
    ),
    next: z.string().optional().openapi({ description: "The `cursor` of the next page, if any" }),
  })
  .openapi("Bans");
export type Bans = z.infer<typeof bansSchema>;
