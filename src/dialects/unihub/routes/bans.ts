import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { pathUserId } from "../../../contract/fields.ts";
import { banBody, bansSchema } from "../../../contract/moderation.ts";
import { jsonBodyOf, jsonOf } from "../../../contract/openapi.ts";
import type { Kind } from "../../../domain/conversation.ts";
import { readsDirectory } from "../../../edge/auth.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { peopleAmong, submit } from "../../../edge/conversations.ts";
import { conversationNamed } from "../../../edge/ids.ts";
import { bansOf } from "../../../edge/moderation.ts";
import { OF_CHANNELS, pathId, unpaged } from "../schemas.ts";

/** Bans from channels and groups, each at its own address. Beyond the reference. */

const done = { 204: { description: "Done" } } as const;

/** The routes at one address, for the kinds of conversation that it has. */
function routesAt(base: "channels" | "conversations") {
  const name = base === "channels" ? "Channel" : "Conversation";
  const ban = createRoute({
    method: "post",
    path: `/${base}/{id}/bans`,
    operationId: `banFrom${name}`,
    summary: "Ban somebody, who is out at once and stays out",
    middleware: [readsDirectory] as const,
    request: { params: pathId, body: jsonBodyOf(banBody) },
    responses: done,
  });
  const list = createRoute({
    method: "get",
    path: `/${base}/{id}/bans`,
    operationId: `list${name}Bans`,
    summary: "Get who is banned",
    middleware: [readsDirectory] as const,
    request: { params: pathId, query: unpaged },
    responses: { 200: jsonOf("A page of the people who are banned now", bansSchema) },
  });
  const lift = createRoute({
    method: "delete",
    path: `/${base}/{id}/bans/{userId}`,
    operationId: `lift${name}Ban`,
    summary: "Lift a ban",
    request: { params: pathId.extend({ userId: pathUserId }) },
    responses: done,
  });
  return { ban, list, lift };
}

export function banRoutes(app: OpenAPIHono<EdgeEnv>): void {
  add(app, "channels", OF_CHANNELS);
  add(app, "conversations", {});
}

function add(
  app: OpenAPIHono<EdgeEnv>,
  base: "channels" | "conversations",
  options: { kinds?: readonly Kind[] },
): void {
  const { ban, list, lift } = routesAt(base);

  app.openapi(ban, async (c) => {
    const { userId, reason, expiresAt } = c.req.valid("json");
    const id = conversationNamed(c.req.valid("param").id);
    const known = await isKnown(c, userId);
    const until = expiresAt ?? null;
    await submit(c, id, { type: "ban", userId, known, reason, until }, options);
    return c.body(null, 204);
  });

  app.openapi(list, async (c) => {
    const id = conversationNamed(c.req.valid("param").id);
    return c.json(await bansOf(c, id, c.req.valid("query"), options.kinds), 200);
  });

  app.openapi(lift, async (c) => {
    const { id, userId } = c.req.valid("param");
    await submit(c, conversationNamed(id), { type: "unban", userId }, options);
    return c.body(null, 204);
  });
}

async function isKnown(c: Context<EdgeEnv>, userId: string): Promise<boolean> {
  return (await peopleAmong(c, [userId])).length > 0;
}
