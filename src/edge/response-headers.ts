import { Hono, type MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { EdgeEnv } from "./context.ts";
import { answerPreflight, setCrossOrigin } from "./origin.ts";

/** The headers that `secureHeaders` sets, which are the same on every answer. */
const SECURE: readonly (readonly [string, string])[] = [
  ...(
    await new Hono()
      .use(secureHeaders())
      .all("*", (c) => c.body(null))
      .request("/")
  ).headers,
];

/**
 * Sets the headers of every response except files and sockets, in place: `c.header` copies a response that
 * exists already.
 */
export const responseHeaders: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  if (c.req.method === "OPTIONS") c.res = await answerPreflight(c);
  else await next();
  const { headers } = c.res;
  headers.set("X-Request-Id", c.get("requestId"));
  // Answers are private to their caller; the page and the reference say otherwise.
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
  headers.set("Server-Timing", c.get("timing").header());
  for (const [name, value] of SECURE) headers.set(name, value);
  if (c.req.method !== "OPTIONS") setCrossOrigin(c, headers);
};
