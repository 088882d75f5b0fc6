import type { HonoRequest, MiddlewareHandler } from "hono";
import { isMultipart } from "../attachments/form.ts";
import type { Env } from "../env.ts";
import { readUpTo } from "./body.ts";
import type { RestEnv } from "./context.ts";
import { refuse } from "./refusal.ts";

/** Bytes of a JSON body. */
export const MAX_BODY_BYTES = 256 * 1024;
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
    // What declares its length holds no more than that: it can be read at once.
    const bytes =
      declared > 0 && declared <= MAX_BODY_BYTES
        ? new Uint8Array(await c.req.raw.arrayBuffer())
        : await readUpTo(body, declared > MAX_BODY_BYTES ? 0 : MAX_BODY_BYTES);
    if (!bytes) refuse("payload_too_large");
    const type = c.req.header("Content-Type") ?? "";
    if (bytes.length > 0 && !/^application\/([\w.+-]+\+)?json\b/i.test(type)) {
      refuse("unsupported_media_type");
    }
    const text = asUtf8(bytes);
    if (text === undefined) refuse("malformed_json");
    // The stream is used up: whoever parses the body finds what was read.
    Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
  }
  await next();
};

/** Against abuse: the platform's limiter, per person, with a budget for reads and one for the rest. */
export const requestLimits: MiddlewareHandler<RestEnv> = async (c, next) => {
  if (c.var.settings.REQUEST_LIMITS) {
    const limiter = limiterOf(c.req, c.env);
    const { success } = await limiter.limit({ key: c.var.actor.userId });
    if (!success) refuse("rate_limited", { retryAfterMs: LIMITER_PERIOD_MS });
  }
  await next();
};

function limiterOf(request: HonoRequest, env: Env): RateLimit {
  const { method, path } = request;
  // Marks of what was read come as often as reading does.
  if (method === "GET" || method === "HEAD" || path.endsWith("/read")) return env.LIMIT_READS;
  const uploads = isMultipart(request.header("Content-Type")) || path.endsWith("/uploads");
  return uploads ? env.LIMIT_UPLOADS : env.LIMIT_MESSAGES;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function asUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
