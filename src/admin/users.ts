import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import {
  adminUserSchema,
  connectionsSchema,
  devicesSchema,
  userConversationsSchema,
} from "../contract/administration.ts";
import { pathUserId } from "../contract/fields.ts";
import { jsonOf } from "../contract/openapi.ts";
import type { InboxProfile } from "../conversation/outbound/inboxes/inbox-api.ts";
import { lacksMethod } from "../conversation/rpc-versions.ts";
import { inboxOf } from "../conversation/stub.ts";
import { CallTimeouts } from "../conversation/timeout.ts";
import { conversationsOfUser } from "../directory/admin-conversations.ts";
import { isKnownUser, profileOf } from "../directory/admin-users.ts";
import { readsDirectory } from "../edge/auth.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { refuse } from "../edge/refusal.ts";
import { isoTime, isoTimeOrNull } from "../live/wire.ts";
import { presentListed } from "./conversations.ts";
import { adminFindUsers, presentUser } from "./find-users.ts";
import { idPage, nextIdOf, placedBehind } from "./id-page.ts";
import { logRead } from "./log-read.ts";

const params = z.object({ id: pathUserId });

const profile = createRoute({
  method: "get",
  path: "/users/{id}",
  operationId: "adminGetUser",
  summary: "A user: profile, ban, legal hold, and how much they have",
  middleware: [readsDirectory] as const,
  request: { params },
  responses: { 200: jsonOf("The user", adminUserSchema) },
});

const conversations = createRoute({
  method: "get",
  path: "/users/{id}/conversations",
  operationId: "adminListUserConversations",
  summary: "The conversations that a user is or was in, in order of their ids",
  middleware: [readsDirectory] as const,
  request: { params, query: z.object(idPage) },
  responses: { 200: jsonOf("A page of conversations", userConversationsSchema) },
});

const devices = createRoute({
  method: "get",
  path: "/users/{id}/devices",
  operationId: "adminListUserDevices",
  summary: "The browsers in which a user is notified",
  middleware: [readsDirectory] as const,
  request: { params },
  responses: { 200: jsonOf("All of them, at most ten", devicesSchema) },
});

const connections = createRoute({
  method: "get",
  path: "/users/{id}/connections",
  operationId: "adminListUserConnections",
  summary: "What a user is connected to now, as far as it was reported",
  middleware: [readsDirectory] as const,
  request: { params },
  responses: { 200: jsonOf("Sockets, gateways and conversations", connectionsSchema) },
});

/** Users, of `/api/admin`. */
export function adminUserRoutes(app: OpenAPIHono<EdgeEnv>): void {
  adminFindUsers(app);
  app.openapi(profile, async (c) => {
    const { id } = c.req.valid("param");
    const user = (await profileOf(c.get("directory"), id)) ?? refuse("user_not_found");
    const { ban, hold, counts } = user;
    const isBanned = ban && (ban.until === null || ban.until > Date.now());
    logRead(c, "user", { targetId: id });
    return c.json(
      {
        ...presentUser(user),
        ban: isBanned
          ? {
              ...{ bannedBy: ban.bannedBy, bannedAt: isoTime(ban.bannedAt) },
              ...{ expiresAt: isoTimeOrNull(ban.until), reason: ban.reason },
            }
          : null,
        legalHold: hold
          ? { placedBy: hold.placedBy, placedAt: isoTime(hold.placedAt), reason: hold.reason }
          : null,
        counts,
      },
      200,
    );
  });

  app.openapi(conversations, async (c) => {
    const { id } = c.req.valid("param");
    const directory = c.get("directory");
    const page = placedBehind(c.req.valid("query"));
    const found = await conversationsOfUser(directory, { userId: id }, {}, page);
    // Somebody who has any is known.
    if (found.items.length === 0) await known(c, id);
    logRead(c, "user.conversations", { targetId: id });
    const items = found.items.map(({ role, joinedAt, leftAt, ...conversation }) => ({
      ...presentListed(conversation),
      membership: { role, joinedAt: isoTime(joinedAt), leftAt: isoTimeOrNull(leftAt) },
    }));
    return c.json({ items, ...nextIdOf(found.next) }, 200);
  });

  app.openapi(devices, async (c) => {
    const { id } = c.req.valid("param");
    const { devices } = await inboxProfile(c, id);
    logRead(c, "user.devices", { targetId: id });
    const items = devices.map(({ host, addedAt, expiresAt }) => ({
      ...{ host, addedAt: isoTime(addedAt), expiresAt: isoTimeOrNull(expiresAt) },
    }));
    return c.json({ items }, 200);
  });

  app.openapi(connections, async (c) => {
    const { id } = c.req.valid("param");
    const { sockets, places, placeCount } = (await inboxProfile(c, id)).connections;
    logRead(c, "user.connections", { targetId: id });
    return c.json(
      {
        sockets: sockets.map(({ openedAt, expiresAt, ...socket }) => ({
          ...{ ...socket, openedAt: isoTime(openedAt), expiresAt: isoTime(expiresAt) },
        })),
        places: places.map(({ since, ...place }) => ({ ...place, since: isoTime(since) })),
        placeCount,
      },
      200,
    );
  });
}

/** Refuses who is not known, so that nothing is called for a guessed id. */
async function known(c: Context<EdgeEnv>, userId: string): Promise<void> {
  if (!(await isKnownUser(c.get("directory"), userId))) refuse("user_not_found");
}

async function inboxProfile(c: Context<EdgeEnv>, userId: string): Promise<InboxProfile> {
  await known(c, userId);
  const asked = new CallTimeouts().limit(inboxOf(c.env, userId).profile());
  return c.get("timing").of(
    "object",
    asked.catch((error: unknown) => {
      if (lacksMethod(error, "profile")) refuse("unavailable");
      throw error;
    }),
  );
}
