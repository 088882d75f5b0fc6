const DAY_MS = 24 * 60 * 60_000;

/** The longest wait of a timer: some 24 days. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const shortWeekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const shortDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** 14:05 */
export function timeOf(at: Date): string {
  return clock.format(at);
}

/** With the date. */
export function momentOf(at: Date): string {
  return full.format(at);
}

/** The heading of a day: Today, Yesterday, Monday, 3 March 2026. */
export function dayOf(at: Date, now = new Date()): string {
  const days = daysBetween(at, now);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return days > 0 && days < 7 ? weekday.format(at) : date.format(at);
}

/** The short form for lists: 14:05, Mon, 3 Mar. */
export function briefly(at: Date, now = new Date()): string {
  const days = daysBetween(at, now);
  if (days === 0) return clock.format(at);
  return days > 0 && days < 7 ? shortWeekday.format(at) : shortDate.format(at);
}

export function isSameDay(a: Date, b: Date): boolean {
  return daysBetween(a, b) === 0;
}

function daysBetween(from: Date, to: Date): number {
  const midnight = (at: Date) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
  return Math.round((midnight(to) - midnight(from)) / DAY_MS);
}
