import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { line, optional, userId } from "../contract/fields.ts";
import { jsonBodyOf, jsonOf } from "../contract/openapi.ts";
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
              role: optional(z.enum(PLATFORM_ROLES)),
            }),
          )
          .min(1)
          .max(MAX_PROVISIONED),
      }),
    ),
  },
  responses: {
    200: jsonOf("How many people were written", z.object({ upserted: z.number().int() })),
    403: { description: "The caller is no admin" },
  },
});

/** `PUT /api/users`: the host application registers its people. */
export function userProvisioning(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(provision, async (c) => {
    if (c.get("actor").role !== "admin") {
      refuse("forbidden", { message: "Only admins provision people." });
    }
    const profiles = new Map(
      c.req.valid("json").users.map(({ id, ...rest }) => [id, { userId: id, ...rest }]),
    );
    await upsertUsers(c.get("directory"), [...profiles.values()], null);
    return c.json({ upserted: profiles.size }, 200);
  });
}
