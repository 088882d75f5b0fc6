import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deliveryOf } from "../../src/domain/push-answer.ts";
import { retryAfterMs } from "../../src/domain/retry-after.ts";

const NOW = Date.UTC(2026, 10, 28, 12);
const DAY = 24 * 60 * 60_000;

function outcomeOf(status: number) {
  return deliveryOf({ status, retryAfter: null, host: "push.test" }, NOW).outcome;
}

describe("an answer", () => {
  test.each([
    ["delivered", [200, 201, 202, 204, 299]],
    ["gone", [404, 410]],
    ["retry", [408, 429, 500, 502, 503, 504, 599]],
    ["refused", [100, 300, 301, 307, 308, 400, 401, 403, 405, 413, 414, 431, 499]],
  ])("%s", (outcome, statuses) => {
    for (const status of statuses) expect([status, outcomeOf(status)]).toEqual([status, outcome]);
  });

  test("only a retry says when", () => {
    const answer = { retryAfter: "5", host: "push.test" };
    expect(deliveryOf({ ...answer, status: 429 }, NOW)).toEqual({
      ...{ outcome: "retry", retryAfterMs: 5_000, reason: "push.test answered 429" },
    });
    expect(deliveryOf({ ...answer, status: 413 }, NOW)).toEqual({
      ...{ outcome: "refused", reason: "push.test answered 413" },
    });
  });
});

describe("Retry-After", () => {
  test.each([
    [null, undefined],
    ["", undefined],
    ["0", 0],
    [" 120 ", 120_000],
    ["86400", DAY],
    ["99999999999999999999999", DAY],
    ["-1", undefined],
    ["1.5", undefined],
    ["1e3", undefined],
    ["soon", undefined],
    ["Sat, 28 Nov 2026 12:00:30 GMT", 30_000],
    ["Saturday, 28-Nov-26 12:00:30 GMT", 30_000],
    ["Sat, 28 Nov 2026 11:00:00 GMT", 0],
    ["Sat, 28 Nov 2099 12:00:00 GMT", DAY],
  ])("%j: %j ms", (header, expected) => {
    expect(retryAfterMs(header, NOW)).toBe(expected);
  });

  test("is within a day, whatever it is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.nat().map(String)), (header) => {
        const milliseconds = retryAfterMs(header, NOW);
        if (milliseconds === undefined) return;
        expect(milliseconds).toBeGreaterThanOrEqual(0);
        expect(milliseconds).toBeLessThanOrEqual(DAY);
      }),
    );
  });
});
