import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { pathUserId, userId, wholeNumber } from "../../../contract/fields.ts";
import { jsonBodyOf, jsonOf } from "../../../contract/openapi.ts";
import { inbox, inboxSize, stats } from "../../../directory/inbox.ts";
import { usersById } from "../../../directory/users.ts";
import { offsetOf } from "../../../domain/page.ts";
import { isService } from "../../../domain/policy.ts";
import { readsDirectory } from "../../../edge/auth.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { ask, peopleAmong, submit } from "../../../edge/conversations.ts";
import { conversationNamed } from "../../../edge/ids.ts";
import { listedFor } from "../../../edge/listed.ts";
import { unwrapped } from "../../../edge/refusal.ts";
import { strangersAmong } from "../../../edge/strangers.ts";
import { type Chat, chatSchema, presentChat, presentEntry } from "../presenter.ts";
import {
  CHATS,
  chatAnswer,
  enveloped,
  pagination,
  paginationOf,
  pathId,
  success,
} from "../schemas.ts";

const list = createRoute({
  method: "get",
  path: "/",
  operationId: "listChats",
  summary: "List the caller's chats",
  middleware: [readsDirectory] as const,
  request: {
    query: z.object({
      page: wholeNumber(1, 1, Number.MAX_SAFE_INTEGER),
      limit: wholeNumber(20, 1, 100),
      type: z.enum(["direct", "group", "support"]).optional(),
      archived: z.enum(["true", "false"]).optional(),
    }),
  },
  responses: {
    200: jsonOf(
      "A page of chats, the one with the newest message first",
      enveloped(z.object({ chats: z.array(chatSchema), pagination })),
    ),
  },
});

const totals = createRoute({
  method: "get",
  path: "/stats",
  operationId: "getChatStats",
  summary: "Count the caller's chats, messages and unread messages",
  middleware: [readsDirectory] as const,
  responses: {
    200: jsonOf(
      "The totals",
      enveloped(
        z.object({
          totalChats: z.number().int(),
          totalMessages: z.number().int(),
          totalUnread: z.number().int(),
          totalMentions: z.number().int(),
          unreadChats: z.number().int(),
        }),
      ),
    ),
  },
});

const info = createRoute({
  method: "get",
  path: "/{id}/info",
  operationId: "getChat",
  summary: "Get a chat",
  request: { params: pathId },
  responses: {
    200: jsonOf(
      "The chat, and how many messages each participant has not read",
      enveloped(
        z.object({
          chat: z.object({
            ...chatSchema.shape,
            unreadCounts: z.record(z.string(), z.number().int()),
          }),
        }),
      ),
    ),
  },
});

const archiveForMember = createRoute({
  method: "put",
  path: "/{id}/archive",
  operationId: "toggleChatArchive",
  summary: "Archive a chat for the caller, or bring it back",
  request: { params: pathId },
  responses: { 200: jsonOf("As it is now", enveloped(z.object({ isArchived: z.boolean() }))) },
});

const participantAnswer = enveloped(z.object({ participantId: z.string() }));

const addParticipant = createRoute({
  method: "post",
  path: "/{id}/participants",
  operationId: "addChatParticipant",
  summary: "Add a participant to a group",
  middleware: [readsDirectory] as const,
  request: { params: pathId, body: jsonBodyOf(z.object({ userId })) },
  responses: {
    200: jsonOf(
      "The chat with the participant; for a service, which reads no chat, the participant's id",
      z.union([chatAnswer, participantAnswer]),
    ),
  },
});

const removeParticipant = createRoute({
  method: "delete",
  path: "/{id}/participants/{participantId}",
  operationId: "removeChatParticipant",
  summary: "Remove a participant from a group",
  request: { params: pathId.extend({ participantId: pathUserId }) },
  responses: {
    200: jsonOf("Removed", participantAnswer),
  },
});

export function chatRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(list, async (c) => {
    const { page, limit, type, archived } = c.req.valid("query");
    const directory = c.get("directory");
    const query = {
      userId: listedFor(c),
      kinds: type ? kindsOf(type) : CHATS,
      archived: archived && archived === "true",
    };
    const [entries, total] = await Promise.all([
      inbox(directory, { ...query, limit, offset: offsetOf({ page, pageSize: limit }) }),
      inboxSize(directory, query),
    ]);
    const userIds = new Set(entries.flatMap((e) => e.participants.map((p) => p.userId)));
    const people = await usersById(directory, [...userIds]);
    const chats = entries.map((entry) => presentEntry(entry, people, c.get("linkTo")));
    return c.json(success({ chats, pagination: paginationOf(page, limit, total) }), 200);
  });

  app.openapi(totals, async (c) =>
    c.json(success(await stats(c.get("directory"), listedFor(c), CHATS)), 200),
  );

  app.openapi(info, async (c) => {
    const chatId = conversationNamed(c.req.valid("param").id);
    const overview = unwrapped(await ask(c, chatId, (stub) => stub.overview(c.get("actor"))));
    const unreadCounts = Object.fromEntries(overview.unread);
    const chat = { ...presentChat(overview, c.get("actor").userId, c.get("linkTo")), unreadCounts };
    return c.json(success({ chat }), 200);
  });

  app.openapi(archiveForMember, async (c) => {
    const chatId = conversationNamed(c.req.valid("param").id);
    const { archived } = await submit(c, chatId, { type: "archive" });
    return c.json(success({ isArchived: archived === true }), 200);
  });

  app.openapi(addParticipant, async (c) => {
    const chatId = conversationNamed(c.req.valid("param").id);
    const { userId } = c.req.valid("json");
    const [person] = await peopleAmong(c, [userId]);
    const request = (await strangersAmong(c, [userId])).has(userId);
    await submit(c, chatId, { type: "add", person, ...(request && { request }) });
    if (isService(c.get("actor"))) return c.json(success({ participantId: userId }), 200);
    return c.json(success({ chat: await chatOf(c, chatId) }), 200);
  });

  app.openapi(removeParticipant, async (c) => {
    const { id, participantId } = c.req.valid("param");
    await submit(c, conversationNamed(id), { type: "remove", userId: participantId });
    return c.json(success({ participantId }), 200);
  });
}

/** A chat as its caller sees it. */
export async function chatOf(c: Context<EdgeEnv>, chatId: string): Promise<Chat> {
  const overview = unwrapped(await ask(c, chatId, (stub) => stub.overview(c.get("actor"))));
  return presentChat(overview, c.get("actor").userId, c.get("linkTo"));
}

function kindsOf(type: Chat["type"]): typeof CHATS {
  return type === "direct" ? ["direct", "purchase-request"] : [type];
}
