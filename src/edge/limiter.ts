import type { Context } from "hono";
import { addressKey, isLoopback } from "../domain/address.ts";
import { log } from "../logging.ts";
import type { EdgeEnv } from "./context.ts";

/** The period of the platform's limiters, as wrangler.toml binds them. */
export const LIMITER_PERIOD_MS = 60_000;

/**
 * Counts one more under a key of one of the platform's limiters; false when that is too many. A limiter
 * that fails lets everything through, and is logged: it protects the service, which goes on without it.
 */
export async function withinRate(limiter: RateLimit, key: string): Promise<boolean> {
  try {
    return (await limiter.limit({ key })).success;
  } catch (error) {
    log("limiter_failed", { error });
    return true;
  }
}

/** Whether limits against abuse hold for a caller: for all but admins, unless they are switched off. */
export function isLimited(c: Context<EdgeEnv>, { role }: { role: string } = c.var.actor): boolean {
  return c.var.settings.REQUEST_LIMITS && role !== "admin";
}

/**
 * The key under which a request counts for its address; `undefined` where it does not: limits are off,
 * or a developer's own machine asks, whose pages, tests and tabs all have the same address or none.
 */
export function addressOf(c: Context<EdgeEnv>): string | undefined {
  const { REQUEST_LIMITS, ENVIRONMENT } = c.var.settings;
  if (!REQUEST_LIMITS) return undefined;
  const address = c.req.header("CF-Connecting-IP");
  const isLocal = address === undefined || isLoopback(address);
  return ENVIRONMENT === "development" && isLocal ? undefined : addressKey(address);
}
