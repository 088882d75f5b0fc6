import type { Context, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { Settings } from "../env.ts";
import type { EdgeEnv } from "./context.ts";

/** Which origins may call, and the CORS headers that follow from it. */

/** Whether pages of an origin may call: the listed origins, by default the Worker's own. */
export function isAllowedOrigin(settings: Settings, requestUrl: string, origin: string): boolean {
  const { ALLOWED_ORIGINS } = settings;
  if (ALLOWED_ORIGINS.includes("*") || ALLOWED_ORIGINS.includes(origin)) return true;
  return ALLOWED_ORIGINS.length === 0 && origin === new URL(requestUrl).origin;
}

/** Response headers that cross-origin pages may read. */
const EXPOSED = [
  "D1-Bookmark",
  "RateLimit-Limit",
  "RateLimit-Remaining",
  "RateLimit-Reset",
  "Retry-After",
  "Server-Timing",
  "Warning",
  "X-Request-Id",
];
const EXPOSED_HEADERS = EXPOSED.join();
const EXPOSED_OF_FILES = ["Content-Disposition", "Content-Range", "ETag", "X-Request-Id"];

/** Answers a preflight of a page. */
const preflight = cors({
  origin: (origin, c: Context<EdgeEnv>) =>
    isAllowedOrigin(c.get("settings"), c.req.url, origin) ? origin : null,
  allowMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
  allowHeaders: [
    ...["Authorization", "Content-Type", "Idempotency-Key", "D1-Bookmark"],
    // Sent by SignalR's client when it negotiates.
    ...["X-Requested-With", "X-SignalR-User-Agent"],
  ],
  exposeHeaders: EXPOSED,
  maxAge: 86_400,
});

/** The answer to a preflight, for the pages of `ALLOWED_ORIGINS`. */
export async function answerPreflight(c: Context<EdgeEnv>): Promise<Response> {
  const answer = await preflight(c, async () => undefined);
  if (!answer) throw new Error("a preflight without an answer");
  setCredentials(c, answer.headers);
  return answer;
}

/** Sets the CORS headers of an answer, for the pages of `ALLOWED_ORIGINS`. */
export function setCrossOrigin(c: Context<EdgeEnv>, headers: Headers): void {
  headers.append("Vary", "Origin");
  headers.set("Access-Control-Expose-Headers", EXPOSED_HEADERS);
  const origin = c.req.header("Origin");
  if (origin && isAllowedOrigin(c.get("settings"), c.req.url, origin)) {
    headers.set("Access-Control-Allow-Origin", origin);
  }
  setCredentials(c, headers);
}

/** CORS headers for files, whose responses must not be rebuilt, as `cors` does. */
export const crossOriginFile: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  await next();
  const { headers } = c.res;
  headers.append("Vary", "Origin");
  const origin = c.req.header("Origin");
  if (origin === undefined || !isAllowedOrigin(c.get("settings"), c.req.url, origin)) return;
  headers.set("Access-Control-Allow-Origin", origin);
  headers.set("Access-Control-Expose-Headers", EXPOSED_OF_FILES.join());
};

/**
 * SignalR's client sends credentials by default, and Socket.IO's if configured. Cookies are not
 * used.
 */
function setCredentials(c: Context<EdgeEnv>, headers: Headers): void {
  if (/^\/(hubs|socket\.io)(\/|$)/.test(c.req.path)) {
    headers.set("Access-Control-Allow-Credentials", "true");
  }
}
