import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { saidSchema } from "../../../contract/answers.ts";
import { someoneBody } from "../../../contract/bodies.ts";
import { pathUserId } from "../../../contract/fields.ts";
import { moderationBody, muteBody, pinsSchema } from "../../../contract/moderation.ts";
import { jsonBodyOf, jsonOf } from "../../../contract/openapi.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { submit } from "../../../edge/conversations.ts";
import { conversationNamed } from "../../../edge/ids.ts";
import { pinsOf, updateOf } from "../../../edge/moderation.ts";
import { pathId } from "../schemas.ts";

/** What owners and moderators do to groups and channels. Beyond the reference, which has roles of channels. */

const pathUser = pathId.extend({ userId: pathUserId });
const pathPin = pathId.extend({ messageId: z.string() });
const done = { 204: { description: "Done" } } as const;

const update = createRoute({
  method: "patch",
  path: "/conversations/{id}",
  operationId: "moderateConversation",
  summary: "Change the title, slow mode or lock of a group or channel",
  request: { params: pathId, body: jsonBodyOf(moderationBody) },
  responses: done,
});

const pins = createRoute({
  method: "get",
  path: "/conversations/{id}/pins",
  operationId: "listPins",
  summary: "Get the pinned messages",
  request: { params: pathId },
  responses: { 200: jsonOf("The message that was pinned last first", pinsSchema) },
});

const pin = createRoute({
  method: "put",
  path: "/conversations/{id}/pins/{messageId}",
  operationId: "pinMessage",
  summary: "Pin a message, at most 50",
  request: { params: pathPin },
  responses: done,
});

const unpin = createRoute({
  method: "delete",
  path: "/conversations/{id}/pins/{messageId}",
  operationId: "unpinMessage",
  summary: "Unpin a message",
  request: { params: pathPin },
  responses: done,
});

const mute = createRoute({
  method: "put",
  path: "/conversations/{id}/participants/{userId}/mute",
  operationId: "muteParticipant",
  summary: "Have a member only read until a time",
  request: { params: pathUser, body: jsonBodyOf(muteBody) },
  responses: done,
});

const unmute = createRoute({
  method: "delete",
  path: "/conversations/{id}/participants/{userId}/mute",
  operationId: "unmuteParticipant",
  summary: "Let a member write again",
  request: { params: pathUser },
  responses: done,
});

const addModerator = createRoute({
  method: "post",
  path: "/conversations/{id}/moderators",
  operationId: "addConversationModerator",
  summary: "Make a member of a group or channel its moderator",
  request: { params: pathId, body: jsonBodyOf(someoneBody) },
  responses: { 200: jsonOf("Added", saidSchema) },
});

const removeModerator = createRoute({
  method: "delete",
  path: "/conversations/{id}/moderators/{userId}",
  operationId: "removeConversationModerator",
  summary: "Make a moderator of a group or channel a member",
  request: { params: pathUser },
  responses: { 200: jsonOf("Removed", saidSchema) },
});

export function moderationRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(update, async (c) => {
    await submit(c, conversationNamed(c.req.valid("param").id), updateOf(c.req.valid("json")));
    return c.body(null, 204);
  });

  app.openapi(pins, async (c) =>
    c.json(await pinsOf(c, conversationNamed(c.req.valid("param").id)), 200),
  );

  app.openapi(pin, async (c) => {
    await submitPin(c, "pin", c.req.valid("param"));
    return c.body(null, 204);
  });

  app.openapi(unpin, async (c) => {
    await submitPin(c, "unpin", c.req.valid("param"));
    return c.body(null, 204);
  });

  app.openapi(mute, async (c) => {
    const { id, userId } = c.req.valid("param");
    await submit(c, conversationNamed(id), { type: "mute", userId, ...c.req.valid("json") });
    return c.body(null, 204);
  });

  app.openapi(unmute, async (c) => {
    const { id, userId } = c.req.valid("param");
    await submit(c, conversationNamed(id), { type: "unmute", userId });
    return c.body(null, 204);
  });

  app.openapi(addModerator, async (c) => {
    const { userId } = c.req.valid("json");
    await submit(c, conversationNamed(c.req.valid("param").id), { type: "promote", userId });
    return c.json({ message: "Moderator added successfully" }, 200);
  });

  app.openapi(removeModerator, async (c) => {
    const { id, userId } = c.req.valid("param");
    await submit(c, conversationNamed(id), { type: "demote", userId });
    return c.json({ message: "Moderator removed successfully" }, 200);
  });
}

async function submitPin(
  c: Context<EdgeEnv>,
  type: "pin" | "unpin",
  { id, messageId }: { id: string; messageId: string },
): Promise<void> {
  await submit(c, conversationNamed(id), { type, messageId });
}
