import type { ErrorCode, ErrorDetail } from "../domain/error.ts";

/**
 * A failure. A server's refusal has one of its codes; `network`: no answer; `closed`: the conversation was
 * closed before the answer.
 */
export class ParleyError extends Error {
  /** An {@link ErrorCode}, `network` or `closed`; a newer server may know others. */
  readonly code: ErrorCode | "network" | "closed" | (string & {});
  /** The HTTP status of a REST answer. */
  readonly status: number | undefined;
  readonly details: readonly ErrorDetail[];
  /** Milliseconds after which a retry may succeed. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: string,
    message: string,
    more: {
      status?: number | undefined;
      details?: readonly ErrorDetail[] | undefined;
      retryAfterMs?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "ParleyError";
    this.code = code;
    this.status = more.status;
    this.details = more.details ?? [];
    this.retryAfterMs = more.retryAfterMs;
  }
}
