import { Buffer } from "node:buffer";
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { jsonBodyOf, jsonOf } from "../../contract/openapi.ts";
import {
  type PushSubscription,
  pushDeviceBody,
  pushKeySchema,
  pushSubscriptionBody,
} from "../../contract/push.ts";
import { inboxOf } from "../../conversation/stub.ts";
import { isService } from "../../domain/policy.ts";
import { endpointFault } from "../../domain/push-endpoint.ts";
import { authenticate } from "../../edge/auth.ts";
import type { EdgeEnv } from "../../edge/context.ts";
import { closed, dialect } from "../../edge/dialect.ts";
import { jsonBody } from "../../edge/json-body.ts";
import { refuse, unwrapped } from "../../edge/refusal.ts";
import { requestLimits } from "../../edge/request-limits.ts";
import { unlessPrevious } from "../previous.ts";
import { vapidOf } from "./vapid.ts";

const key = createRoute({
  method: "get",
  path: "/key",
  operationId: "getPushKey",
  summary: "The key that browsers subscribe with",
  description: "The `applicationServerKey` of `PushManager.subscribe`.",
  responses: {
    200: jsonOf("The key", pushKeySchema),
    404: { description: "This server sends no push messages" },
  },
});

const put = createRoute({
  method: "put",
  path: "/devices",
  operationId: "putPushDevice",
  summary: "Have a browser notified while the caller is away",
  description:
    "The body is the browser's `PushSubscription` as JSON. Repeat it whenever the page starts: a " +
    "subscription may change. At most 10 of a user; the oldest is replaced.",
  request: { body: jsonBodyOf(pushSubscriptionBody) },
  responses: {
    204: { description: "It is stored" },
    404: { description: "This server sends no push messages" },
  },
});

const remove = createRoute({
  method: "delete",
  path: "/devices",
  operationId: "removePushDevice",
  summary: "Have a browser no longer notified, as when its user signs out",
  request: { body: jsonBodyOf(pushDeviceBody) },
  responses: { 204: { description: "It is not stored, or not any more" } },
});

/** `/api/push`: the browsers in which a user is notified. */
export function pushRoutes(): OpenAPIHono<EdgeEnv> {
  const app = dialect();
  app.use(authenticate(), requestLimits, jsonBody);
  app.openapi(key, async (c) => {
    const vapid = vapidOf(c.get("settings")) ?? refuse("push_not_configured");
    return c.json({ key: await vapid.publicKey() }, 200);
  });
  app.openapi(put, async (c) => {
    if (isService(c.get("actor"))) refuse("forbidden", { message: "A service has no devices." });
    const settings = c.get("settings");
    if (!vapidOf(settings)) refuse("push_not_configured");
    const subscription = c.req.valid("json");
    const fault = await faultOf(subscription, settings.PUSH_HOSTS);
    if (fault) refuse("invalid_request", { details: [fault] });
    const inbox = inboxOf(c.env, c.get("actor").userId);
    const stored = inbox.putPushDevice(subscription).catch(unlessPrevious("putPushDevice"));
    unwrapped(await c.get("timing").of("object", stored));
    return c.body(null, 204);
  });
  app.openapi(remove, async (c) => {
    const { endpoint } = c.req.valid("json");
    const inbox = inboxOf(c.env, c.get("actor").userId);
    const removed = inbox.removePushDevice(endpoint).catch(unlessPrevious("removePushDevice"));
    await c.get("timing").of("object", removed);
    return c.body(null, 204);
  });
  return closed(app);
}

/** What of a subscription is wrong that its schema does not say. */
async function faultOf({ endpoint, expirationTime, keys }: PushSubscription, hosts: string[]) {
  const message = endpointFault(endpoint, hosts);
  if (message !== undefined) return { path: "endpoint", message };
  if (expirationTime !== undefined && expirationTime <= Date.now()) {
    return { path: "expirationTime", message: "it has expired; subscribe again" };
  }
  const point = Buffer.from(keys.p256dh, "base64url");
  const curve = { name: "ECDH", namedCurve: "P-256" };
  const imported = await crypto.subtle.importKey("raw", point, curve, false, []).then(
    () => true,
    () => false,
  );
  return imported ? undefined : { path: "keys.p256dh", message: "not a point of P-256" };
}
