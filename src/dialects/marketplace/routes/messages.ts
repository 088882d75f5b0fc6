import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import {
  idempotencyHeader,
  mentioning,
  optional,
  optionalOr,
  silent,
  uuid,
  wholeNumber,
} from "../../../contract/fields.ts";
import { jsonBodyOf, jsonOf, leavableBodyOf } from "../../../contract/openapi.ts";
import type { Answer, Command } from "../../../conversation/decide/types.ts";
import type { PageQuery } from "../../../conversation/queries/history.ts";
import type { Receipt } from "../../../domain/message.ts";
import { contentOf } from "../../../domain/message.ts";
import { isActingAsBot } from "../../../edge/acting-as.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { submit } from "../../../edge/conversations.ts";
import { answerText, pageOf } from "../../../edge/history.ts";
import { conversationNamed, messageNamed } from "../../../edge/ids.ts";
import { emptyAsObject } from "../../../edge/json-body.ts";
import { refuse, unwrapped } from "../../../edge/refusal.ts";
import { clientMessageId, messageIds, metadata } from "../../../live/fields.ts";
import { wireMessage } from "../../../live/wire.ts";
import { marketplaceForm, messageSchema, presentMessage } from "../presenter.ts";
import {
  enveloped,
  messageAnswer,
  pagination,
  paginationOf,
  pathId,
  pathMessage,
  success,
} from "../schemas.ts";

/** `before`: the creation time of a message, to the millisecond, or its id. */
const before = z.union([z.iso.datetime({ offset: true }), uuid]);

const list = createRoute({
  method: "get",
  path: "/{id}/messages",
  operationId: "listChatMessages",
  summary: "Get messages",
  request: {
    params: pathId,
    query: z.object({
      page: wholeNumber(1, 1, Number.MAX_SAFE_INTEGER),
      limit: wholeNumber(50, 1, 100),
      before: before.optional(),
      order: z.enum(["asc", "desc"]).default("desc"),
    }),
  },
  responses: {
    200: jsonOf(
      "A page of messages, newest first unless turned",
      enveloped(z.object({ messages: z.array(messageSchema), pagination })),
    ),
  },
});

const send = createRoute({
  method: "post",
  path: "/{id}/messages",
  operationId: "sendChatMessage",
  summary: "Send a message",
  request: {
    params: pathId,
    headers: idempotencyHeader,
    body: jsonBodyOf(
      z.object({
        content: z.string(),
        type: optionalOr(z.enum(["text", "system"]), "text"),
        replyToMessageId: uuid.nullish(),
        metadata: metadata.nullish(),
        clientMessageId: optional(clientMessageId),
        ...mentioning,
        silent,
      }),
    ),
  },
  responses: { 201: jsonOf("The message is durable", messageAnswer) },
});

const markRead = createRoute({
  method: "patch",
  path: "/{id}/messages/read",
  operationId: "markChatRead",
  summary: "Mark messages as read, or all of them",
  middleware: [emptyAsObject] as const,
  request: {
    params: pathId,
    body: leavableBodyOf(z.object({ messageIds: optional(messageIds(uuid)) })),
  },
  responses: {
    200: jsonOf(
      "How many messages became read",
      enveloped(z.object({ modifiedCount: z.number().int() })),
    ),
  },
});

const edit = createRoute({
  method: "put",
  path: "/{id}/messages/{messageId}",
  operationId: "editChatMessage",
  summary: "Edit a message",
  request: {
    params: pathMessage,
    body: jsonBodyOf(z.object({ content: z.string(), ...mentioning })),
  },
  responses: { 200: jsonOf("The message as it is now", messageAnswer) },
});

const remove = createRoute({
  method: "delete",
  path: "/{id}/messages/{messageId}",
  operationId: "deleteChatMessage",
  summary: "Delete a message",
  request: { params: pathMessage },
  responses: { 200: jsonOf("What is left of the message", messageAnswer) },
});

export function messageRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(list, async (c) => {
    const chatId = conversationNamed(c.req.valid("param").id);
    const { page, limit, before, order } = c.req.valid("query");
    const bound = before === undefined ? undefined : boundOf(chatId, before);
    const query: PageQuery = {
      ...{ by: "page", page, pageSize: limit, oldestFirst: order === "asc", readers: true },
      ...(bound && { before: bound }),
    };
    const { text, total } = await pageOf(c, chatId, query, marketplaceForm);
    const pagination = JSON.stringify(paginationOf(page, limit, total));
    return answerText(
      c,
      `{"success":true,"data":{"messages":[${text}],"pagination":${pagination}}}`,
    );
  });

  app.openapi(send, async (c) => {
    const body = c.req.valid("json");
    const maxLength = c.get("settings").MAX_LENGTH_MARKETPLACE;
    const content = unwrapped(contentOf(body.content, maxLength));
    const chatId = conversationNamed(c.req.valid("param").id);
    const answer = await message(c, chatId, {
      type: "send",
      kind: body.type,
      content,
      clientMessageId: body.clientMessageId ?? c.req.valid("header")["idempotency-key"],
      replyTo: body.replyToMessageId ?? undefined,
      metadata: body.metadata ?? undefined,
      mentions: body.mentions,
      mentionsAll: body.mentionsAll,
      silent: body.silent,
      maxLength,
    });
    return c.json(answer, 201);
  });

  app.openapi(markRead, async (c) => {
    const chatId = conversationNamed(c.req.valid("param").id);
    const { messageIds } = c.req.valid("json");
    const { modifiedCount = 0 } = await submit(c, chatId, { type: "read", messageIds });
    return c.json(success({ modifiedCount }), 200);
  });

  app.openapi(edit, async (c) => {
    const { id, messageId } = c.req.valid("param");
    const maxLength = c.get("settings").MAX_LENGTH_MARKETPLACE;
    const { content: text, ...mentioning } = c.req.valid("json");
    const content = unwrapped(contentOf(text, maxLength));
    const chatId = conversationNamed(id);
    const command = { type: "edit", messageId, content, maxLength, ...mentioning } as const;
    return c.json(await message(c, chatId, command), 200);
  });

  app.openapi(remove, async (c) => {
    const { id, messageId } = c.req.valid("param");
    const chatId = conversationNamed(id);
    return c.json(await message(c, chatId, { type: "delete", messageId }), 200);
  });
}

/** Carries out a command about one message and answers with the message. */
async function message(c: Context<EdgeEnv>, chatId: string, command: Command) {
  const options = { readers: command.type !== "delete" && !isActingAsBot(c) };
  return presentAnswer(c, chatId, await submit(c, chatId, command, options));
}

/** The answer to a command about one message. */
export function presentAnswer(
  c: Context<EdgeEnv>,
  chatId: string,
  answer: Answer & { readers: readonly Receipt[] },
) {
  if (!answer.message) throw new Error("an answer without its message");
  const wire = wireMessage(chatId, answer.message, c.get("linkTo"));
  const message = presentMessage(chatId, wire, answer.readers);
  return success({ message, ...(answer.deduplicated && { deduplicated: answer.deduplicated }) });
}

function boundOf(chatId: string, before: string): { number: number } | { time: number } {
  if (!uuid.safeParse(before).success) return { time: Date.parse(before) };
  const { conversationId, number } = messageNamed(before);
  return conversationId === chatId ? { number } : refuse("message_not_found");
}
