import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import {
  adminConversationSchema,
  adminConversationsSchema,
  adminMembersSchema,
  reasonBody,
} from "../contract/administration.ts";
import { line, userId } from "../contract/fields.ts";
import { jsonBodyOf, jsonOf } from "../contract/openapi.ts";
import type { ConversationFigures, ConversationStub } from "../conversation/api.ts";
import type { Command } from "../conversation/decide/types.ts";
import { lacksMethod } from "../conversation/rpc-versions.ts";
import {
  conversationsOfUser,
  conversationsWhere,
  type ListedConversation,
} from "../directory/admin-conversations.ts";
import { KINDS, MAX_TITLE_LENGTH } from "../domain/conversation.ts";
import type { Result } from "../domain/error.ts";
import { readsDirectory } from "../edge/auth.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { ask, submit } from "../edge/conversations.ts";
import { conversationNamed } from "../edge/ids.ts";
import { refuse, unwrapped } from "../edge/refusal.ts";
import { isoTime, isoTimeOrNull, wireMember } from "../live/wire.ts";
import { idPage, nextIdOf, placedBehind } from "./id-page.ts";
import { logRead } from "./log-read.ts";

const params = z.object({ id: z.string() });

const find = createRoute({
  method: "get",
  path: "/conversations",
  operationId: "adminFindConversations",
  summary: "Find conversations by member, kind, or a part of the title, in order of their ids",
  description:
    "`member`: somebody who is in it. A request looks at 500 conversations at most, because titles have no index: " +
    "a page may have fewer than `limit`, or none, and a next one, until there is none.",
  middleware: [readsDirectory] as const,
  request: {
    query: z.object({
      member: userId.optional(),
      title: line(MAX_TITLE_LENGTH, 1).optional(),
      kind: z.enum(KINDS).optional(),
      ...idPage,
    }),
  },
  responses: { 200: jsonOf("A page of conversations", adminConversationsSchema) },
});

const details = createRoute({
  method: "get",
  path: "/conversations/{id}",
  operationId: "adminGetConversation",
  summary: "A conversation, with figures of its object",
  request: { params },
  responses: { 200: jsonOf("The conversation", adminConversationSchema) },
});

const members = createRoute({
  method: "get",
  path: "/conversations/{id}/members",
  operationId: "adminListMembers",
  summary: "Present and former members of a conversation, in order of their ids",
  request: { params, query: z.object(idPage) },
  responses: { 200: jsonOf("A page of members", adminMembersSchema) },
});

const close = createRoute({
  method: "post",
  path: "/conversations/{id}/close",
  operationId: "adminCloseConversation",
  summary: "Close a channel; lock any other conversation",
  description:
    "A closed channel can only be read. In a locked conversation, only its owner and moderators write: in direct " +
    "and purchase-request chats nobody. Support chats are refused as `not_moderated`.",
  request: { params, body: jsonBodyOf(reasonBody) },
  responses: { 204: { description: "It is closed, or locked" } },
});

const reopen = createRoute({
  method: "post",
  path: "/conversations/{id}/reopen",
  operationId: "adminReopenConversation",
  summary: "Reopen a channel; unlock any other conversation",
  request: { params, body: jsonBodyOf(reasonBody) },
  responses: { 204: { description: "It is open" } },
});

/** Conversations, of `/api/admin`. */
export function adminConversationRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(find, async (c) => {
    const { member, title, kind, ...query } = c.req.valid("query");
    const page = placedBehind(query);
    const filter = { title, kind };
    const directory = c.get("directory");
    const { items, next } =
      member === undefined
        ? await conversationsWhere(directory, filter, page)
        : await conversationsOfUser(directory, { userId: member, presentOnly: true }, filter, page);
    logRead(c, "conversations", member === undefined ? {} : { targetId: member });
    return c.json({ items: items.map(presentListed), ...nextIdOf(next) }, 200);
  });

  app.openapi(details, async (c) => {
    const id = conversationNamed(c.req.valid("param").id);
    return c.json(presentFigures(await figuresOf(c, id)), 200);
  });

  app.openapi(members, async (c) => {
    const id = conversationNamed(c.req.valid("param").id);
    const { after, limit } = placedBehind(c.req.valid("query"));
    const found = await asked(c, id, "everyMember", (stub) =>
      stub.everyMember(c.get("actor"), after, limit + 1),
    );
    const items = found.slice(0, limit);
    const next = found.length > limit ? items.at(-1)?.userId : undefined;
    return c.json({ items: items.map(wireMember), ...nextIdOf(next) }, 200);
  });

  app.openapi(close, async (c) => {
    await setOpen(c, c.req.valid("param").id, false, c.req.valid("json").reason);
    return c.body(null, 204);
  });

  app.openapi(reopen, async (c) => {
    await setOpen(c, c.req.valid("param").id, true, c.req.valid("json").reason);
    return c.body(null, 204);
  });
}

/** What an object says of its conversation. One that still runs the previous version is `unavailable`. */
export function figuresOf(c: Context<EdgeEnv>, id: string): Promise<ConversationFigures> {
  return asked(c, id, "figures", (stub) => stub.figures(c.get("actor")));
}

async function asked<T>(
  c: Context<EdgeEnv>,
  id: string,
  method: keyof ConversationStub,
  call: (stub: ConversationStub) => Promise<Result<T>>,
): Promise<T> {
  const answer = await ask(c, id, call).catch((error: unknown) => {
    if (lacksMethod(error, method)) refuse("unavailable");
    throw error;
  });
  return unwrapped(answer);
}

/** Closes or reopens; what is so already stays, and is not logged again. */
async function setOpen(
  c: Context<EdgeEnv>,
  text: string,
  isOpen: boolean,
  reason: string,
): Promise<void> {
  const id = conversationNamed(text);
  const { kind, locked = false } = (await figuresOf(c, id)).conversation;
  if (kind !== "channel" && locked === !isOpen) return;
  const command: Command =
    kind === "channel"
      ? { type: isOpen ? "reopen" : "close", reason }
      : { type: "update", locked: !isOpen, reason };
  await submit(c, id, command);
}

/** A conversation in a list. */
export function presentListed(conversation: ListedConversation) {
  const { conversationId, kind, title, subject, purchaseRequestId } = conversation;
  const { createdBy, memberCount, messageCount } = conversation;
  return {
    ...{ id: conversationId, kind, title, subject, purchaseRequestId, createdBy },
    createdAt: isoTime(conversation.createdAt),
    closedAt: isoTimeOrNull(conversation.archivedAt),
    ...{ memberCount, messageCount },
    lastMessageAt: isoTimeOrNull(conversation.lastMessageAt),
  };
}

function presentFigures(figures: ConversationFigures): z.infer<typeof adminConversationSchema> {
  const { conversation, counted, indexed, ...rest } = figures;
  const { id, kind, title, description, subject, visibility, createdBy } = conversation;
  return {
    ...{ id, kind, title, description, subject, visibility, createdBy },
    createdAt: isoTime(conversation.createdAt),
    closedAt: isoTimeOrNull(conversation.archivedAt),
    locked: conversation.locked ?? false,
    slowModeSeconds: conversation.slowModeSeconds ?? 0,
    retentionDays: conversation.retentionDays ?? null,
    purgedTo: conversation.purgedTo ?? 0,
    ...{ ...rest, messageCount: counted, indexedMessages: indexed },
  };
}
