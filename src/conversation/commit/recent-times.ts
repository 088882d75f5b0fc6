import { pruned, WINDOW_MS } from "../../domain/rate-window.ts";

/**
 * When each person did something within the rate window, by the server's clock. In memory only, and no
 * more of it than the window holds. Where the clock was set back, what it had dated later counts as done
 * at the moment when that is noticed, so that nobody is locked out for longer than the window.
 */
export class RecentTimes {
  private readonly byUser = new Map<string, number[]>();
  /** What the clock said last. */
  private clock = Number.NEGATIVE_INFINITY;
  private sweptAt = 0;

  /** A person's times, ascending, none later than `clock`; older ones than the window may be among them. */
  of(userId: string, clock: number): readonly number[] {
    this.follow(clock);
    return this.byUser.get(userId) ?? [];
  }

  /** Adds times, ascending for each person and none before those that are there. */
  add(added: ReadonlyMap<string, readonly number[]>, clock: number): void {
    this.follow(clock);
    for (const [userId, times] of added) {
      const known = this.byUser.get(userId) ?? [];
      known.push(...times);
      // Pruned when half of it is old, so that each costs the same however many came before it.
      const stale = (known[known.length >> 1] ?? clock) <= clock - WINDOW_MS;
      this.byUser.set(userId, stale ? pruned(known, clock) : known);
    }
    if (clock - this.sweptAt > WINDOW_MS) this.sweep(clock);
  }

  private follow(clock: number): void {
    if (clock < this.clock) {
      for (const [userId, times] of this.byUser) {
        this.byUser.set(
          userId,
          times.map((time) => Math.min(time, clock)),
        );
      }
      this.sweptAt = Math.min(this.sweptAt, clock);
    }
    this.clock = clock;
  }

  private sweep(clock: number): void {
    this.sweptAt = clock;
    for (const [userId, times] of this.byUser) {
      if ((times.at(-1) ?? 0) <= clock - WINDOW_MS) this.byUser.delete(userId);
    }
  }
}
