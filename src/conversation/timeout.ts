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
