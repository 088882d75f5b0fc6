import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { line, userId } from "../contract/fields.ts";
import { jsonOf } from "../contract/openapi.ts";
import { usersById, usersByName } from "../directory/users.ts";
import { MAX_NAME_LENGTH } from "../domain/person.ts";
import { detailsOf } from "../live/fields.ts";
import type { EdgeEnv } from "./context.ts";
import { listParameter } from "./list-parameter.ts";
import { refuse } from "./refusal.ts";

/** Ids of one call at most. */
const MAX_ASKED = 100;

const idsQuery = z.object({ ids: z.array(userId).min(1).max(MAX_ASKED) });

const people = z.object({
  users: z.array(
    z.object({ id: z.string(), name: z.string().nullable(), avatarUrl: z.string().nullable() }),
  ),
});

const find = createRoute({
  method: "get",
  path: "/",
  operationId: "findUsers",
  summary: "Find people by id or by the beginning of their name",
  request: {
    query: z
      .object({
        ids: z
          .union([z.string(), z.array(z.string())])
          .optional()
          .openapi({
            type: "array",
            items: { type: "string", minLength: 1, maxLength: 128 },
            minItems: 1,
            maxItems: MAX_ASKED,
            // Separated by commas; the parameter may be repeated as well.
            param: { style: "form", explode: false },
            description:
              "Ids, separated by commas, or the parameter repeated. An encoded comma (`%2C`) belongs to its id",
            example: ["alice", "bob"],
          }),
        q: line(MAX_NAME_LENGTH, 1).optional(),
      })
      .refine(({ ids, q }) => (ids === undefined) !== (q === undefined), "give ids or q"),
  },
  responses: {
    200: jsonOf("Those who are known", people),
  },
});

/** `GET /api/users`: who can be talked to. */
export function userSearch(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(find, async (c) => {
    const { q } = c.req.valid("query");
    const found =
      q === undefined
        ? [...(await usersById(c.get("directory"), idsOf(c.req.url))).values()]
        : await usersByName(c.get("directory"), q);
    return c.json(
      { users: found.map(({ userId, name, avatarUrl }) => ({ id: userId, name, avatarUrl })) },
      200,
    );
  });
}

/** The ids that a query names. Hono's parser would read an encoded comma as a separator. */
function idsOf(url: string): string[] {
  const parsed = idsQuery.safeParse({ ids: listParameter(url, "ids") });
  if (!parsed.success) refuse("invalid_request", { details: detailsOf(parsed.error) });
  return parsed.data.ids;
}
