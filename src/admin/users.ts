import { createRoute, z } from "@hono/zod-openapi";
import { line, optional, userId } from "../contract/fields.ts";
import { jsonOf } from "../contract/openapi.ts";
import { upsertUsers, usersById, usersByName } from "../directory/users.ts";
import { MAX_NAME_LENGTH } from "../domain/person.ts";
import { PLATFORM_ROLES } from "../domain/policy.ts";
import { authenticate, readsDirectory } from "../edge/auth.ts";
import { closed, dialect } from "../edge/dialect.ts";
import { plainErrors } from "../edge/errors.ts";
import { jsonBody, requestLimits } from "../edge/limits.ts";
import { listParameter } from "../edge/list-parameter.ts";
import { refuse } from "../edge/refusal.ts";
import { detailsOf } from "../live/fields.ts";

/** People that one call provisions, or asks for, at most. */
const MAX_PROVISIONED = 500;
const MAX_ASKED = 100;

const asked = z.object({ ids: z.array(userId).min(1).max(MAX_ASKED) });

const people = z.object({
  users: z.array(
    z.object({ id: z.string(), name: z.string().nullable(), avatarUrl: z.string().nullable() }),
  ),
});

const provision = createRoute({
  method: "put",
  path: "/",
  operationId: "provisionUsers",
  summary: "Provision people",
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            users: z
              .array(
                z.object({
                  id: userId,
                  name: optional(line(MAX_NAME_LENGTH, 1)),
                  avatarUrl: optional(z.url({ protocol: /^https?$/ }).max(2_048)),
                  role: optional(z.enum(PLATFORM_ROLES)),
                }),
              )
              .min(1)
              .max(MAX_PROVISIONED),
          }),
        },
      },
    },
  },
  responses: {
    200: jsonOf("How many people are known by this", z.object({ upserted: z.number().int() })),
    403: { description: "The caller is no admin" },
  },
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
            // Commas between the ids; it may be repeated as well.
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
    200: jsonOf("The known ones", people),
  },
});

/** `/api/users`: who can be talked to. */
export function users() {
  const app = dialect(plainErrors);
  app.use(authenticate(), requestLimits, jsonBody, readsDirectory);

  app.openapi(provision, async (c) => {
    if (c.var.actor.role !== "admin")
      refuse("forbidden", { message: "Only admins provision people." });
    const profiles = new Map(
      c.req.valid("json").users.map(({ id, ...rest }) => [id, { userId: id, ...rest }]),
    );
    await upsertUsers(c.var.directory, [...profiles.values()], null);
    return c.json({ upserted: profiles.size }, 200);
  });

  app.openapi(find, async (c) => {
    const { q } = c.req.valid("query");
    const found =
      q === undefined
        ? [...(await usersById(c.var.directory, idsOf(c.req.url))).values()]
        : await usersByName(c.var.directory, q);
    return c.json(
      { users: found.map(({ userId, name, avatarUrl }) => ({ id: userId, name, avatarUrl })) },
      200,
    );
  });
  return closed(app);
}

/** The ids that a query names. Hono's parser would take an encoded comma for one between two. */
function idsOf(url: string): string[] {
  const parsed = asked.safeParse({ ids: listParameter(url, "ids") });
  if (!parsed.success) refuse("invalid_request", { details: detailsOf(parsed.error) });
  return parsed.data.ids;
}
