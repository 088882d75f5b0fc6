/** The longest wait before another attempt. */
const MAX_WAIT_MS = 30_000;

/**
 * How long to wait before attempt number `attempt` (0 is the first): anything between nothing and a
 * bound that starts at `startMs` and doubles. The jitter is full, so that a server's clients do not
 * come back together.
 */
export function backoff(attempt: number, startMs: number, random: () => number): number {
  return random() * Math.min(MAX_WAIT_MS, startMs * 2 ** Math.min(attempt, 16));
}
