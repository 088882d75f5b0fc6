import { z } from "@hono/zod-openapi";
import { wholeNumber } from "../contract/fields.ts";
import type { NamePage, NamePlace } from "../directory/names.ts";
import { cursorIn, cursorOf } from "./cursor.ts";

/** Pages of the searches for people and channels. */

const MAX_CURSOR_LENGTH = 2_000;

/** The parameters of a page. */
export const namesPage = {
  cursor: z.string().max(MAX_CURSOR_LENGTH).optional(),
  limit: wholeNumber(20, 1, 50),
};

/** The word and the id of the item before the page. */
const place = z.tuple([z.string(), z.string()]);

/** The page that parameters ask for; refuses a cursor that is none. */
export function placedIn({
  cursor,
  limit,
}: {
  cursor?: string | undefined;
  limit: number;
}): NamePage {
  return { after: cursor === undefined ? undefined : placeOf(cursor), limit };
}

/** The field of the answer that has the cursor of the next page, if there may be one. */
export function nextOf(next: NamePlace | undefined): { next?: string } {
  if (!next) return {};
  return { next: cursorOf([next.word, next.id]) };
}

function placeOf(cursor: string): NamePlace {
  const [word, id] = cursorIn(place, cursor);
  return { word, id };
}
