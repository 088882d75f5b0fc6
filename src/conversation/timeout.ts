/** Calls between conversations and gateways that take longer than this are taken to be lost. */
export const CALL_TIMEOUT_MS = 5_000;

/**
 * Rejects when a promise has not settled in time; its outcome is unknown then. The error is marked as
 * `overloaded`, as the platform marks those of objects that do not answer: callers are told to retry.
 */
export function withTimeout<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new TimeoutError(`no answer within ${milliseconds} ms`)),
      milliseconds,
    );
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

class TimeoutError extends Error {
  readonly overloaded = true;
}

/**
 * The same for many calls at once, with one timer for all of them: a commit calls every gateway. No timer
 * is pending while no call is.
 */
export class CallTimeouts {
  private readonly pending = new Set<{ deadline: number; reject: (error: Error) => void }>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Rejects when a call is not answered within {@link CALL_TIMEOUT_MS}, or up to twice that. */
  limit<T>(call: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const entry = { deadline: Date.now() + CALL_TIMEOUT_MS, reject };
      this.pending.add(entry);
      this.timer ??= setTimeout(() => this.expire(), CALL_TIMEOUT_MS);
      const settled = () => {
        this.pending.delete(entry);
        if (this.pending.size > 0) return;
        clearTimeout(this.timer);
        this.timer = undefined;
      };
      call.then(
        (value) => {
          settled();
          resolve(value);
        },
        (error) => {
          settled();
          reject(error);
        },
      );
    });
  }

  private expire(): void {
    this.timer = undefined;
    const now = Date.now();
    for (const entry of this.pending) {
      if (entry.deadline > now) continue;
      this.pending.delete(entry);
      entry.reject(new TimeoutError(`no answer within ${CALL_TIMEOUT_MS} ms`));
    }
    if (this.pending.size > 0) this.timer = setTimeout(() => this.expire(), CALL_TIMEOUT_MS);
  }
}
