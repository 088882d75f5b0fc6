import { z } from "@hono/zod-openapi";
import { HOLD_SUBJECTS } from "../domain/legal-hold.ts";
import { MAX_RETENTION_DAYS } from "../domain/retention.ts";
import { MAX_REASON_LENGTH } from "./bans.ts";
import { paragraph } from "./fields.ts";

/** Schemas of retention and legal holds. */

/** Why somebody decides so: it stays in the audit log. */
const reason = paragraph(MAX_REASON_LENGTH, 1);

export const retentionBody = z.object({
  days: z
    .union([z.number().int().min(1).max(MAX_RETENTION_DAYS), z.null()])
    .openapi({ description: "Null: as the setting for its kind says" }),
  reason,
});

export const holdBody = z.object({ reason });

export const legalHoldsSchema = z
  .object({
    items: z.array(
      z.object({
        subject: z.enum(HOLD_SUBJECTS),
        id: z.string().openapi({ description: "Of the conversation or the user" }),
        placedBy: z.string(),
        placedAt: z.iso.datetime(),
        reason: z.string(),
      }),
    ),
  })
  .openapi("LegalHolds");
