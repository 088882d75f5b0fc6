/**
 * What one person or one connection may cause: rates as leaky buckets, and what is done with whatever
 * goes beyond them. Pure; times are milliseconds since the epoch.
 */

/** `burst` at once, and `perSecond` more with each second. */
export interface Rate {
  burst: number;
  perSecond: number;
}

/** A leaky bucket used as a meter: it fills with what is spent and drains at a constant rate. */
export class LeakyBucket {
  private readonly rate: Rate;
  private level = 0;
  private drainedAt = 0;

  constructor(rate: Rate) {
    this.rate = rate;
  }

  /** Spends `amount` if there is room for it; false, and nothing is spent, if there is not. */
  take(amount: number, now: number): boolean {
    this.drain(now);
    if (this.level + amount > this.rate.burst) return false;
    this.level += amount;
    return true;
  }

  /** Spends what is known only afterwards; the bucket may overflow and is full until it has drained. */
  charge(amount: number, now: number): void {
    this.drain(now);
    this.level += amount;
  }

  /** Milliseconds until there is room for `amount`; 0 when there is. */
  waitMs(amount: number, now: number): number {
    this.drain(now);
    const excess = this.level + amount - this.rate.burst;
    return excess <= 0 ? 0 : Math.ceil((excess / this.rate.perSecond) * 1_000);
  }

  private drain(now: number): void {
    // A clock that was set back drains nothing, and delays nothing either.
    const seconds = Math.max(0, now - this.drainedAt) / 1_000;
    this.drainedAt = now;
    this.level = Math.max(0, this.level - seconds * this.rate.perSecond);
  }
}

/** What to do with something over a limit: answer with an error, ignore it, or end the connection. */
export type Penalty = "refuse" | "ignore" | "end";

/** Violations that a connection may commit at once, and how fast they are forgiven. */
const VIOLATIONS: Rate = { burst: 100, perSecond: 1 };
/** At most one refusal in this time. */
const REFUSE_EVERY_MS = 1_000;

/**
 * The violations of one connection (frames over a limit, frames that cannot be read): the first of each
 * second is refused, the others of that second are ignored, and a connection that goes on is ended.
 */
export class Violations {
  private readonly bucket: LeakyBucket;
  private refusedAt = Number.NEGATIVE_INFINITY;

  constructor(rate: Rate = VIOLATIONS) {
    this.bucket = new LeakyBucket(rate);
  }

  /** Counts one violation; `amount` makes a grave one count for several. */
  add(now: number, amount = 1): Penalty {
    if (!this.bucket.take(amount, now)) return "end";
    if (now - this.refusedAt < REFUSE_EVERY_MS && now >= this.refusedAt) return "ignore";
    this.refusedAt = now;
    return "refuse";
  }
}
