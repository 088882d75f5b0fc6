/** The longest wait before another attempt. */
const MAX_WAIT_MS = 30_000;

/**
 * Milliseconds to wait before attempt number `attempt` (0 is the first): random between 0 and a bound that
 * starts at `startMs` and doubles. Full jitter, so that clients do not reconnect together.
 */
export function backoff(attempt: number, startMs: number, random: () => number): number {
  return random() * Math.min(MAX_WAIT_MS, startMs * 2 ** Math.min(attempt, 16));
}
