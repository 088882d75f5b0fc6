import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { jsonOf } from "../../../contract/openapi.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { submit } from "../../../edge/conversations.ts";
import { conversationNamed } from "../../../edge/ids.ts";
import { chatAnswer, enveloped, pathId, success } from "../schemas.ts";
import { chatOf } from "./chats.ts";

const accept = createRoute({
  method: "post",
  path: "/{id}/accept",
  operationId: "acceptChatRequest",
  summary: "Accept a stranger's chat; nothing changes where it was accepted",
  request: { params: pathId },
  responses: { 200: jsonOf("The chat", chatAnswer) },
});

const decline = createRoute({
  method: "post",
  path: "/{id}/decline",
  operationId: "declineChatRequest",
  summary: "Decline a stranger's chat: it leaves the caller's lists, and nobody is told",
  request: { params: pathId },
  responses: { 200: jsonOf("Declined", enveloped(z.object({ chatId: z.string() }))) },
});

export function requestRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(accept, async (c) => {
    const chatId = conversationNamed(c.req.valid("param").id);
    await submit(c, chatId, { type: "accept" });
    return c.json(success({ chat: await chatOf(c, chatId) }), 200);
  });

  app.openapi(decline, async (c) => {
    const chatId = conversationNamed(c.req.valid("param").id);
    await submit(c, chatId, { type: "decline" });
    return c.json(success({ chatId }), 200);
  });
}
