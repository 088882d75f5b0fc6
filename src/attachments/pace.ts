/** The slowest accepted pace of a body. Only time spent waiting for the sender counts. */
export interface Pace {
  /** The longest pause between bytes. */
  idleMs: number;
  /** No minimum rate applies during this time. */
  graceMs: number;
  /** The minimum rate after that, on average since the beginning. */
  bytesPerSecond: number;
  /** The time for draining a refused body. */
  drainMs: number;
}

export const PACE: Pace = {
  idleMs: 30_000,
  graceMs: 60_000,
  bytesPerSecond: 1_024,
  drainMs: 30_000,
};

/** How long to wait for the next byte, in milliseconds, after waiting `waitedMs` so far. */
export function patienceMs(pace: Pace, received: number, waitedMs: number): number {
  const allowedMs = Math.max(pace.graceMs, (received / pace.bytesPerSecond) * 1_000);
  return Math.max(0, Math.min(pace.idleMs, allowedMs - waitedMs));
}
