import { z } from "@hono/zod-openapi";
import { userId } from "./fields.ts";

/** Schemas of the routes of blocks; clients infer their types from them. */

export const blockBody = z.object({ userId });

export const blocksSchema = z.object({
  items: z.array(
    z
      .object({
        userId: z.string(),
        name: z.union([z.string(), z.null()]),
        avatarUrl: z.union([z.string(), z.null()]),
        blockedAt: z.iso.datetime(),
      })
      .openapi("Block"),
  ),
});
