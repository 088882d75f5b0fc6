import { z } from "@hono/zod-openapi";
import { userId } from "../contract/fields.ts";
import { detailsOf } from "../live/fields.ts";
import { listParameter } from "./list-parameter.ts";
import { refuse } from "./refusal.ts";

/** Ids of one call at most. */
const MAX_ASKED = 100;

const idsQuery = z.object({ ids: z.array(userId).min(1).max(MAX_ASKED) });

/** The parameter `ids` as the reference describes it; {@link userIdsOf} reads it. */
export const userIdsParameter = z.union([z.string(), z.array(z.string())]).openapi({
  type: "array",
  items: { type: "string", minLength: 1, maxLength: 128 },
  minItems: 1,
  maxItems: MAX_ASKED,
  // Separated by commas; the parameter may be repeated as well.
  param: { style: "form", explode: false },
  description:
    "Ids, separated by commas, or the parameter repeated. An encoded comma (`%2C`) belongs to its id",
  example: ["alice", "bob"],
});

/** The ids that a query names. Hono's parser would read an encoded comma as a separator. */
export function userIdsOf(url: string): string[] {
  const parsed = idsQuery.safeParse({ ids: listParameter(url, "ids") });
  if (!parsed.success) refuse("invalid_request", { details: detailsOf(parsed.error) });
  return parsed.data.ids;
}
