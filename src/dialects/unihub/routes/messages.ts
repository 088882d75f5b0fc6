import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { messagePageSchema, sentSchema, successSchema } from "../../../contract/answers.ts";
import { sendBody } from "../../../contract/bodies.ts";
import { idempotencyHeader, uuid, wholeNumber } from "../../../contract/fields.ts";
import { jsonBodyOf, jsonOf } from "../../../contract/openapi.ts";
import { contentOf } from "../../../domain/message.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { submit } from "../../../edge/conversations.ts";
import { answerText, pageOf } from "../../../edge/history.ts";
import { conversationNamed, messageNamed } from "../../../edge/ids.ts";
import { unwrapped } from "../../../edge/refusal.ts";
import { presentSent, unihubForm } from "../presenter.ts";

const list = createRoute({
  method: "get",
  path: "/messages",
  operationId: "listMessages",
  summary: "Get messages",
  request: {
    query: z.object({
      conversationId: uuid,
      page: wholeNumber(1, 1, Number.MAX_SAFE_INTEGER),
      pageSize: wholeNumber(50, 1, 100),
    }),
  },
  responses: {
    200: jsonOf("A page of messages, newest first", messagePageSchema),
  },
});

const send = createRoute({
  method: "post",
  path: "/messages",
  operationId: "sendMessage",
  summary: "Send a text message",
  request: { headers: idempotencyHeader, body: jsonBodyOf(sendBody) },
  responses: {
    201: jsonOf("The message is durable", sentSchema),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/messages/{messageId}",
  operationId: "deleteMessage",
  summary: "Delete a message: one's own, or as a moderator anybody's",
  request: { params: z.object({ messageId: z.string() }) },
  responses: { 200: jsonOf("The message is deleted", successSchema) },
});

export function messageRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(list, async (c) => {
    const { conversationId, page, pageSize } = c.req.valid("query");
    const id = conversationNamed(conversationId);
    const { text, total } = await pageOf(c, id, { by: "page", page, pageSize }, unihubForm);
    const figures = { totalCount: total, page, pageSize, totalPages: Math.ceil(total / pageSize) };
    return answerText(c, `{"items":[${text}],${JSON.stringify(figures).slice(1)}`);
  });

  app.openapi(send, async (c) => {
    const body = c.req.valid("json");
    const maxLength = c.get("settings").MAX_LENGTH_UNIHUB;
    // An invalid request is refused before the conversation is called.
    const content = unwrapped(contentOf(body.content, maxLength));
    const id = conversationNamed(body.conversationId);
    const answer = await submit(c, id, {
      type: "send",
      kind: "text",
      content,
      clientMessageId: body.clientMessageId ?? c.req.valid("header")["idempotency-key"],
      replyTo: body.replyToMessageId ?? undefined,
      metadata: body.metadata ?? undefined,
      mentions: body.mentions,
      mentionsAll: body.mentionsAll,
      silent: body.silent,
      maxLength,
    });
    return c.json(presentSent(id, answer), 201);
  });

  app.openapi(remove, async (c) => {
    const { messageId } = c.req.valid("param");
    const { conversationId } = messageNamed(messageId);
    await submit(c, conversationId, { type: "delete", messageId });
    return c.json({ success: true } as const, 200);
  });
}
