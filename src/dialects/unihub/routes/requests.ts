import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { saidSchema } from "../../../contract/answers.ts";
import { jsonOf } from "../../../contract/openapi.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { submit } from "../../../edge/conversations.ts";
import { conversationNamed } from "../../../edge/ids.ts";
import { pathId } from "../schemas.ts";

const accept = createRoute({
  method: "post",
  path: "/conversations/{id}/accept",
  operationId: "acceptRequest",
  summary: "Accept a stranger's conversation; nothing changes where it was accepted",
  request: { params: pathId },
  responses: { 200: jsonOf("Accepted", saidSchema) },
});

const decline = createRoute({
  method: "post",
  path: "/conversations/{id}/decline",
  operationId: "declineRequest",
  summary: "Decline a stranger's conversation: it leaves the caller's lists, and nobody is told",
  request: { params: pathId },
  responses: { 200: jsonOf("Declined", saidSchema) },
});

export function requestRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(accept, async (c) => {
    await submit(c, conversationNamed(c.req.valid("param").id), { type: "accept" });
    return c.json({ message: "Request accepted successfully" }, 200);
  });

  app.openapi(decline, async (c) => {
    await submit(c, conversationNamed(c.req.valid("param").id), { type: "decline" });
    return c.json({ message: "Request declined successfully" }, 200);
  });
}
