import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { jsonBodyOf, jsonOf } from "../../../contract/openapi.ts";
import { reportBody, reportedSchema } from "../../../contract/reports.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { conversationNamed, messageNamed } from "../../../edge/ids.ts";
import { refuse } from "../../../edge/refusal.ts";
import { report } from "../../../edge/reports.ts";
import { enveloped, pathMessage, success } from "../schemas.ts";

const reportMessage = createRoute({
  method: "post",
  path: "/{id}/messages/{messageId}/report",
  operationId: "reportChatMessage",
  summary: "Report a message to the staff",
  description:
    "The message and the five before it are kept as they are. A second report of the same message by the " +
    "same person is answered with the first.",
  request: { params: pathMessage, body: jsonBodyOf(reportBody) },
  responses: { 201: jsonOf("The message is reported", enveloped(reportedSchema)) },
});

export function reportRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(reportMessage, async (c) => {
    const { id, messageId } = c.req.valid("param");
    const chatId = conversationNamed(id);
    const { conversationId, number } = messageNamed(messageId);
    if (conversationId !== chatId) refuse("message_not_found");
    return c.json(success(await report(c, chatId, number, c.req.valid("json"))), 201);
  });
}
