import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { pathUserId, userId, wholeNumber } from "../../../contract/fields.ts";
import {
  banBody,
  bansSchema,
  moderationBody,
  muteBody,
  pinsSchema,
} from "../../../contract/moderation.ts";
import { jsonBodyOf, jsonOf } from "../../../contract/openapi.ts";
import { readsDirectory } from "../../../edge/auth.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { peopleAmong, submit } from "../../../edge/conversations.ts";
import { conversationNamed } from "../../../edge/ids.ts";
import { bansOf, pinsOf, updateOf } from "../../../edge/moderation.ts";
import { isoTime } from "../../../live/wire.ts";
import { chatAnswer, enveloped, pathId, pathMessage, success } from "../schemas.ts";
import { chatOf } from "./chats.ts";

/** What owners, admins and staff do to groups. Beyond the reference. */

const pathUser = pathId.extend({ userId: pathUserId });
const ofMessage = enveloped(z.object({ messageId: z.string() }));
const ofUser = enveloped(z.object({ userId: z.string() }));
const ofRole = enveloped(z.object({ userId: z.string(), role: z.enum(["admin", "member"]) }));

const update = createRoute({
  method: "patch",
  path: "/{id}",
  operationId: "moderateChat",
  summary: "Change the title, slow mode or lock of a group",
  request: { params: pathId, body: jsonBodyOf(moderationBody) },
  responses: { 200: jsonOf("The chat as it is now", chatAnswer) },
});

const pins = createRoute({
  method: "get",
  path: "/{id}/pins",
  operationId: "listChatPins",
  summary: "Get the pinned messages",
  request: { params: pathId },
  responses: { 200: jsonOf("The message that was pinned last first", enveloped(pinsSchema)) },
});

const pin = createRoute({
  method: "put",
  path: "/{id}/pins/{messageId}",
  operationId: "pinChatMessage",
  summary: "Pin a message, at most 50",
  request: { params: pathMessage },
  responses: { 200: jsonOf("Pinned", ofMessage) },
});

const unpin = createRoute({
  method: "delete",
  path: "/{id}/pins/{messageId}",
  operationId: "unpinChatMessage",
  summary: "Unpin a message",
  request: { params: pathMessage },
  responses: { 200: jsonOf("Unpinned", ofMessage) },
});

const ban = createRoute({
  method: "post",
  path: "/{id}/bans",
  operationId: "banFromChat",
  summary: "Ban somebody, who is out at once and stays out",
  middleware: [readsDirectory] as const,
  request: { params: pathId, body: jsonBodyOf(banBody) },
  responses: { 200: jsonOf("Banned", ofUser) },
});

const bans = createRoute({
  method: "get",
  path: "/{id}/bans",
  operationId: "listChatBans",
  summary: "Get who is banned",
  middleware: [readsDirectory] as const,
  request: {
    params: pathId,
    query: z.object({
      page: wholeNumber(1, 1, Number.MAX_SAFE_INTEGER),
      limit: wholeNumber(100, 1, 500),
    }),
  },
  responses: { 200: jsonOf("A page of the people who are banned now", enveloped(bansSchema)) },
});

const lift = createRoute({
  method: "delete",
  path: "/{id}/bans/{userId}",
  operationId: "liftChatBan",
  summary: "Lift a ban",
  request: { params: pathUser },
  responses: { 200: jsonOf("Lifted", ofUser) },
});

const mute = createRoute({
  method: "put",
  path: "/{id}/participants/{userId}/mute",
  operationId: "muteChatParticipant",
  summary: "Have a participant only read until a time",
  request: { params: pathUser, body: jsonBodyOf(muteBody) },
  responses: {
    200: jsonOf("Muted", enveloped(z.object({ userId: z.string(), mutedUntil: z.iso.datetime() }))),
  },
});

const unmute = createRoute({
  method: "delete",
  path: "/{id}/participants/{userId}/mute",
  operationId: "unmuteChatParticipant",
  summary: "Let a participant write again",
  request: { params: pathUser },
  responses: { 200: jsonOf("Not muted any more", ofUser) },
});

const addModerator = createRoute({
  method: "post",
  path: "/{id}/moderators",
  operationId: "addChatAdmin",
  summary: "Make a participant an admin of the group",
  request: { params: pathId, body: jsonBodyOf(z.object({ userId })) },
  responses: { 200: jsonOf("Their role", ofRole) },
});

const removeModerator = createRoute({
  method: "delete",
  path: "/{id}/moderators/{userId}",
  operationId: "removeChatAdmin",
  summary: "Make an admin of the group a member",
  request: { params: pathUser },
  responses: { 200: jsonOf("Their role", ofRole) },
});

export function moderationRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(update, async (c) => {
    const chatId = conversationNamed(c.req.valid("param").id);
    await submit(c, chatId, updateOf(c.req.valid("json")));
    return c.json(success({ chat: await chatOf(c, chatId) }), 200);
  });

  app.openapi(pins, async (c) => {
    const chatId = conversationNamed(c.req.valid("param").id);
    return c.json(success(await pinsOf(c, chatId)), 200);
  });

  app.openapi(pin, async (c) => {
    const { id, messageId } = c.req.valid("param");
    await submit(c, conversationNamed(id), { type: "pin", messageId });
    return c.json(success({ messageId }), 200);
  });

  app.openapi(unpin, async (c) => {
    const { id, messageId } = c.req.valid("param");
    await submit(c, conversationNamed(id), { type: "unpin", messageId });
    return c.json(success({ messageId }), 200);
  });

  app.openapi(ban, async (c) => {
    const chatId = conversationNamed(c.req.valid("param").id);
    const { userId, reason, expiresAt } = c.req.valid("json");
    const known = (await peopleAmong(c, [userId])).length > 0;
    await submit(c, chatId, { type: "ban", userId, known, reason, until: expiresAt ?? null });
    return c.json(success({ userId }), 200);
  });

  app.openapi(bans, async (c) => {
    const chatId = conversationNamed(c.req.valid("param").id);
    const { page, limit: pageSize } = c.req.valid("query");
    return c.json(success(await bansOf(c, chatId, { page, pageSize })), 200);
  });

  app.openapi(lift, async (c) => {
    const { id, userId } = c.req.valid("param");
    await submit(c, conversationNamed(id), { type: "unban", userId });
    return c.json(success({ userId }), 200);
  });

  app.openapi(mute, async (c) => {
    const { id, userId } = c.req.valid("param");
    const { until, reason } = c.req.valid("json");
    await submit(c, conversationNamed(id), { type: "mute", userId, until, reason });
    return c.json(success({ userId, mutedUntil: isoTime(until) }), 200);
  });

  app.openapi(unmute, async (c) => {
    const { id, userId } = c.req.valid("param");
    await submit(c, conversationNamed(id), { type: "unmute", userId });
    return c.json(success({ userId }), 200);
  });

  app.openapi(addModerator, async (c) => {
    const { userId } = c.req.valid("json");
    await submit(c, conversationNamed(c.req.valid("param").id), { type: "promote", userId });
    return c.json(success({ userId, role: "admin" as const }), 200);
  });

  app.openapi(removeModerator, async (c) => {
    const { id, userId } = c.req.valid("param");
    await submit(c, conversationNamed(id), { type: "demote", userId });
    return c.json(success({ userId, role: "member" as const }), 200);
  });
}
