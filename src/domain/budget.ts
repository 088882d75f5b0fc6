/**
 * Rate limits as leaky buckets, and what happens beyond them. Pure; times are milliseconds since
 * the epoch.
 */

/** `burst` at once, and `perSecond` more with each second. */
export interface Rate {
  burst: number;
  perSecond: number;
}

/** A leaky bucket used as a meter: it fills with what is spent and drains at a constant rate. */
export class LeakyBucket {
  private readonly rate: Rate;
  /** In thousandths, of which whole numbers drain in a millisecond: fractions would add up to errors. */
  private level = 0;
  private drainedAt = 0;

  constructor(rate: Rate) {
    this.rate = rate;
  }

  /** Spends `amount` if there is room; otherwise returns false and spends nothing. */
  take(amount: number, now: number): boolean {
    this.drain(now);
    if (this.excess(amount) > 0) return false;
    this.level += amount * 1_000;
    return true;
  }

  /**
   * Spends an amount known only afterwards; the bucket may overflow, and then drains before it has
   * room again.
   */
  charge(amount: number, now: number): void {
    this.drain(now);
    this.level += amount * 1_000;
  }

  /** Milliseconds until there is room for `amount`; 0 if there is. */
  waitMs(amount: number, now: number): number {
    this.drain(now);
    return Math.ceil(Math.max(0, this.excess(amount)) / this.rate.perSecond);
  }

  /** How much of an amount there is no room for, in thousandths. */
  private excess(amount: number): number {
    return this.level + (amount - this.rate.burst) * 1_000;
  }

  private drain(now: number): void {
    // A clock that was set back neither drains the bucket nor delays it.
    const milliseconds = Math.max(0, now - this.drainedAt);
    this.drainedAt = now;
    this.level = Math.max(0, this.level - milliseconds * this.rate.perSecond);
  }
}

/** What happens beyond a limit: an error, nothing, or the end of the connection. */
export type Penalty = "refuse" | "ignore" | "end";

/** Violations allowed at once, and the rate at which they expire. */
const VIOLATIONS: Rate = { burst: 100, perSecond: 1 };
/** Errors are sent at most once in this time. */
const REFUSE_EVERY_MS = 1_000;

/**
 * Counts the violations of a connection (frames over a limit, unreadable frames). The first in each
 * second is refused, the others in it are ignored, and a connection with too many is closed.
 */
export class Violations {
  private readonly bucket: LeakyBucket;
  private refusedAt = Number.NEGATIVE_INFINITY;

  constructor(rate: Rate = VIOLATIONS) {
    this.bucket = new LeakyBucket(rate);
  }

  /** Counts a violation; `amount` gives a severe one more weight. */
  add(now: number, amount = 1): Penalty {
    if (!this.bucket.take(amount, now)) return "end";
    if (now - this.refusedAt < REFUSE_EVERY_MS && now >= this.refusedAt) return "ignore";
    this.refusedAt = now;
    return "refuse";
  }
}
