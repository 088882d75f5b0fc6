import type { Context } from "hono";
import { IDENTITY_HEADER } from "../conversation/api.ts";
import type { ConnectionIdentity } from "../conversation/identity.ts";
import { bearerOf, ensureUserKnownIn, isBannedCaller, verify } from "../edge/auth.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { addressOf, withinRate } from "../edge/limiter.ts";
import { isAllowedOrigin } from "../edge/origin.ts";

/** Whose token a request has, in a header or one of some parameters; `undefined`: no valid one. */
export async function identityOf(
  c: Context<EdgeEnv>,
  ...parameters: string[]
): Promise<ConnectionIdentity | "banned" | undefined> {
  const inQuery = parameters.map((name) => c.req.query(name)).find((token) => token !== undefined);
  const token = bearerOf(c.req.header("Authorization")) ?? inQuery;
  const verified = await verify(c.get("settings"), token);
  if (!verified) return undefined;
  if (await isBannedCaller(c, verified.actor)) return "banned";
  c.executionCtx.waitUntil(
    ensureUserKnownIn(c.env, verified.actor, { requestId: c.get("requestId") }),
  );
  const { userId, name, avatarUrl, role } = verified.actor;
  const { origin } = new URL(c.req.url);
  return { userId, name, avatarUrl, role, expiresAt: verified.expiresAt, origin };
}

/** Whether a page of this origin may connect; clients that are not pages may. */
export function mayConnect(c: Context<EdgeEnv>): boolean {
  const origin = c.req.header("Origin");
  return origin === undefined || isAllowedOrigin(c.get("settings"), c.req.url, origin);
}

/**
 * Whether an address may open, or negotiate, one more connection: the platform's limiter, against abuse.
 * They are counted separately, because a negotiated id can be used again once its connection has ended.
 */
export async function withinLimit(
  c: Context<EdgeEnv>,
  action: "open" | "negotiate" = "open",
): Promise<boolean> {
  const address = addressOf(c);
  return address === undefined || withinRate(c.env.LIMIT_CONNECTIONS, `${action} ${address}`);
}

/**
 * The request for a gateway: the method, the body as far as it was read, and what the Worker found out.
 * Nothing else that the client sent reaches the object.
 */
export function gatewayRequest(
  c: Context<EdgeEnv>,
  verified: object,
  body: Uint8Array | null = null,
): Request {
  const { method } = c.req.raw;
  const upgrade = c.req.header("Upgrade")?.toLowerCase() === "websocket";
  return new Request("https://gateway/", {
    method,
    headers: {
      [IDENTITY_HEADER]: encodeURIComponent(JSON.stringify(verified)),
      ...(upgrade && { Upgrade: "websocket" }),
    },
    body,
  });
}
