/** The length of the window. */
export const WINDOW_MS = 60_000;

export interface Allowance {
  allowed: boolean;
  limit: number;
  /** How many more are allowed now, after this one if it was allowed. */
  remaining: number;
  /** Milliseconds until the oldest one in the window, including this one, leaves it. */
  resetMs: number;
}

/**
 * Ascending times in milliseconds since the epoch: an array, or an object with its read methods.
 */
export interface Times {
  readonly length: number;
  at(index: number): number | undefined;
}

/**
 * Exact sliding window: never more than `limit` in any {@link WINDOW_MS}. `times` are those already
 * accepted (milliseconds since the epoch, ascending; older ones than the window are ignored).
 */
export function allowance(times: Times, limit: number, now: number): Allowance {
  const first = firstAfter(times, now - WINDOW_MS);
  const used = times.length - first;
  const allowed = used < limit;
  // The time that must leave the window to make room: after a limit was lowered, several must
  // leave.
  const gate = times.at(allowed ? first : times.length - limit) ?? now;
  const resetMs = gate + WINDOW_MS - now;
  return { allowed, limit, remaining: Math.max(0, limit - used - (allowed ? 1 : 0)), resetMs };
}

/** The same for something that does not count, such as a deduplicated retry. */
export function standing(times: Times, limit: number, now: number): Allowance {
  const next = allowance(times, limit, now);
  return next.allowed ? { ...next, remaining: next.remaining + 1 } : next;
}

/** `times` without those that have left the window. */
export function pruned(times: readonly number[], now: number): number[] {
  return times.filter((time) => time > now - WINDOW_MS);
}

/** The index of the first time after `time`: those before it need not be counted one by one. */
function firstAfter(times: Times, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times.at(middle) ?? 0) > time) high = middle;
    else low = middle + 1;
  }
  return low;
}
