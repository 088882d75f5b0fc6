import type { Context, Next } from "hono";
import { IDENTITY_HEADER } from "../conversation/api.ts";
import type { ConnectionIdentity } from "../conversation/identity.ts";
import { refusedUpgrade } from "../conversation/outbound/sockets/socket.ts";
import { conversationOf, inboxOf } from "../conversation/stub.ts";
import { chatError } from "../domain/error.ts";
import { parseConversationId } from "../domain/id.ts";
import { type Actor, isService } from "../domain/policy.ts";
import { BANNED_CLOSE, BEARER_PREFIX, CLOSE, PROTOCOL } from "../live/version.ts";
import { bannedFrame, errorEventOf } from "../live/wire.ts";
import { bearerOf, ensureUserKnown, isBannedCaller, verify } from "./auth.ts";
import type { EdgeEnv } from "./context.ts";
import { isLimited, LIMITER_PERIOD_MS, withinRate } from "./limiter.ts";
import { isAllowedOrigin } from "./origin.ts";
import { refuse } from "./refusal.ts";

/**
 * `GET /live/{conversationId}`: verifies the caller and passes the upgrade to the conversation. A
 * refused upgrade is accepted and closed, because browsers cannot read the response of a failed
 * one.
 */
export async function live(
  c: Context<EdgeEnv, "/live/:conversationId">,
  next: Next,
): Promise<Response | undefined> {
  const conversationId = parseConversationId(c.req.param("conversationId"));
  return await upgrade(c, next, conversationId, (request) =>
    conversationId
      ? conversationOf(c.env, conversationId).fetch(request)
      : refusedUpgrade(CLOSE.notFound, "no such conversation"),
  );
}

/** `GET /live`: the same for the caller's inbox. */
export function liveInbox(c: Context<EdgeEnv>, next: Next): Promise<Response | undefined> {
  return upgrade(c, next, "inbox", (request, { userId }) => inboxOf(c.env, userId).fetch(request));
}

/** Verifies the caller of an upgrade and opens the socket; `subject` is what the limit counts by. */
async function upgrade(
  c: Context<EdgeEnv>,
  next: Next,
  subject: string | undefined,
  open: (request: Request, actor: Actor) => Response | Promise<Response>,
): Promise<Response | undefined> {
  if (c.req.header("Upgrade")?.toLowerCase() !== "websocket") {
    await next();
    return undefined;
  }
  const offered = (c.req.header("Sec-WebSocket-Protocol") ?? "").split(",").map((s) => s.trim());
  const echoed = offered.includes(PROTOCOL) ? PROTOCOL : undefined;
  const origin = c.req.header("Origin");
  if (origin !== undefined && !isAllowedOrigin(c.get("settings"), c.req.url, origin)) {
    return withProtocol(refusedUpgrade(CLOSE.unauthenticated, "origin not allowed"), echoed);
  }
  const token =
    bearerOf(c.req.header("Authorization")) ??
    offered.find((name) => name.startsWith(BEARER_PREFIX))?.slice(BEARER_PREFIX.length) ??
    c.req.query("access_token");
  const verified = await verify(c.get("settings"), token);
  if (!verified) {
    return withProtocol(refusedUpgrade(CLOSE.unauthenticated, "no valid token"), echoed);
  }
  if (await isBannedCaller(c, verified.actor)) {
    return withProtocol(refusedUpgrade(...BANNED_CLOSE, bannedFrame()), echoed);
  }
  if (isService(verified.actor)) {
    // It is a member of nothing, whatever has become of its id.
    return withProtocol(refusedUpgrade(CLOSE.notAMember, "a service has no sockets"), echoed);
  }
  c.executionCtx.waitUntil(ensureUserKnown(c, verified.actor));
  const { userId, name, avatarUrl, role } = verified.actor;
  const isLimitedHere = subject !== undefined && isLimited(c, verified.actor);
  if (isLimitedHere && !(await withinRate(c.env.LIMIT_UPGRADES, `${userId} ${subject}`))) {
    return withProtocol(tooManyUpgrades(), echoed);
  }
  const identity: ConnectionIdentity = {
    userId,
    name,
    avatarUrl,
    role,
    expiresAt: verified.expiresAt,
    origin: new URL(c.req.url).origin,
  };
  const url = new URL("https://conversation/live");
  for (const key of ["since", "epoch", "features"]) {
    const value = c.req.query(key);
    if (value !== undefined) url.searchParams.set(key, value);
  }
  // A new request: no other client header reaches the object.
  const request = new Request(url, {
    headers: {
      Upgrade: "websocket",
      [IDENTITY_HEADER]: encodeURIComponent(JSON.stringify(identity)),
    },
  });
  return withProtocol(await open(request, verified.actor), echoed);
}

/**
 * Refuses upgrades beyond the limit. Not with 4400, after which clients give up: unknown codes make
 * them reconnect after a delay, which is intended here.
 */
function tooManyUpgrades(): Response {
  const error = chatError("rate_limited", {
    message: "Too many new connections; wait before you reconnect.",
    retryAfterMs: LIMITER_PERIOD_MS,
    limit: "upgrades_per_minute",
  });
  const frame = JSON.stringify(errorEventOf(error, undefined));
  return refusedUpgrade(CLOSE.tryAgainLater, "too many connections", frame);
}

/** The answer to a request without an upgrade (RFC 9110, 15.5.22). */
export function upgradeRequired(c: Context<EdgeEnv>): never {
  c.header("Upgrade", "websocket");
  refuse("upgrade_required");
}

function withProtocol(response: Response, protocol: string | undefined): Response {
  if (!protocol) return response;
  return new Response(null, {
    status: response.status,
    webSocket: response.webSocket,
    headers: { "Sec-WebSocket-Protocol": protocol },
  });
}
