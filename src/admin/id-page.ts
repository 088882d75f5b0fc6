import { z } from "@hono/zod-openapi";
import { wholeNumber } from "../contract/fields.ts";
import type { PlacedPage } from "../directory/admin-conversations.ts";
import { cursorIn, cursorOf } from "../edge/cursor.ts";

/**
 * Pages of lists in order of an id: what is there while they are read is on exactly one of them, whatever is added
 * meanwhile.
 */

const place = z.tuple([z.string()]);

/** The parameters of a page. */
export const idPage = {
  cursor: z.string().max(1_000).optional(),
  limit: wholeNumber(50, 1, 200),
};

/** The page that parameters ask for; refuses a cursor that is none. */
export function placedBehind({
  cursor,
  limit,
}: {
  cursor?: string | undefined;
  limit: number;
}): PlacedPage {
  return { after: cursor === undefined ? "" : cursorIn(place, cursor)[0], limit };
}

/** The field of the answer that has the cursor of the next page, if there may be one. */
export function nextIdOf(id: string | undefined): { next?: string } {
  return id === undefined ? {} : { next: cursorOf([id]) };
}
