import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { notificationSettingsBody, notificationSettingsSchema } from "../contract/notifications.ts";
import { jsonBodyOf, jsonOf } from "../contract/openapi.ts";
import { inboxOf } from "../conversation/stub.ts";
import { authenticate } from "../edge/auth.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { closed, dialect } from "../edge/dialect.ts";
import { jsonBody } from "../edge/json-body.ts";
import { requestLimits } from "../edge/request-limits.ts";
import { unlessPrevious } from "./previous.ts";

const DESCRIPTION =
  "`preview`: whether notifications carry the message. `doNotDisturb`: hours of every day without " +
  "notifications, as clocks in the time zone show them, over midnight where `to` is earlier than " +
  "`from`; `null`: never";

const settings = createRoute({
  method: "get",
  path: "/settings",
  operationId: "getNotificationSettings",
  summary: "How the caller is notified",
  description: DESCRIPTION,
  responses: { 200: jsonOf("The settings", notificationSettingsSchema) },
});

const setSettings = createRoute({
  method: "put",
  path: "/settings",
  operationId: "setNotificationSettings",
  summary: "Change how the caller is notified",
  description: `What is absent stays as it is. ${DESCRIPTION}`,
  request: { body: jsonBodyOf(notificationSettingsBody) },
  responses: { 200: jsonOf("All settings, as they are now", notificationSettingsSchema) },
});

/** `/api/notifications`: how a user is notified of all their conversations. */
export function notificationRoutes(): OpenAPIHono<EdgeEnv> {
  const app = dialect();
  app.use(authenticate(), requestLimits, jsonBody);
  app.openapi(settings, async (c) => {
    const asked = inboxOf(c.env, c.get("actor").userId).notificationSettings();
    const found = asked.catch(unlessPrevious("notificationSettings"));
    return c.json(await c.get("timing").of("object", found), 200);
  });
  app.openapi(setSettings, async (c) => {
    const change = c.req.valid("json");
    const set = inboxOf(c.env, c.get("actor").userId)
      .setNotificationSettings(change)
      .catch(unlessPrevious("setNotificationSettings"));
    return c.json(await c.get("timing").of("object", set), 200);
  });
  return closed(app);
}
