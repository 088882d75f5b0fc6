import type { Context } from "hono";
import { IDENTITY_HEADER } from "../conversation/api.ts";
import type { ConnectionIdentity } from "../conversation/identity.ts";
import { bearerOf, ensureUserKnownIn, verify } from "../edge/auth.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { addressOf, withinRate } from "../edge/limiter.ts";
import { isAllowedOrigin } from "../edge/origin.ts";

/** Whose token a request carries, in a header or one of some parameters; `undefined`: no valid one. */
export async function seatOf(
  c: Context<EdgeEnv>,
  ...parameters: string[]
): Promise<ConnectionIdentity | undefined> {
  const inQuery = parameters.map((name) => c.req.query(name)).find((token) => token !== undefined);
  const token = bearerOf(c.req.header("Authorization")) ?? inQuery;
  const verified = await verify(c.var.settings, token);
  if (!verified) return undefined;
  c.executionCtx.waitUntil(
    ensureUserKnownIn(c.env, verified.actor, { requestId: c.var.requestId }),
  );
  const { userId, name, avatarUrl, role } = verified.actor;
  const { origin } = new URL(c.req.url);
  return { userId, name, avatarUrl, role, expiresAt: verified.expiresAt, origin };
}

/** Whether a page of this origin may connect; what is no page may. */
export function mayConnect(c: Context<EdgeEnv>): boolean {
  const origin = c.req.header("Origin");
  return origin === undefined || isAllowedOrigin(c.var.settings, c.req.url, origin);
}

/**
 * Whether an address may open, or negotiate, one more connection: the platform's limiter, against abuse.
 * They are counted apart, for a negotiated id can be used again once its connection is over.
 */
export async function withinLimit(
  c: Context<EdgeEnv>,
  what: "open" | "negotiate" = "open",
): Promise<boolean> {
  const address = addressOf(c);
  return address === undefined || withinRate(c.env.LIMIT_CONNECTIONS, `${what} ${address}`);
}

/**
 * What a gateway is asked: the method, the body as far as it was read, and what the Worker says of it. Nothing else that the
 * client sent reaches the object.
 */
export function requestFor(
  c: Context<EdgeEnv>,
  told: object,
  body: Uint8Array | null = null,
): Request {
  const { method } = c.req.raw;
  const upgrade = c.req.header("Upgrade")?.toLowerCase() === "websocket";
  return new Request("https://gateway/", {
    method,
    headers: {
      [IDENTITY_HEADER]: encodeURIComponent(JSON.stringify(told)),
      ...(upgrade && { Upgrade: "websocket" }),
    },
    body,
  });
}
