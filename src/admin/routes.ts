import { createRoute, z } from "@hono/zod-openapi";
import { optional, optionalOr } from "../contract/fields.ts";
import { jsonOf, leavableBodyOf } from "../contract/openapi.ts";
import { parseConversationId } from "../domain/id.ts";
import { authenticate, readsDirectory } from "../edge/auth.ts";
import { closed, dialect } from "../edge/dialect.ts";
import { emptyAsObject, jsonBody } from "../edge/json-body.ts";
import { requestLimits } from "../edge/request-limits.ts";
import { MAX_REBUILT } from "../jobs/rebuild-conversations.ts";
import { auditRoutes } from "./audit.ts";
import { banRoutes } from "./bans.ts";
import { adminConversationRoutes } from "./conversations.ts";
import { deletionRoutes } from "./delete-conversation.ts";
import { erasureRoutes } from "./erase-user.ts";
import { exportRoutes } from "./exports.ts";
import { healthRoute } from "./health.ts";
import { jobRoutes } from "./jobs.ts";
import { adminMessageRoutes } from "./messages.ts";
import { rebuild, rebuildNext } from "./rebuild.ts";
import { restoreRoutes } from "./restore.ts";
import { retentionRoutes } from "./retention.ts";
import { only } from "./staff.ts";
import { adminUserRoutes } from "./users.ts";

/** The hexadecimal id of an object in Cloudflare's list. */
const OBJECT_ID = /^[0-9a-f]{64}$/;

const rebuildable = z
  .string()
  .refine(
    (id) => parseConversationId(id) !== undefined || OBJECT_ID.test(id),
    "neither a conversation nor an object",
  );

const rebuilding = createRoute({
  method: "post",
  path: "/rebuild",
  operationId: "rebuildDirectory",
  summary: "Rebuild D1 from the conversations' objects",
  description:
    "Without `ids`, those that D1 knows, page by page: give back `cursor` until it is null. With `ids`, " +
    "these: conversation ids, or ids of objects as Cloudflare's API lists them, for a D1 that has lost " +
    "its list. Idempotent.",
  middleware: [readsDirectory, emptyAsObject] as const,
  request: {
    body: leavableBodyOf(
      z.object({
        cursor: optional(z.string().max(100)),
        limit: optionalOr(z.number().int().min(1).max(MAX_REBUILT), MAX_REBUILT),
        ids: optional(z.array(rebuildable).min(1).max(MAX_REBUILT)),
        resume: optionalOr(z.boolean(), false).openapi({
          description: "Continue an unfinished rebuild, rather than start again",
        }),
      }),
    ),
  },
  responses: {
    200: jsonOf(
      "What was rebuilt",
      z.object({
        rebuilt: z.number().int(),
        unfinished: z
          .array(
            z.object({
              conversationId: z.string(),
              rev: z.number().int(),
              projectedRev: z.number().int(),
            }),
          )
          .openapi({ description: "They continue in the background; call again with `resume`" }),
        failed: z.array(z.object({ id: z.string(), reason: z.string() })),
        cursor: z.string().nullable(),
        progress: z.object({ seen: z.number().int(), of: z.number().int() }),
      }),
    ),
    403: { description: "The caller is no admin" },
  },
});

/** `/api/admin`: for the operator, with a token whose role is `admin`. */
export function admin() {
  const app = dialect();
  app.use(authenticate({ reach: "operator" }), requestLimits, only("admin"));
  app.use(jsonBody);
  adminUserRoutes(app);
  adminConversationRoutes(app);
  adminMessageRoutes(app);
  banRoutes(app);
  auditRoutes(app);
  healthRoute(app);
  jobRoutes(app);
  retentionRoutes(app);
  restoreRoutes(app);
  deletionRoutes(app);
  erasureRoutes(app);
  exportRoutes(app);
  app.openapi(rebuilding, async (c) => {
    const { ids, cursor, limit, resume } = c.req.valid("json");
    const from = resume ? "here" : "start";
    if (!ids) return c.json(await rebuildNext(c, cursor, limit, from), 200);
    const progress = { seen: ids.length, of: ids.length };
    return c.json({ ...(await rebuild(c, ids, from)), cursor: null, progress }, 200);
  });
  return closed(app);
}
