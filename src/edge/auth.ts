import type { Context, MiddlewareHandler } from "hono";
import { directoryOf, sessionOf } from "../directory/directory.ts";
import { KnownUsers } from "../directory/users.ts";
import type { Actor } from "../domain/policy.ts";
import type { Env, Settings } from "../env.ts";
import { log } from "../logging.ts";
import type { EdgeEnv } from "./context.ts";
import { KeysUnavailable } from "./jwks.ts";
import { refuse } from "./refusal.ts";
import { TokenVerifier, type Verified } from "./token.ts";

const verifiers = new WeakMap<Settings, TokenVerifier>();
const knownUsers = new KnownUsers();

/**
 * Who a token belongs to, or `undefined` when it is not valid. One that cannot be checked is refused as
 * `unavailable`.
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
    // That makes nobody's token invalid. Only who has asked for the keys knows of a cause.
    if (error.cause) log("keys_unavailable", { error: error.cause });
    refuse("unavailable", { retryAfterMs: error.retryAfterMs });
  });
}

/** The token of an `Authorization: Bearer` header. */
export function bearerOf(header: string | undefined): string | undefined {
  return header?.match(/^Bearer +(\S+)$/i)?.[1];
}

/**
 * Requires a valid token before anything else is touched, and lets the directory learn its person.
 * `scope` is what a dialect lets its callers reach.
 */
export function authenticate(
  scope: Partial<Pick<Actor, "reach" | "kinds">> = {},
): MiddlewareHandler<EdgeEnv> {
  return async (c, next) => {
    const verified = await verify(c.var.settings, bearerOf(c.req.header("Authorization")));
    if (!verified) refuse("unauthenticated");
    c.set("actor", { ...verified.actor, ...scope });
    const userKnown = ensureUserKnown(c, verified.actor);
    c.set("userKnown", userKnown);
    c.executionCtx.waitUntil(userKnown);
    await next();
  };
}

/** Lets the directory learn a person; never rejects. */
export function ensureUserKnown(c: Context<EdgeEnv>, actor: Actor): Promise<void> {
  return ensureUserKnownIn(c.env, actor, { requestId: c.var.requestId });
}

/** The same where there is no request; `context` is what the log says beside a failure. */
export function ensureUserKnownIn(
  env: Env,
  actor: Actor,
  context: Record<string, unknown> = {},
): Promise<void> {
  return knownUsers
    .ensureKnown(directoryOf(env.DB), actor, Date.now())
    .catch((error) => log("acquaintance_failed", { ...context, error }));
}

/** What D1 gives as a bookmark; nothing else is handed to it. */
const BOOKMARK = /^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/;

/** For routes that read D1: the caller is known there, and what they read is not older than they know. */
export const readsDirectory: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  await c.var.userKnown;
  const bookmark = c.req.header("D1-Bookmark");
  const session = sessionOf(c.env.DB, bookmark && BOOKMARK.test(bookmark) ? bookmark : undefined);
  c.set("directory", directoryOf(session));
  await next();
  const reached = session.getBookmark();
  if (reached) c.header("D1-Bookmark", reached);
};
