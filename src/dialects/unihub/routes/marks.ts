import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { receiptSchema, successSchema } from "../../../contract/answers.ts";
import { reactionBody } from "../../../contract/bodies.ts";
import { wholeNumber } from "../../../contract/fields.ts";
import { jsonBodyOf, jsonOf } from "../../../contract/openapi.ts";
import { EMOJIS, emojiOf } from "../../../domain/reaction.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { ask, submit } from "../../../edge/conversations.ts";
import { messageNamed } from "../../../edge/ids.ts";
import { refuse, unwrapped } from "../../../edge/refusal.ts";
import { isoTime } from "../../../live/wire.ts";

/** Receipts of one answer at most: all of a large channel's first readers, in order. */
const RECEIPTS_MAX = 10_000;

const messageParam = z.object({ messageId: z.string() });

const react = createRoute({
  method: "post",
  path: "/messages/{messageId}/reactions",
  operationId: "addReaction",
  summary: "Add a reaction to a message",
  request: { params: messageParam, body: jsonBodyOf(reactionBody) },
  responses: { 200: jsonOf("The reaction is on the message", successSchema) },
});

const unreact = createRoute({
  method: "delete",
  path: "/messages/{messageId}/reactions/{emoji}",
  operationId: "removeReaction",
  summary: "Remove a reaction from a message",
  request: { params: messageParam.extend({ emoji: z.string().openapi({ example: EMOJIS[0] }) }) },
  responses: { 200: jsonOf("The reaction was removed", successSchema) },
});

const markRead = createRoute({
  method: "post",
  path: "/messages/{messageId}/read",
  operationId: "markMessageRead",
  summary: "Mark a message as read",
  request: { params: messageParam },
  responses: { 200: jsonOf("The message is marked as read", successSchema) },
});

const receipts = createRoute({
  method: "get",
  path: "/messages/{messageId}/read-receipts",
  operationId: "listReadReceipts",
  summary: "Get read receipts",
  request: {
    params: messageParam,
    query: z.object({
      page: wholeNumber(1, 1, Number.MAX_SAFE_INTEGER),
      pageSize: wholeNumber(RECEIPTS_MAX, 1, RECEIPTS_MAX),
    }),
  },
  responses: {
    200: jsonOf(
      "The readers of the message, in the order in which they read it",
      z.array(receiptSchema),
    ),
  },
});

/** Reactions and read marks. */
export function markRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(react, async (c) => {
    const emoji = supported(c.req.valid("json").emoji);
    const { messageId } = c.req.valid("param");
    const { conversationId } = messageNamed(messageId);
    await submit(c, conversationId, { type: "react", messageId, emoji });
    return c.json({ success: true } as const, 200);
  });

  app.openapi(unreact, async (c) => {
    const { messageId, emoji: text } = c.req.valid("param");
    const emoji = supported(text);
    const { conversationId } = messageNamed(messageId);
    await submit(c, conversationId, { type: "unreact", messageId, emoji });
    return c.json({ success: true } as const, 200);
  });

  app.openapi(markRead, async (c) => {
    const { messageId } = c.req.valid("param");
    const { conversationId } = messageNamed(messageId);
    await submit(c, conversationId, { type: "read", messageId });
    return c.json({ success: true } as const, 200);
  });

  app.openapi(receipts, async (c) => {
    const { conversationId, number } = messageNamed(c.req.valid("param").messageId);
    const page = c.req.valid("query");
    const found = unwrapped(
      await ask(c, conversationId, (stub) => stub.receipts(c.get("actor"), number, page)),
    );
    return c.json(
      found.map(({ userId, readAt }) => ({ userId, readAt: isoTime(readAt) })),
      200,
    );
  });
}

/** Refused before the message is looked up: the request itself is invalid. */
function supported(text: string): string {
  return emojiOf(text) ?? refuse("unsupported_emoji");
}
