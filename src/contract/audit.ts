import { z } from "@hono/zod-openapi";

/** Schemas of the audit log; clients infer their types from them. */

const textOrNull = z.union([z.string(), z.null()]);

export const auditSchema = z
  .object({
    items: z.array(
      z.object({
        id: z.string(),
        at: z.iso.datetime(),
        actorId: z.string(),
        actorRole: z.string(),
        action: z.string(),
        conversationId: textOrNull,
        targetId: textOrNull,
        messageId: textOrNull,
        reason: textOrNull,
        details: z.union([z.record(z.string(), z.unknown()), z.null()]),
      }),
    ),
    next: z.string().optional().openapi({ description: "The `cursor` of the next page, if any" }),
  })
  .openapi("AuditLog");
export type AuditLog = z.infer<typeof auditSchema>;
