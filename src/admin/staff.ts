import type { MiddlewareHandler } from "hono";
import type { PlatformRole } from "../domain/policy.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { refuse } from "../edge/refusal.ts";

/** Refuses callers whose token has none of these roles. */
export function only(...roles: readonly PlatformRole[]): MiddlewareHandler<EdgeEnv> {
  return async (c, next) => {
    if (!roles.includes(c.get("actor").role)) refuse("forbidden");
    await next();
  };
}
