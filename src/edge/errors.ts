import type { Context, ErrorHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import { type ChatError, chatError, type ErrorCode, statusOf } from "../domain/error.ts";
import { log } from "../logging.ts";
import { requestRefused } from "../metrics.ts";
import { drain } from "./body.ts";
import type { EdgeEnv } from "./context.ts";
import { isTransient } from "./failure.ts";
import { Refusal } from "./refusal.ts";

/** The invalid fields of a request. */
export const details = z.array(z.object({ path: z.string(), message: z.string() })).optional();

/** Of `rate_limited`: the name of the limit. */
export const limit = z.string().optional();

/** The error form of a dialect. */
export interface ErrorForm {
  /** Its name in the reference. */
  name: string;
  body(error: ChatError): Record<string, unknown>;
  /** The schema of the body with these codes. */
  schema(code: z.ZodType): z.ZodType;
  /** Statuses that differ from the registry. */
  statuses?: Partial<Record<ErrorCode, number>>;
}

/** `{error, code, details?, limit?}`: UniHub's form, and that of routes without a dialect. */
export const plainErrors: ErrorForm = {
  name: "Refusal",
  body: ({ message, code, details, limit }) => ({
    error: message,
    code,
    ...(details && { details }),
    ...(limit && { limit }),
  }),
  schema: (code) => z.object({ error: z.string(), code, details, limit }),
};

/** The code of a status that Hono refuses with; any other 4xx is `invalid_request`. */
const CODES: Partial<Record<number, ErrorCode>> = {
  // A body that is not JSON.
  400: "malformed_json",
  401: "unauthenticated",
  403: "forbidden",
  404: "route_not_found",
  405: "route_not_found",
  413: "payload_too_large",
  415: "unsupported_media_type",
  429: "rate_limited",
};

/** The HTTP status of a code in a dialect. */
export function statusIn(form: ErrorForm, code: ErrorCode): number {
  return form.statuses?.[code] ?? statusOf(code);
}

/** Answers errors of handlers. Unexpected ones are logged in full and answered as `internal`. */
export function errorHandler(form: ErrorForm): ErrorHandler<EdgeEnv> {
  return async (error, c) => {
    // Many clients cannot read an answer while they are still writing their body.
    if (!c.req.raw.bodyUsed) await drain(c.req.raw.body);
    const expected = expectedError(error);
    if (expected) {
      const { code } = expected;
      const status = statusIn(form, code);
      requestRefused(c.env.METRICS, code);
      log("refused", { ...described(c), status, code, userId: c.get("actor")?.userId });
      return respondWith(c, expected, form);
    }
    const transient = isTransient(error);
    log(transient ? "unavailable" : "internal_error", {
      ...described(c),
      userId: c.get("actor")?.userId,
      error,
    });
    const code = transient ? "unavailable" : "internal";
    requestRefused(c.env.METRICS, code);
    return respondWith(c, chatError(code), form);
  };
}

/** What is logged of a request: never its query, which may contain a token, nor its body. */
function described(c: Context<EdgeEnv>) {
  return { requestId: c.get("requestId"), method: c.req.method, path: c.req.path };
}

export function respondWith(c: Context, error: ChatError, form: ErrorForm): Response {
  if (error.code === "unauthenticated") c.header("WWW-Authenticate", "Bearer");
  if (error.retryAfterMs !== undefined) {
    c.header("Retry-After", String(Math.max(1, Math.ceil(error.retryAfterMs / 1_000))));
  } else if (error.code === "unavailable") {
    c.header("Retry-After", "1");
  }
  return c.json(form.body(error), statusIn(form, error.code) as ContentfulStatusCode);
}

function expectedError(error: Error): ChatError | undefined {
  if (error instanceof Refusal) return error.error;
  if (error instanceof HTTPException) return ofStatus(error.status);
  return undefined;
}

/** Refusals of Hono and its validators. Its 5xx are unexpected errors. */
function ofStatus(status: number): ChatError | undefined {
  if (status < 400 || status >= 500) return undefined;
  return chatError(CODES[status] ?? "invalid_request");
}
