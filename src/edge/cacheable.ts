import { createHash } from "node:crypto";
import type { Context } from "hono";
import { matches } from "../attachments/serve.ts";
import type { EdgeEnv } from "./context.ts";

/** Something that is the same for everybody until the next deploy. */
export interface Cacheable {
  body: string;
  contentType: string;
  /** Seconds for which nobody needs to ask whether it has changed. */
  maxAge: number;
}

/**
 * Answers with what may be kept by anybody. It is hashed once: whoever has it already is told so by its
 * entity tag (304).
 */
export function cacheable({ body, contentType, maxAge }: Cacheable) {
  let tag: string | undefined;
  return (c: Context<EdgeEnv>): Response => {
    tag ??= `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    // One by one: as a whole they would not replace what middleware has set already.
    c.header("Cache-Control", `public, max-age=${maxAge}`);
    c.header("ETag", tag);
    if (matches(c.req.header("If-None-Match") ?? null, tag)) return c.body(null, 304);
    c.header("Content-Type", contentType);
    return c.body(body);
  };
}
