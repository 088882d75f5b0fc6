import { z } from "@hono/zod-openapi";
import { REPORT_ACTIONS, REPORT_REASONS, REPORT_STATES } from "../domain/report.ts";
import { optional, paragraph } from "./fields.ts";

/** Schemas of reports; clients infer their types from them. */

/** Characters of what a reporter writes, and of why a report was resolved as it was. */
const MAX_NOTE_LENGTH = 2_000;

const textOrNull = z.union([z.string(), z.null()]);
const timeOrNull = z.union([z.iso.datetime(), z.null()]);

export const reportBody = z.object({
  reason: z.enum(REPORT_REASONS),
  note: optional(paragraph(MAX_NOTE_LENGTH)),
});

export const reportedSchema = z.object({ id: z.string() });

export const resolveBody = z.object({
  action: z.enum(REPORT_ACTIONS),
  resolution: optional(paragraph(MAX_NOTE_LENGTH)),
});

export const reportSchema = z
  .object({
    id: z.string(),
    state: z.enum(REPORT_STATES),
    conversationId: z.string(),
    messageId: z.string(),
    reporterId: z.string(),
    reportedId: textOrNull,
    reason: z.enum(REPORT_REASONS),
    note: textOrNull,
    createdAt: z.iso.datetime(),
    claimedBy: textOrNull,
    claimedAt: timeOrNull,
    resolvedBy: textOrNull,
    resolvedAt: timeOrNull,
    action: z.union([z.enum(REPORT_ACTIONS), z.null()]),
    resolution: textOrNull,
    snapshot: z
      .array(
        z.object({
          messageId: z.string(),
          senderId: textOrNull,
          senderName: textOrNull,
          content: z.string(),
          attachments: z.array(
            z.object({ name: z.string(), mimeType: z.string(), size: z.number().int() }),
          ),
          createdAt: z.iso.datetime(),
        }),
      )
      .openapi({
        description:
          "The message and the five before it, oldest first, as they were when it was reported",
      }),
  })
  .openapi("Report");
export type ReportItem = z.infer<typeof reportSchema>;

export const reportsSchema = z
  .object({
    items: z.array(reportSchema),
    next: z.string().optional().openapi({ description: "The `cursor` of the next page, if any" }),
  })
  .openapi("Reports");
export type Reports = z.infer<typeof reportsSchema>;
