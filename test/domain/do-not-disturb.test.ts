import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DoNotDisturb, isTimeZone, quietHours } from "../../src/domain/do-not-disturb.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const NIGHT = { from: "22:00", to: "07:00", timeZone: "Europe/Berlin" };
const LUNCH = { from: "12:00", to: "13:30", timeZone: "Asia/Kathmandu" };
const TEHRAN = { from: "00:00", to: "06:00", timeZone: "Asia/Tehran" };
/** Ends at a time that clocks skip in spring and show twice in autumn. */
const EARLY = { from: "22:00", to: "02:30", timeZone: "Europe/Berlin" };

describe("do not disturb", () => {
  test.each<[string, DoNotDisturb, now: string, until: string | undefined]>([
    ["before midnight", NIGHT, "2026-11-28T21:00:00Z", "2026-11-29T06:00:00Z"],
    ["after midnight", NIGHT, "2026-11-29T02:12:34.567Z", "2026-11-29T06:00:00Z"],
    ["the first millisecond", NIGHT, "2026-11-28T21:00:00.000Z", "2026-11-29T06:00:00Z"],
    ["just before", NIGHT, "2026-11-28T20:59:59.999Z", undefined],
    ["the last millisecond", NIGHT, "2026-11-29T05:59:59.999Z", "2026-11-29T06:00:00Z"],
    ["just over", NIGHT, "2026-11-29T06:00:00.000Z", undefined],
    ["the offset of summer", NIGHT, "2026-07-01T20:00:00Z", "2026-07-02T05:00:00Z"],
    ["by day", NIGHT, "2026-07-01T12:00:00Z", undefined],
    ["hours within a day, offset 5:45", LUNCH, "2026-01-01T06:15:00Z", "2026-01-01T07:45:00Z"],
    ["just before those", LUNCH, "2026-01-01T06:14:59Z", undefined],
    ["from midnight, without summer time", TEHRAN, "2026-04-01T20:30:00Z", "2026-04-02T02:30:00Z"],
    ["a night of an hour less", NIGHT, "2026-03-28T23:00:00Z", "2026-03-29T05:00:00Z"],
    ["a night of an hour more", NIGHT, "2026-10-24T22:00:00Z", "2026-10-25T06:00:00Z"],
    ["an end that is skipped", EARLY, "2026-03-28T23:00:00Z", "2026-03-29T01:00:00Z"],
    ["an end that comes twice", EARLY, "2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z"],
    ["between the two", EARLY, "2026-10-25T00:45:00Z", undefined],
    ["before the second", EARLY, "2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z"],
  ])("%s", (_, hours, now, until) => {
    const end = quietHours(hours)(Date.parse(now));
    expect(end && new Date(end).toISOString()).toBe(until && new Date(until).toISOString());
  });

  test("is over in the first minute in which clocks show a time outside, in every time zone", () => {
    const timeZones = [...Intl.supportedValuesOf("timeZone"), "Europe/Kyiv", "UTC"];
    const clock = fc.integer({ min: 0, max: 24 * 60 - 1 }).map((minutes) => {
      return new Date(minutes * MINUTE).toISOString().slice(11, 16);
    });
    const from = Date.parse("2025-01-01T00:00:00Z");
    const time = fc.integer({ min: from, max: from + 6 * 365 * DAY });
    const property = fc.property(
      ...[fc.constantFrom(...timeZones), clock, clock, time, fc.boolean()],
      (timeZone, from, to, time, isNearChange) => {
        fc.pre(from !== to);
        const hours = { from, to, timeZone };
        const now = isNearChange ? beforeChange(timeZone, time) : time;
        expect(quietHours(hours)(now)).toBe(firstOutside(hours, now));
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});

/** The same by looking at the clock in every minute. */
function firstOutside({ from, to, timeZone }: DoNotDisturb, now: number): number | undefined {
  const format = clockOf(timeZone);
  const isWithin = (time: number) => {
    const shown = format.format(time);
    return from < to ? from <= shown && shown < to : !(to <= shown && shown < from);
  };
  if (!isWithin(now)) return undefined;
  let minute = now - (now % MINUTE);
  while (isWithin(minute)) minute += MINUTE;
  return minute;
}

/** A time in the day and a half around the next change of clocks within a year; the time itself where there is none. */
function beforeChange(timeZone: string, time: number): number {
  const format = clockOf(timeZone);
  const start = time - (time % DAY);
  for (let day = start; day < start + 365 * DAY; day += DAY) {
    if (format.format(day) !== format.format(start)) return day - Math.floor(1.5 * (time % DAY));
  }
  return time;
}

function clockOf(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" });
}

test.each([
  ["Europe/Berlin", true],
  ["UTC", true],
  ["America/Argentina/Ushuaia", true],
  ["Etc/GMT+5", true],
  ["+01:00", false],
  ["Europe/Atlantis", false],
  ["", false],
])("%j is a time zone: %s", (name, expected) => {
  expect(isTimeZone(name)).toBe(expected);
});
