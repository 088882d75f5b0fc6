import type { MiddlewareHandler } from "hono";
import { directoryOf, sessionOf } from "../directory/directory.ts";
import { Acquaintance } from "../directory/users.ts";
import type { Actor } from "../domain/policy.ts";
import type { Settings } from "../env.ts";
import { log } from "../logging.ts";
import type { RestEnv } from "./context.ts";
import { refuse } from "./refusal.ts";
import { TokenVerifier, type Verified } from "./token.ts";

const verifiers = new WeakMap<Settings, TokenVerifier>();
const acquaintance = new Acquaintance();

/** Who a token belongs to, or `undefined` when it is not valid. */
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
  return verifier.verified(token, Date.now());
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
): MiddlewareHandler<RestEnv> {
  return async (c, next) => {
    const verified = await verify(c.var.settings, bearerOf(c.req.header("Authorization")));
    if (!verified) refuse("unauthenticated");
    c.set("actor", { ...verified.actor, ...scope });
    const met = acquaintance
      .meet(directoryOf(c.env.DB), verified.actor, Date.now())
      .catch((error) => log("acquaintance_failed", { requestId: c.var.requestId, error }));
    c.set("met", met);
    c.executionCtx.waitUntil(met);
    await next();
  };
}

/** For routes that read D1: the caller is known there, and what they read is not older than they know. */
export const readsDirectory: MiddlewareHandler<RestEnv> = async (c, next) => {
  await c.var.met;
  const session = sessionOf(c.env.DB, c.req.header("D1-Bookmark"));
  c.set("directory", directoryOf(session));
  await next();
  const bookmark = session.getBookmark();
  if (bookmark) c.header("D1-Bookmark", bookmark);
};
