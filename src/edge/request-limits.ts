import type { HonoRequest, MiddlewareHandler } from "hono";
import { isMultipart } from "../attachments/form.ts";
import type { Env } from "../env.ts";
import type { EdgeEnv } from "./context.ts";
import { isLimited, LIMITER_PERIOD_MS, withinRate } from "./limiter.ts";
import { refuse } from "./refusal.ts";

/**
 * Limits requests per person with the platform's limiters: one budget for reads, one for uploads,
 * one for everything else. Searches have one more, which those over sockets share.
 */
export const requestLimits: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  if (isLimited(c)) {
    const counted: Counted[] = [limiterOf(c.req, c.env)];
    if (isSearch(c.req)) counted.push(["searches_per_minute", c.env.LIMIT_SEARCHES]);
    for (const [limit, limiter] of counted) {
      if (!(await withinRate(limiter, c.get("actor").userId))) {
        refuse("rate_limited", { retryAfterMs: LIMITER_PERIOD_MS, limit });
      }
    }
  }
  await next();
};

/** Whether a request searches messages or channels, or people by name. */
function isSearch(request: HonoRequest): boolean {
  const { method, path } = request;
  if (method !== "GET" && method !== "HEAD") return false;
  return (
    /\/search\/?$/.test(path) || (/\/users\/?$/.test(path) && request.query("q") !== undefined)
  );
}

/** A limit that a request counts against: its name, and the limiter. */
type Counted = [name: string, limiter: RateLimit];

function limiterOf(request: HonoRequest, env: Env): Counted {
  const { method, path } = request;
  // Read marks are as frequent as reads.
  if (method === "GET" || method === "HEAD" || path.endsWith("/read")) {
    return ["read_requests_per_minute", env.LIMIT_READS];
  }
  const uploads = isMultipart(request.header("Content-Type")) || path.endsWith("/uploads");
  return uploads
    ? ["upload_requests_per_minute", env.LIMIT_UPLOADS]
    : ["write_requests_per_minute", env.LIMIT_MESSAGES];
}
