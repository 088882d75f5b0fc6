import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { channelMemberSchema, saidSchema } from "../../../contract/answers.ts";
import { someoneBody } from "../../../contract/bodies.ts";
import { actingHeader, pathUserId } from "../../../contract/fields.ts";
import { jsonBodyOf, jsonOf } from "../../../contract/openapi.ts";
import { readsDirectory } from "../../../edge/auth.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { ask, peopleAmong, submit } from "../../../edge/conversations.ts";
import { conversationNamed } from "../../../edge/ids.ts";
import { unwrapped } from "../../../edge/refusal.ts";
import { presentChannelMember } from "../presenter.ts";
import { OF_CHANNELS, pathId, unpaged } from "../schemas.ts";

const someone = jsonBodyOf(someoneBody);

const members = createRoute({
  method: "get",
  path: "/channels/{id}/members",
  operationId: "listChannelMembers",
  summary: "Get a channel's members",
  request: { params: pathId, query: unpaged },
  responses: { 200: jsonOf("A page of members", z.array(channelMemberSchema)) },
});

const join = createRoute({
  method: "post",
  path: "/channels/{id}/join",
  operationId: "joinChannel",
  summary: "Join a channel",
  request: { params: pathId, headers: actingHeader },
  responses: { 200: jsonOf("Joined", saidSchema) },
});

const leave = createRoute({
  method: "post",
  path: "/channels/{id}/leave",
  operationId: "leaveChannel",
  summary: "Leave a channel",
  request: { params: pathId },
  responses: { 200: jsonOf("Left", saidSchema) },
});

const invite = createRoute({
  method: "post",
  path: "/channels/{id}/invitations",
  operationId: "inviteToChannel",
  summary: "Invite somebody to a channel",
  middleware: [readsDirectory] as const,
  request: { params: pathId, body: someone },
  responses: { 200: jsonOf("Invited", saidSchema) },
});

const uninvite = createRoute({
  method: "delete",
  path: "/channels/{id}/invitations/{userId}",
  operationId: "revokeInvitation",
  summary: "Revoke an invitation to a channel",
  request: { params: pathId.extend({ userId: pathUserId }) },
  responses: { 200: jsonOf("Revoked", saidSchema) },
});

const expel = createRoute({
  method: "delete",
  path: "/channels/{id}/members/{userId}",
  operationId: "removeChannelMember",
  summary: "Remove a member from a channel",
  request: { params: pathId.extend({ userId: pathUserId }) },
  responses: { 200: jsonOf("Removed", saidSchema) },
});

const addModerator = createRoute({
  method: "post",
  path: "/channels/{id}/moderators",
  operationId: "addModerator",
  summary: "Add a moderator",
  request: { params: pathId, body: someone },
  responses: { 200: jsonOf("Added", saidSchema) },
});

const removeModerator = createRoute({
  method: "delete",
  path: "/channels/{id}/moderators/{moderatorId}",
  operationId: "removeModerator",
  summary: "Remove a moderator",
  request: { params: pathId.extend({ moderatorId: pathUserId }) },
  responses: { 200: jsonOf("Removed", saidSchema) },
});

export function channelMemberRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(members, async (c) => {
    const channelId = conversationNamed(c.req.valid("param").id);
    const page = c.req.valid("query");
    const found = unwrapped(
      await ask(c, channelId, (stub) => stub.members({ ...c.get("actor"), ...OF_CHANNELS }, page)),
    );
    return c.json(found.map(presentChannelMember), 200);
  });

  app.openapi(join, async (c) => {
    await submit(c, conversationNamed(c.req.valid("param").id), { type: "join" });
    return c.json({ message: "Successfully joined channel" }, 200);
  });

  app.openapi(leave, async (c) => {
    await submit(c, conversationNamed(c.req.valid("param").id), { type: "leave" });
    return c.json({ message: "Successfully left channel" }, 200);
  });

  app.openapi(invite, async (c) => {
    const channelId = conversationNamed(c.req.valid("param").id);
    const { userId } = c.req.valid("json");
    const known = (await peopleAmong(c, [userId])).length > 0;
    await submit(c, channelId, { type: "invite", userId, known });
    return c.json({ message: "Invitation sent successfully" }, 200);
  });

  app.openapi(uninvite, async (c) => {
    const { id, userId } = c.req.valid("param");
    await submit(c, conversationNamed(id), { type: "uninvite", userId });
    return c.json({ message: "Invitation revoked successfully" }, 200);
  });

  app.openapi(expel, async (c) => {
    const { id, userId } = c.req.valid("param");
    await submit(c, conversationNamed(id), { type: "expel", userId });
    return c.json({ message: "Member removed successfully" }, 200);
  });

  app.openapi(addModerator, async (c) => {
    const { userId } = c.req.valid("json");
    const channelId = conversationNamed(c.req.valid("param").id);
    await submit(c, channelId, { type: "promote", userId }, OF_CHANNELS);
    return c.json({ message: "Moderator added successfully" }, 200);
  });

  app.openapi(removeModerator, async (c) => {
    const { id, moderatorId } = c.req.valid("param");
    const command = { type: "demote", userId: moderatorId } as const;
    await submit(c, conversationNamed(id), command, OF_CHANNELS);
    return c.json({ message: "Moderator removed successfully" }, 200);
  });
}
