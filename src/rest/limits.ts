import type { MiddlewareHandler } from "hono";
import type { RestEnv } from "./context.ts";
import { refuse } from "./refusal.ts";

/** Bytes of a JSON body. */
export const MAX_BODY_BYTES = 256 * 1024;
/** Bytes of a body that is too large that are read all the same, so that the client reads our answer. */
const DRAIN_BYTES = 4 * 1024 * 1024;

/** The period of the platform's limiter, as wrangler.toml binds it. */
const LIMITER_PERIOD_MS = 60_000;

/**
 * Reads the body, at most {@link MAX_BODY_BYTES}, before anything parses it; one that is larger is
 * drained first and refused then, because many clients fail to read an answer while they still write.
 */
export const jsonBody: MiddlewareHandler<RestEnv> = async (c, next) => {
  const { body } = c.req.raw;
  if (body) {
    const declared = Number(c.req.header("Content-Length") ?? 0);
    const bytes = await readUpTo(body, declared > MAX_BODY_BYTES ? 0 : MAX_BODY_BYTES);
    if (!bytes) refuse("payload_too_large");
    const type = c.req.header("Content-Type") ?? "";
    if (bytes.length > 0 && !/^application\/([\w.+-]+\+)?json\b/i.test(type)) {
      refuse("unsupported_media_type");
    }
    if (!isUtf8(bytes)) refuse("malformed_json");
    // The stream is used up: whoever parses the body finds it whole.
    c.req.raw = new Request(c.req.raw, { body: bytes });
  }
  await next();
};

/** Against abuse: the platform's limiter, per person, with a budget for reads and one for the rest. */
export const requestLimits: MiddlewareHandler<RestEnv> = async (c, next) => {
  if (c.var.settings.REQUEST_LIMITS) {
    const limiter = c.req.method === "GET" ? c.env.LIMIT_READS : c.env.LIMIT_MESSAGES;
    const { success } = await limiter.limit({ key: c.var.actor.userId });
    if (!success) refuse("rate_limited", { retryAfterMs: LIMITER_PERIOD_MS });
  }
  await next();
};

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** The bytes of a stream, or `undefined` when it holds more than `limit`; then it has been drained. */
async function readUpTo(
  stream: ReadableStream<Uint8Array>,
  limit: number,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit + DRAIN_BYTES) break;
    if (size <= limit) chunks.push(chunk);
  }
  if (size > limit) return undefined;
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
