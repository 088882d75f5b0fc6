import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allowance, pruned, WINDOW_MS } from "../../src/domain/rate-window.ts";

/** Milliseconds between two attempts, often near the window's edge. */
const gap = fc.oneof(
  fc.nat(3),
  fc.nat(5_000),
  fc.nat(2 * WINDOW_MS),
  fc.constantFrom(0, WINDOW_MS - 1, WINDOW_MS, WINDOW_MS + 1),
);
const gaps = fc.array(gap, { maxLength: 60 });
const limit = fc.integer({ min: 1, max: 6 });
const START = 1_700_000_000_000;

function timesOf(steps: readonly number[]): number[] {
  let now = START;
  return steps.map((step) => {
    now += step;
    return now;
  });
}

function within(times: readonly number[], now: number): number {
  return times.filter((time) => now - time < WINDOW_MS).length;
}

describe("a sender's window", () => {
  test("admits exactly the limit in any 60 seconds", () => {
    fc.assert(
      fc.property(gaps, limit, (steps, most) => {
        const accepted: number[] = [];
        for (const now of timesOf(steps)) {
          const used = within(accepted, now);
          const { allowed, remaining, limit } = allowance(accepted, most, now);
          expect(allowed).toBe(used < most);
          expect(remaining).toBe(allowed ? most - used - 1 : 0);
          expect(limit).toBe(most);
          if (allowed) accepted.push(now);
        }
        for (const time of accepted) {
          expect(
            within(accepted.slice(0, accepted.lastIndexOf(time) + 1), time),
          ).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("works with a limit that changes between sends", () => {
    const attempts = fc.array(fc.tuple(gap, fc.integer({ min: 0, max: 6 })), { maxLength: 60 });
    fc.assert(
      fc.property(attempts, (steps) => {
        const accepted: number[] = [];
        let now = START;
        for (const [step, most] of steps) {
          now += step;
          const { allowed, remaining } = allowance(accepted, most, now);
          expect(allowed).toBe(within(accepted, now) < most);
          if (allowed) accepted.push(now);
          expect(remaining).toBe(Math.max(0, most - within(accepted, now)));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("returns to the millisecond when a refused message will be admitted", () => {
    fc.assert(
      fc.property(gaps, gap, limit, (steps, since, most) => {
        const times = timesOf(steps);
        const now = (times.at(-1) ?? START) + since;
        const { allowed, resetMs } = allowance(times, most, now);
        fc.pre(!allowed);
        expect(resetMs).toBeGreaterThan(0);
        expect(resetMs).toBeLessThanOrEqual(WINDOW_MS);
        expect(allowance(times, most, now + resetMs - 1).allowed).toBe(false);
        expect(allowance(times, most, now + resetMs).allowed).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test("returns for an admitted message when the oldest one leaves the window", () => {
    fc.assert(
      fc.property(gaps, gap, (steps, since) => {
        const times = timesOf(steps);
        const now = (times.at(-1) ?? START) + since;
        const used = within(times, now);
        const { allowed, resetMs } = allowance(times, 100, now);
        expect(allowed).toBe(true);
        if (used === 0) {
          // The admitted message is the oldest itself.
          expect(resetMs).toBe(WINDOW_MS);
          return;
        }
        expect(within(times, now + resetMs - 1)).toBe(used);
        expect(within(times, now + resetMs)).toBeLessThan(used);
      }),
    );
  });

  test("gives the same result without the expired times", () => {
    fc.assert(
      fc.property(gaps, gap, limit, (steps, since, most) => {
        const times = timesOf(steps);
        const now = (times.at(-1) ?? START) + since;
        const rest = pruned(times, now);
        expect(rest).toEqual(times.filter((time) => now - time < WINDOW_MS));
        expect(allowance(rest, most, now)).toEqual(allowance(times, most, now));
      }),
    );
  });
});

describe("examples", () => {
  test("the first message of a sender is admitted", () => {
    expect(allowance([], 20, START)).toEqual({
      allowed: true,
      limit: 20,
      remaining: 19,
      resetMs: WINDOW_MS,
    });
  });

  test("the first message over the limit is refused until the oldest is 60 seconds old", () => {
    const times = [START, START + 10, START + 20];
    expect(allowance(times, 3, START + 30)).toEqual({
      allowed: false,
      limit: 3,
      remaining: 0,
      resetMs: 59_970,
    });
    expect(allowance(times, 3, START + 59_999)).toMatchObject({ allowed: false, resetMs: 1 });
    expect(allowance(times, 3, START + 60_000)).toEqual({
      allowed: true,
      limit: 3,
      remaining: 0,
      resetMs: 10,
    });
  });

  test("after the limit is lowered, the excess must expire first", () => {
    const times = [START, START + 10, START + 20, START + 30];
    expect(allowance(times, 2, START + 40)).toEqual({
      allowed: false,
      limit: 2,
      remaining: 0,
      resetMs: 59_980,
    });
  });

  test("a limit of 0 refuses everything", () => {
    expect(allowance([], 0, START)).toEqual({
      allowed: false,
      limit: 0,
      remaining: 0,
      resetMs: WINDOW_MS,
    });
    expect(allowance([START], 0, START + 1).allowed).toBe(false);
  });
});
