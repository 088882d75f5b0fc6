/** Hours of every day in which a user is not notified. Pure; times are milliseconds since the epoch. */

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** From `from` until before `to`, as clocks in the time zone show them: `HH:MM`, over midnight if `to` is earlier. */
export interface DoNotDisturb {
  from: string;
  to: string;
  /** Its name in the IANA database. */
  timeZone: string;
}

/** Whether a name is that of a time zone. */
export function isTimeZone(name: string): boolean {
  // Intl also knows offsets, such as `+01:00`.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * When the hours that hold now are over; `undefined`: none hold. They hold while clocks show a time within
 * them: where clocks are changed they end sooner or later, and where an hour is repeated its part within
 * them is, too. Keep the function: making it takes longer than a call of it.
 */
export function quietHours(hours: DoNotDisturb): (now: number) => number | undefined {
  const offsetAt = offsetsOf(hours.timeZone);
  const [from, to] = [minutesOf(hours.from), minutesOf(hours.to)];
  return (now) => {
    let start = now - (now % MINUTE_MS);
    while (true) {
      const offset = offsetAt(start);
      const clock = (start / MINUTE_MS + offset) % DAY_MINUTES;
      const isQuiet = from < to ? from <= clock && clock < to : from <= clock || clock < to;
      if (!isQuiet) return start > now ? start : undefined;
      const end = start + ((to - clock + DAY_MINUTES) % DAY_MINUTES) * MINUTE_MS;
      if (offsetAt(end) === offset) return end;
      start = changeBetween(start, end, offsetAt);
    }
  };
}

/** When clocks are changed: the first minute whose offset is not that of `start`; `end` has another one. */
function changeBetween(start: number, end: number, offsetAt: (time: number) => number): number {
  const before = offsetAt(start);
  let [low, high] = [start / MINUTE_MS, end / MINUTE_MS];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle * MINUTE_MS) === before) low = middle;
    else high = middle;
  }
  return high * MINUTE_MS;
}

/** Minutes by which clocks in a time zone are ahead of UTC, at the beginning of a minute. */
function offsetsOf(timeZone: string): (time: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    ...{ timeZone, calendar: "gregory", numberingSystem: "latn", hourCycle: "h23" },
    ...{ year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" },
  });
  return (time) => {
    const parts = format.formatToParts(time);
    const shown = (type: Intl.DateTimeFormatPartTypes) =>
      Number(parts.find((part) => part.type === type)?.value);
    const [year, month, day] = [shown("year"), shown("month"), shown("day")];
    const local = Date.UTC(year, month - 1, day, shown("hour"), shown("minute"));
    return (local - time) / MINUTE_MS;
  };
}

function minutesOf(clock: string): number {
  const [hours = 0, minutes = 0] = clock.split(":").map(Number);
  return hours * 60 + minutes;
}
