import { z } from "@hono/zod-openapi";
import { KINDS } from "../domain/conversation.ts";
import { textRange } from "../live/events.ts";
import { messageSchema } from "./answers.ts";
import { wholeNumber } from "./fields.ts";

/** Schemas of the search of messages. */

/** What both APIs are asked. */
export const searchQuery = {
  q: z
    .string()
    .max(1_024)
    .openapi({
      description:
        'At most 256 characters and 10 words, phrases and filters: `word`, `"a phrase"`, `-word`, `from:`, `in:`, ' +
        "`has:file`, `has:image`, `has:link`, `mentions:me`, `before:`, `after:`",
    }),
  cursor: z.string().max(512).openapi({ description: "The cursor of the page before" }).optional(),
  limit: wholeNumber(20, 1, 50),
};

/** Where a query was found in a message: in UTF-16 code units, `start` ≤ i < `end`. */
export const foundSchema = {
  /** In the content. */
  matches: z.array(textRange),
  /** The part of the content to show first. */
  snippet: textRange,
  /** In names of files: `index` is the place in `attachments`. */
  files: z.array(z.object({ index: z.number().int(), matches: z.array(textRange) })),
};

/** How far a page got. */
export const searchedSchema = {
  /** Requests the next page; `null`: nothing is left. */
  cursor: z.string().nullable(),
  /** The hits of this page and of those before it are all that were sent after this time; `null`: all there are. */
  searchedBack: z.iso.datetime().nullable(),
  /** Something that the caller may read was not searched: see `failed`, or they have more than 200 conversations. */
  incomplete: z.boolean(),
  /** Conversations that could not be searched for this page. */
  failed: z.array(z.string()),
};

export const searchHitSchema = z
  .object({
    conversationId: z.string(),
    conversation: z.object({ title: z.string().nullable(), kind: z.enum(KINDS) }),
    message: messageSchema,
    ...foundSchema,
  })
  .openapi("SearchHit");

export const searchPageSchema = z
  .object({ hits: z.array(searchHitSchema), ...searchedSchema })
  .openapi("SearchPage");
