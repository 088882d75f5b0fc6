import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { jsonOf } from "../contract/openapi.ts";
import { inboxOf } from "../conversation/stub.ts";
import { isService } from "../domain/policy.ts";
import { isoTime } from "../live/wire.ts";
import type { EdgeEnv } from "./context.ts";
import { unwrapped } from "./refusal.ts";
import { userIdsOf, userIdsParameter } from "./user-ids.ts";

const presences = z.object({
  users: z.array(
    z.object({
      id: z.string(),
      online: z.boolean(),
      lastSeenAt: z.union([z.iso.datetime(), z.null()]),
    }),
  ),
});

const presence = createRoute({
  method: "get",
  path: "/presence",
  operationId: "getUserPresence",
  summary: "Who is online",
  description:
    "The presence of people with whom the caller shares a conversation; others are left out. " +
    "`lastSeenAt`: when their last connection ended; `null` for those who are online, invisible or were never connected",
  request: { query: z.object({ ids: userIdsParameter }) },
  responses: { 200: jsonOf("Those whose presence the caller may see", presences) },
});

/** `GET /api/users/presence`: the caller's inbox checks what they may see, and asks the others'. */
export function userPresence(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(presence, async (c) => {
    // A service shares a conversation with nobody.
    const ids = isService(c.get("actor")) ? [] : userIdsOf(c.req.url);
    const inbox = inboxOf(c.env, c.get("actor").userId);
    const shown = unwrapped(await c.get("timing").of("object", inbox.presenceOfOthers(ids)));
    const users = shown.map(([id, { online, lastSeenAt }]) => ({
      id,
      online,
      lastSeenAt: lastSeenAt === undefined ? null : isoTime(lastSeenAt),
    }));
    return c.json({ users }, 200);
  });
}
