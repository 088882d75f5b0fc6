import { z } from "@hono/zod-openapi";
import { MAX_REASON_LENGTH } from "./bans.ts";
import { paragraph } from "./fields.ts";

/** What a restore is asked for with. */
export const restoreBody = z.object({
  at: z.iso.datetime({ offset: true }).openapi({
    description: "The time to go back to: of the last thirty days, and not before the creation",
  }),
  reason: paragraph(MAX_REASON_LENGTH, 1),
});
