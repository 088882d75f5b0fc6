import type { Context, MiddlewareHandler } from "hono";
import { readDeclared, readUpTo } from "./body.ts";
import type { EdgeEnv } from "./context.ts";
import { refuse } from "./refusal.ts";

/** Bytes of a JSON body. */
export const MAX_BODY_BYTES = 256 * 1024;
/** A Content-Type of JSON: `application/json`, or `application/….+json`, with parameters. */
const JSON_TYPE = /^application\/([\w.-]+\+)?json\s*(;|$)/i;
/** The forms of it that the framework's validator accepts. */
const PLAIN_JSON_TYPE = /^application\/json(; ?charset=utf-8)?$/i;

/**
 * Reads the body, at most {@link MAX_BODY_BYTES}, before anything parses it. A larger body is
 * drained before it is refused, because many clients cannot read an answer while they are still
 * writing.
 */
export const jsonBody: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  const { body } = c.req.raw;
  if (body) {
    const declared = Number(c.req.header("Content-Length") ?? 0);
    // A body with a declared length has at most that many bytes: it can be read at once.
    const bytes =
      declared > 0 && declared <= MAX_BODY_BYTES
        ? await readDeclared(body, declared)
        : await readUpTo(body, declared > MAX_BODY_BYTES ? 0 : MAX_BODY_BYTES);
    if (!bytes) refuse("payload_too_large");
    const type = c.req.header("Content-Type") ?? "";
    if (bytes.length > 0 && !JSON_TYPE.test(type)) {
      refuse("unsupported_media_type");
    }
    const text = asUtf8(bytes);
    if (text === undefined) refuse("malformed_json");
    if (JSON_TYPE.test(type) && !PLAIN_JSON_TYPE.test(type)) asPlainJson(c, text);
    // The stream is consumed: later readers get the cached text.
    Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
  }
  await next();
};

/**
 * For routes with an optional body: an empty or absent one is `{}`, whatever its Content-Type, so
 * that its schema and defaults apply.
 */
export const emptyAsObject: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  if ((await c.req.text()) === "") {
    asPlainJson(c, "{}");
    c.req.bodyCache = {};
  }
  await next();
};

/** Replaces the request by one with a plain JSON type and this body. */
function asPlainJson(c: Context<EdgeEnv>, body: string): void {
  const headers = new Headers(c.req.raw.headers);
  headers.set("Content-Type", "application/json");
  c.req.raw = new Request(c.req.raw, { headers, body });
}

/** Strips a byte order mark. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

function asUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
