import type { Context, MiddlewareHandler } from "hono";
import { directoryOf, sessionOf } from "../directory/directory.ts";
import type { Actor } from "../domain/policy.ts";
import type { Env, Settings } from "../env.ts";
import { log } from "../logging.ts";
import { actingIn } from "./acting-as.ts";
import { isBanned } from "./bans.ts";
import type { EdgeEnv } from "./context.ts";
import { KeysUnavailable } from "./jwks.ts";
import { knownUsers } from "./known-users.ts";
import { refuse } from "./refusal.ts";
import { TokenVerifier, type Verified } from "./token.ts";

const verifiers = new WeakMap<Settings, TokenVerifier>();

/**
 * The person of a token; `undefined` if it is invalid. Refuses as `unavailable` when it cannot be
 * checked.
 */
export async function verify(
  settings: Settings,
  token: string | undefined,
): Promise<Verified | undefined> {
  if (!token) return undefined;
  let verifier = verifiers.get(settings);
  if (!verifier) {
    verifier = new TokenVerifier(settings);
    verifiers.set(settings, verifier);
  }
  return verifier.verified(token, Date.now()).catch((error: unknown) => {
    if (!(error instanceof KeysUnavailable)) throw error;
    // The token may be valid. Only the request that fetched the keys has a cause to log.
    if (error.cause) log("keys_unavailable", { error: error.cause });
    refuse("unavailable", { retryAfterMs: error.retryAfterMs });
  });
}

/** Whether the bearer of a token is banned from the service. */
export function isBannedCaller(c: Context<EdgeEnv>, { userId }: Actor): Promise<boolean> {
  return isBanned(c.env, userId, (work) => c.executionCtx.waitUntil(work));
}

/** The token of an `Authorization: Bearer` header. */
export function bearerOf(header: string | undefined): string | undefined {
  return header?.match(/^Bearer +(\S+)$/i)?.[1];
}

/**
 * Requires a valid token before anything else, and stores its person in the directory, also where a service acts
 * as a bot. `scope` restricts what callers of a dialect can reach.
 */
export function authenticate(
  scope: Partial<Pick<Actor, "reach" | "kinds">> = {},
): MiddlewareHandler<EdgeEnv> {
  return async (c, next) => {
    const verified = await verify(c.get("settings"), bearerOf(c.req.header("Authorization")));
    if (!verified) refuse("unauthenticated");
    if (await isBannedCaller(c, verified.actor)) refuse("banned");
    c.set("actor", await actingIn(c, { ...verified.actor, ...scope }));
    const userKnown = ensureUserKnown(c, verified.actor);
    c.set("userKnown", userKnown);
    c.executionCtx.waitUntil(userKnown);
    await next();
  };
}

/** Stores a person in the directory; never rejects. */
export function ensureUserKnown(c: Context<EdgeEnv>, actor: Actor): Promise<void> {
  return ensureUserKnownIn(c.env, actor, { requestId: c.get("requestId") });
}

/** The same without a request; `context` is logged with a failure. */
export function ensureUserKnownIn(
  env: Env,
  actor: Actor,
  context: Record<string, unknown> = {},
): Promise<void> {
  return knownUsers
    .ensureKnown(directoryOf(env.DB), actor, Date.now())
    .catch((error) => log("acquaintance_failed", { ...context, error }));
}

/** The format of D1's bookmarks; nothing else is passed to it. */
const BOOKMARK = /^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/;

/**
 * For routes that read D1: the caller is stored there, and reads are at least as new as their
 * bookmark.
 */
export const readsDirectory: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  await c.get("userKnown");
  const bookmark = c.req.header("D1-Bookmark");
  const session = sessionOf(c.env.DB, bookmark && BOOKMARK.test(bookmark) ? bookmark : undefined);
  c.set("directory", directoryOf(session));
  await next();
  const reached = session.getBookmark();
  // In place: `c.header` would make the answer anew.
  if (reached) c.res.headers.set("D1-Bookmark", reached);
};
