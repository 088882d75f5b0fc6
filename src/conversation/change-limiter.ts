import { WINDOW_MS } from "../domain/rate-window.ts";

export interface ChangeLimiterOptions {
  /** The platform's limiter, which counts a person's changes in all conversations. */
  limiter: RateLimit;
  clock: () => number;
  onFailure: (error: unknown) => void;
}

/**
 * Limits a person's edits, deletions and reactions over all conversations. The limiter is asked after a
 * change has committed, and no decision waits for its answer: once it reports too many, the person's
 * further changes in this conversation are refused for a minute. State is in memory only. While the
 * limiter fails, nothing is limited.
 */
export class ChangeLimiter {
  private readonly options: ChangeLimiterOptions;
  private readonly until = new Map<string, number>();

  constructor(options: ChangeLimiterOptions) {
    this.options = options;
  }

  /** Counts `changes` that have committed. */
  count(userId: string, changes: number): void {
    for (let i = 0; i < changes; i++) {
      this.options.limiter.limit({ key: userId }).then(({ success }) => {
        if (!success) this.refuse(userId);
      }, this.options.onFailure);
    }
  }

  /** Milliseconds for which a person's changes are refused; 0 when they are not. */
  waitMs(userId: string, clock: number): number {
    const until = this.until.get(userId);
    if (until === undefined) return 0;
    // A clock that was set back must not extend the wait.
    const wait = Math.min(until - clock, WINDOW_MS);
    if (wait <= 0) this.until.delete(userId);
    else this.until.set(userId, clock + wait);
    return Math.max(0, wait);
  }

  private refuse(userId: string): void {
    const clock = this.options.clock();
    for (const other of this.until.keys()) this.waitMs(other, clock);
    this.until.set(userId, clock + WINDOW_MS);
  }
}
