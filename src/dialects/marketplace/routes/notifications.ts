import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { notificationLevelBody, notificationLevelSchema } from "../../../contract/notifications.ts";
import { jsonBodyOf, jsonOf } from "../../../contract/openapi.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { conversationNamed } from "../../../edge/ids.ts";
import { levelOf, setLevel } from "../../../notify/level-routes.ts";
import { enveloped, pathId, success } from "../schemas.ts";

const get = createRoute({
  method: "get",
  path: "/{id}/notifications",
  operationId: "getChatNotificationLevel",
  summary: "Of which messages of a chat the caller is notified",
  request: { params: pathId },
  responses: { 200: jsonOf("The level that holds now", enveloped(notificationLevelSchema)) },
});

const put = createRoute({
  method: "put",
  path: "/{id}/notifications",
  operationId: "setChatNotificationLevel",
  summary: "Choose of which messages of a chat the caller is notified",
  description: "After `until`, at most 366 days from now, the default, `all`, holds again",
  request: { params: pathId, body: jsonBodyOf(notificationLevelBody) },
  responses: { 200: jsonOf("The level that holds now", enveloped(notificationLevelSchema)) },
});

/** Levels of notifications. */
export function notificationLevelRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(get, async (c) =>
    c.json(success(await levelOf(c, conversationNamed(c.req.valid("param").id))), 200),
  );

  app.openapi(put, async (c) => {
    const chatId = conversationNamed(c.req.valid("param").id);
    return c.json(success(await setLevel(c, chatId, c.req.valid("json"))), 200);
  });
}
