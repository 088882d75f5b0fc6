import { z } from "@hono/zod-openapi";
import { wholeNumber } from "../../contract/fields.ts";
import type { Kind } from "../../domain/conversation.ts";
import { offsetOf, type PageOf } from "../../domain/page.ts";

/** Entries of a list that the reference does not page. */
const UNPAGED = 500;

export const unpaged = z.object({
  page: wholeNumber(1, 1, Number.MAX_SAFE_INTEGER),
  pageSize: wholeNumber(UNPAGED, 1, UNPAGED),
});

/** A page in the form of the directory's queries. */
export function slice(page: PageOf) {
  return { limit: page.pageSize, offset: offsetOf(page) };
}

export const pathId = z.object({ id: z.string() });

/** What there is at the addresses of channels. */
export const OF_CHANNELS: { kinds: readonly Kind[] } = { kinds: ["channel"] };
