import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { line, optional, userId } from "../contract/fields.ts";
import { jsonBodyOf, jsonOf } from "../contract/openapi.ts";
import { peopleAmongIds } from "../directory/bots.ts";
import { upsertUsers } from "../directory/users.ts";
import { isErasedUserId, MAX_NAME_LENGTH } from "../domain/person.ts";
import { PLATFORM_ROLES } from "../domain/policy.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { refuse } from "../edge/refusal.ts";

/** People that one call provisions at most. */
const MAX_PROVISIONED = 500;

const provision = createRoute({
  method: "put",
  path: "/",
  operationId: "provisionUsers",
  summary: "Provision people",
  request: {
    body: jsonBodyOf(
      z.object({
        users: z
          .array(
            z.object({
              id: userId.refine((id) => !isErasedUserId(id), "stands for somebody who was erased"),
              name: optional(line(MAX_NAME_LENGTH, 1)),
              avatarUrl: optional(z.url({ protocol: /^https?$/ }).max(2_048)),
              role: optional(z.enum(PLATFORM_ROLES)).openapi({
                description: "`admin` is for admins to give",
              }),
              bot: optional(z.boolean()).openapi({
                description:
                  "A bot, which a service may write as (`Acting-As`). Nobody who is known as a person becomes one; an admin may make one of who has never made a request.",
              }),
            }),
          )
          .min(1)
          .max(MAX_PROVISIONED),
      }),
    ),
  },
  responses: {
    200: jsonOf("How many people were written", z.object({ upserted: z.number().int() })),
    403: {
      description:
        "The caller is neither admin nor service, or one of these cannot be provisioned so",
    },
  },
});

/** `PUT /api/users`: the host application registers its people. */
export function userProvisioning(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(provision, async (c) => {
    const { role } = c.get("actor");
    if (role !== "admin" && role !== "service") {
      refuse("forbidden", { message: "Only admins and services provision people." });
    }
    const { users } = c.req.valid("json");
    if (role === "service" && users.some((user) => user.role === "admin")) {
      refuse("forbidden", { message: "A service provisions no admins." });
    }
    const profiles = new Map(users.map(({ id, ...rest }) => [id, { userId: id, ...rest }]));
    const bots = [...profiles.values()].filter(({ bot }) => bot).map(({ userId }) => userId);
    // A service would act as whoever it makes a bot. Admins may say so of who has never been here.
    const isAdmin = role === "admin";
    const [person] = await peopleAmongIds(c.get("directory"), bots, isAdmin ? "seen" : "all");
    if (person !== undefined) {
      refuse("forbidden", { message: `${person} is a person, and no bot.` });
    }
    await upsertUsers(c.get("directory"), [...profiles.values()], null, { renewsBots: isAdmin });
    return c.json({ upserted: profiles.size }, 200);
  });
}
