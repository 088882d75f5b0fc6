import type { Context } from "hono";
import { addressKey, isLoopback } from "../domain/address.ts";
import type { Actor } from "../domain/policy.ts";
import { log } from "../logging.ts";
import type { EdgeEnv } from "./context.ts";

/** The period of the platform's limiters, as in wrangler.toml. */
export const LIMITER_PERIOD_MS = 60_000;

/**
 * Counts one request under a key of a platform limiter; false if that is too many. A failing
 * limiter is logged and lets everything through, so that the service stays available.
 */
export async function withinRate(limiter: RateLimit, key: string): Promise<boolean> {
  try {
    return (await limiter.limit({ key })).success;
  } catch (error) {
    log("limiter_failed", { error });
    return true;
  }
}

/** Whether abuse limits apply to a caller: to all but admins and services, unless they are switched off. */
export function isLimited(
  c: Context<EdgeEnv>,
  { role }: Pick<Actor, "role"> = c.get("actor"),
): boolean {
  return c.get("settings").REQUEST_LIMITS && role !== "admin" && role !== "service";
}

/**
 * The limiter key of a request's address; `undefined` if it is not limited: limits are off, or the
 * request comes from a developer's own machine, where all clients share one address or have none.
 */
export function addressOf(c: Context<EdgeEnv>): string | undefined {
  const { REQUEST_LIMITS, ENVIRONMENT } = c.get("settings");
  if (!REQUEST_LIMITS) return undefined;
  const address = c.req.header("CF-Connecting-IP");
  const isLocal = address === undefined || isLoopback(address);
  return ENVIRONMENT === "development" && isLocal ? undefined : addressKey(address);
}
