import fc from "fast-check";
import { expect, test } from "vitest";
import { LeakyBucket, Violations } from "../../src/domain/budget.ts";

/** Calls at increasing times: milliseconds since the previous one, and the cost of each. */
const calls = fc.array(fc.tuple(fc.nat(2_000), fc.integer({ min: 1, max: 5 })), { maxLength: 200 });
const rate = fc.record({
  burst: fc.integer({ min: 1, max: 20 }),
  perSecond: fc.integer({ min: 1, max: 20 }),
});

test("no interval contains more than the burst and what drains in it", () => {
  fc.assert(
    fc.property(rate, calls, (rate, calls) => {
      const bucket = new LeakyBucket(rate);
      let now = 1_000_000;
      const taken: { at: number; amount: number }[] = [];
      for (const [wait, amount] of calls) {
        now += wait;
        if (bucket.take(amount, now)) taken.push({ at: now, amount });
      }
      for (const [i, first] of taken.entries()) {
        let sum = 0;
        for (const { at, amount } of taken.slice(i)) {
          sum += amount;
          const drained = ((at - first.at) / 1_000) * rate.perSecond;
          expect(sum).toBeLessThanOrEqual(rate.burst + drained + 1e-6);
        }
      }
    }),
  );
});

test("there is room after the returned wait, and not before", () => {
  fc.assert(
    fc.property(rate, calls, (rate, calls) => {
      const bucket = new LeakyBucket(rate);
      let now = 1_000_000;
      for (const [wait, amount] of calls) {
        now += wait;
        if (amount > rate.burst) continue;
        const waitMs = bucket.waitMs(amount, now);
        if (waitMs === 0) expect(bucket.take(amount, now)).toBe(true);
        else {
          expect(bucket.take(amount, now)).toBe(false);
          now += waitMs;
          expect(bucket.take(amount, now)).toBe(true);
        }
      }
    }),
    {
      examples: [
        [
          { burst: 5, perSecond: 1 },
          [
            [0, 3],
            [62, 2],
            [249, 4],
          ],
        ],
      ],
    },
  );
});

test("a cost charged afterwards may overflow, and must drain first", () => {
  const bucket = new LeakyBucket({ burst: 10, perSecond: 5 });
  bucket.charge(30, 0);
  expect(bucket.waitMs(0, 0)).toBe(4_000);
  expect(bucket.take(1, 3_999)).toBe(false);
  expect(bucket.waitMs(0, 4_000)).toBe(0);
});

test("a clock that is set back drains nothing and delays nothing", () => {
  const bucket = new LeakyBucket({ burst: 2, perSecond: 1 });
  expect(bucket.take(2, 100_000)).toBe(true);
  expect(bucket.take(1, 40_000)).toBe(false);
  expect(bucket.take(1, 41_000)).toBe(true);
});

test("violations: one refusal a second, the others ignored, and then the connection is closed", () => {
  const violations = new Violations({ burst: 5, perSecond: 1 });
  expect([1, 2, 3].map((ms) => violations.add(ms))).toEqual(["refuse", "ignore", "ignore"]);
  expect(violations.add(1_001)).toBe("refuse");
  expect([1_002, 1_003, 1_004].map((ms) => violations.add(ms))).toEqual([
    "ignore",
    "ignore",
    "end",
  ]);
  // Violations are removed over time.
  expect(violations.add(6_000)).toBe("refuse");
});

test("a severe violation counts several times", () => {
  const violations = new Violations({ burst: 5, perSecond: 1 });
  expect(violations.add(0, 5)).toBe("refuse");
  expect(violations.add(0)).toBe("end");
});
