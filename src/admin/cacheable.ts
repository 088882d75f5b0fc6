import { createHash } from "node:crypto";
import type { Context } from "hono";
import { matches } from "../attachments/serve.ts";
import type { EdgeEnv } from "../edge/context.ts";

/** A body that is the same for everybody until the next deploy. */
export interface Cacheable {
  body: string;
  contentType: string;
  /** Seconds for which caches need not revalidate it. */
  maxAge: number;
}

/** Answers with a publicly cacheable body. Its entity tag is computed once; a matching one is answered 304. */
export function cacheable({ body, contentType, maxAge }: Cacheable) {
  let tag: string | undefined;
  return (c: Context<EdgeEnv>): Response => {
    tag ??= `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    // One by one: headers given to `c.body` would not replace those that middleware has set.
    c.header("Cache-Control", `public, max-age=${maxAge}`);
    c.header("ETag", tag);
    if (matches(c.req.header("If-None-Match") ?? null, tag)) return c.body(null, 304);
    c.header("Content-Type", contentType);
    return c.body(body);
  };
}
