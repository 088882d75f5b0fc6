/** The longest time that a server may ask for: a day. */
const MAX_MS = 24 * 60 * 60_000;

/**
 * The milliseconds that a `Retry-After` header asks for, in seconds or as a date, at most a day;
 * `undefined` without one, or with one that says nothing.
 */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1_000, MAX_MS);
  // Without a name of a month it is no date of HTTP, whatever the parser makes of it.
  const date = /[a-z]{3}/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), MAX_MS);
}
