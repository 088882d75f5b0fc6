import { z } from "@hono/zod-openapi";
import { channelSchema } from "./answers.ts";

/** Answers of the searches for people and channels. */

/** Of the next page; absent: there is none. */
const next = z.string().optional();

export const peopleFoundSchema = z.object({
  users: z.array(
    z.object({ id: z.string(), name: z.string().nullable(), avatarUrl: z.string().nullable() }),
  ),
  next,
});

export const channelsFoundSchema = z.object({ items: z.array(channelSchema), next });
