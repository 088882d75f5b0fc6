import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { line } from "../contract/fields.ts";
import { jsonOf } from "../contract/openapi.ts";
import { usersById, usersByName } from "../directory/users.ts";
import { MAX_NAME_LENGTH } from "../domain/person.ts";
import type { EdgeEnv } from "./context.ts";
import { userIdsOf, userIdsParameter } from "./user-ids.ts";

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
        ids: userIdsParameter.optional(),
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
        ? [...(await usersById(c.get("directory"), userIdsOf(c.req.url))).values()]
        : await usersByName(c.get("directory"), q);
    return c.json(
      { users: found.map(({ userId, name, avatarUrl }) => ({ id: userId, name, avatarUrl })) },
      200,
    );
  });
}
