import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { banBody, bansSchema, unbanBody } from "../contract/bans.ts";
import { userId, wholeNumber } from "../contract/fields.ts";
import { jsonOf, leavableBodyOf } from "../contract/openapi.ts";
import { inboxOf } from "../conversation/stub.ts";
import { standingBans } from "../directory/bans.ts";
import { usersById } from "../directory/users.ts";
import { readsDirectory } from "../edge/auth.ts";
import { bansChanged } from "../edge/bans.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { emptyAsObject } from "../edge/json-body.ts";
import { refuse } from "../edge/refusal.ts";
import { isoTime } from "../live/wire.ts";
import { log } from "../logging.ts";

/** Bans of one page at most. */
const MAX_BANS = 200;

const person = z.object({ id: userId });

const ban = createRoute({
  method: "put",
  path: "/users/{id}/ban",
  operationId: "banUser",
  summary: "Ban a user from the service",
  description:
    "Every request, socket and connection of theirs is refused with `banned`, and those that are open end " +
    "within ten seconds. A second ban replaces the first. A `Warning` header says that not everything is done " +
    "yet; it goes on by itself.",
  middleware: [emptyAsObject] as const,
  request: { params: person, body: leavableBodyOf(banBody) },
  responses: { 204: { description: "The user is banned" } },
});

const unban = createRoute({
  method: "delete",
  path: "/users/{id}/ban",
  operationId: "unbanUser",
  summary: "Lift the ban of a user",
  description: "Servers that have refused them let them in within ten seconds.",
  middleware: [emptyAsObject] as const,
  request: { params: person, body: leavableBodyOf(unbanBody) },
  responses: { 204: { description: "The user is not banned" } },
});

const list = createRoute({
  method: "get",
  path: "/bans",
  operationId: "listBans",
  summary: "Who is banned from the service",
  middleware: [readsDirectory] as const,
  request: {
    query: z.object({
      cursor: z
        .string()
        .regex(/^\d{1,16}$/, "not a cursor of this route")
        .optional(),
      limit: wholeNumber(50, 1, MAX_BANS),
    }),
  },
  responses: { 200: jsonOf("A page of bans, the newest first", bansSchema) },
});

/** Bans from the service, of `/api/admin`. */
export function banRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(ban, async (c) => {
    const { reason, expiresAt } = c.req.valid("json");
    const { id } = c.req.valid("param");
    const until = expiresAt === undefined ? null : Date.parse(expiresAt);
    if (until !== null && until <= Date.now()) {
      refuse("invalid_request", { details: [{ path: "expiresAt", message: "in the past" }] });
    }
    if (id === c.get("actor").userId) {
      refuse("forbidden", { message: "You cannot ban yourself." });
    }
    await order(c, id, { banned: true, reason: reason || null, until });
    return c.body(null, 204);
  });

  app.openapi(unban, async (c) => {
    const { reason } = c.req.valid("json");
    const { id } = c.req.valid("param");
    await order(c, id, { banned: false, reason: reason || null, until: null });
    return c.body(null, 204);
  });

  app.openapi(list, async (c) => {
    const { cursor, limit } = c.req.valid("query");
    const directory = c.get("directory");
    const before = cursor === undefined ? undefined : Number(cursor);
    const bans = await standingBans(directory, { before, limit: limit + 1, now: Date.now() });
    const page = bans.slice(0, limit);
    const known = await usersById(
      directory,
      page.map(({ userId }) => userId),
    );
    const last = page.at(-1);
    const items = page.map(({ userId, bannedBy, bannedAt, until, reason }) => ({
      ...{ userId, name: known.get(userId)?.name ?? null, bannedBy },
      bannedAt: isoTime(bannedAt),
      expiresAt: until === null ? null : isoTime(until),
      reason,
    }));
    const next = bans.length > limit && last ? String(last.changedAt) : undefined;
    return c.json({ items, ...(next !== undefined && { next }) }, 200);
  });
}

async function order(
  c: Context<EdgeEnv>,
  userId: string,
  change: { banned: boolean; reason: string | null; until: number | null },
): Promise<void> {
  const { userId: actorId, role: actorRole } = c.get("actor");
  const ordered = inboxOf(c.env, userId).setBan({ ...change, actorId, actorRole });
  const isDone = await c.get("timing").of("object", ordered);
  bansChanged();
  const { banned } = change;
  log(banned ? "user_banned" : "user_unbanned", {
    requestId: c.get("requestId"),
    ...{ userId: actorId, targetId: userId, isDone },
  });
  if (!isDone) c.header("Warning", '199 parley "not everything is done yet, and goes on"');
}
