/** Milliseconds after which a call between a conversation and a gateway is taken to be lost. */
export const CALL_TIMEOUT_MS = 5_000;

interface PendingCall {
  /** Whether it is rejected when the timer fires next. */
  expiresNext: boolean;
  reject: (error: Error) => void;
}

/**
 * Rejects calls that are not answered in time, between `milliseconds` and twice that; their outcome is
 * unknown then. One timer serves all calls, because a commit calls every gateway. No timer is pending while
 * no call is.
 */
export class CallTimeouts {
  private readonly milliseconds: number;
  private readonly pending = new Set<PendingCall>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(milliseconds = CALL_TIMEOUT_MS) {
    this.milliseconds = milliseconds;
  }

  /** Settles as the call does, or rejects with a {@link TimeoutError}. */
  limit<T>(call: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      // A call that is made while the timer runs waits for the next time that it fires.
      const entry = { expiresNext: this.timer === undefined, reject };
      this.pending.add(entry);
      this.timer ??= setTimeout(() => this.expire(), this.milliseconds);
      call.then(
        (value) => {
          this.settled(entry);
          resolve(value);
        },
        (error: unknown) => {
          this.settled(entry);
          reject(error);
        },
      );
    });
  }

  private settled(entry: PendingCall): void {
    this.pending.delete(entry);
    if (this.pending.size > 0) return;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private expire(): void {
    this.timer = undefined;
    for (const entry of this.pending) {
      if (entry.expiresNext) {
        this.pending.delete(entry);
        entry.reject(new TimeoutError(`no answer within ${this.milliseconds} ms`));
      }
      entry.expiresNext = true;
    }
    if (this.pending.size > 0) this.timer = setTimeout(() => this.expire(), this.milliseconds);
  }
}

/**
 * Marked as the platform marks the errors of objects that do not answer
 * (https://developers.cloudflare.com/durable-objects/best-practices/error-handling/), so callers are asked to
 * retry.
 */
class TimeoutError extends Error {
  readonly overloaded = true;
}
