/** How slowly a body may come. Only time in which nothing but the sender is waited for counts. */
export interface Pace {
  /** Between one byte and the next. */
  idleMs: number;
  /** For so long any rate will do, */
  graceMs: number;
  /** and from then on this one, on average since the beginning. */
  bytesPerSecond: number;
  /** For all that is read of a body after it was refused. */
  drainMs: number;
}

export const PACE: Pace = {
  idleMs: 30_000,
  graceMs: 60_000,
  bytesPerSecond: 1_024,
  drainMs: 30_000,
};

/** Milliseconds that the next byte may take, of a sender that was waited for `waitedMs` so far. */
export function patienceMs(pace: Pace, received: number, waitedMs: number): number {
  const allowedMs = Math.max(pace.graceMs, (received / pace.bytesPerSecond) * 1_000);
  return Math.max(0, Math.min(pace.idleMs, allowedMs - waitedMs));
}
