import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { jsonBodyOf, jsonOf } from "../../../contract/openapi.ts";
import { reportBody, reportedSchema } from "../../../contract/reports.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { messageNamed } from "../../../edge/ids.ts";
import { report } from "../../../edge/reports.ts";

const reportMessage = createRoute({
  method: "post",
  path: "/messages/{messageId}/report",
  operationId: "reportMessage",
  summary: "Report a message to the staff",
  description:
    "The message and the five before it are kept as they are. A second report of the same message by the " +
    "same person is answered with the first.",
  request: { params: z.object({ messageId: z.string() }), body: jsonBodyOf(reportBody) },
  responses: { 201: jsonOf("The message is reported", reportedSchema) },
});

export function reportRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(reportMessage, async (c) => {
    const { conversationId, number } = messageNamed(c.req.valid("param").messageId);
    return c.json(await report(c, conversationId, number, c.req.valid("json")), 201);
  });
}
