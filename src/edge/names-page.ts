import { Buffer } from "node:buffer";
import { z } from "@hono/zod-openapi";
import { wholeNumber } from "../contract/fields.ts";
import type { NamePage, NamePlace } from "../directory/names.ts";
import { refuse } from "./refusal.ts";

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
  return { next: Buffer.from(JSON.stringify([next.word, next.id])).toString("base64url") };
}

function placeOf(cursor: string): NamePlace {
  try {
    const [word, id] = place.parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
    return { word, id };
  } catch {
    refuse("invalid_request", {
      details: [{ path: "cursor", message: "not a cursor of this route" }],
    });
  }
}
