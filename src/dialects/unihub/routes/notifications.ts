import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { notificationLevelBody, notificationLevelSchema } from "../../../contract/notifications.ts";
import { jsonBodyOf, jsonOf } from "../../../contract/openapi.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { conversationNamed } from "../../../edge/ids.ts";
import { levelOf, setLevel } from "../../../notify/level-routes.ts";
import { pathId } from "../schemas.ts";

const get = createRoute({
  method: "get",
  path: "/conversations/{id}/notifications",
  operationId: "getNotificationLevel",
  summary: "Of which messages of a conversation or channel the caller is notified",
  request: { params: pathId },
  responses: { 200: jsonOf("The level that holds now", notificationLevelSchema) },
});

const put = createRoute({
  method: "put",
  path: "/conversations/{id}/notifications",
  operationId: "setNotificationLevel",
  summary: "Choose of which messages of a conversation or channel the caller is notified",
  description:
    "After `until`, at most 366 days from now, the default of the conversation's kind holds again",
  request: { params: pathId, body: jsonBodyOf(notificationLevelBody) },
  responses: { 200: jsonOf("The level that holds now", notificationLevelSchema) },
});

/** Levels of notifications, of conversations and channels. */
export function notificationLevelRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(get, async (c) =>
    c.json(await levelOf(c, conversationNamed(c.req.valid("param").id)), 200),
  );

  app.openapi(put, async (c) => {
    const conversationId = conversationNamed(c.req.valid("param").id);
    return c.json(await setLevel(c, conversationId, c.req.valid("json")), 200);
  });
}
