import { pruned, WINDOW_MS } from "../../domain/rate-window.ts";

/**
 * Each person's recent actions within the rate window, by the server's clock. In memory only,
 * bounded by the window. When the clock is set back, later times are set to the moment at which
 * that is noticed, so that no user is locked out for longer than the window.
 */
export class RecentTimes {
  private readonly byUser = new Map<string, number[]>();
  /** The last known time of the clock. */
  private clock = Number.NEGATIVE_INFINITY;
  private sweptAt = 0;

  /** A person's times, ascending, none later than `clock`; some may be older than the window. */
  of(userId: string, clock: number): readonly number[] {
    this.follow(clock);
    return this.byUser.get(userId) ?? [];
  }

  /** Adds times, ascending for each person and none before the existing ones. */
  add(added: ReadonlyMap<string, readonly number[]>, clock: number): void {
    this.follow(clock);
    for (const [userId, times] of added) {
      const known = this.byUser.get(userId) ?? [];
      known.push(...times);
      // Pruned when half of the list is old, so that adding has constant cost on average.
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
