import { describe, expect, test } from "vitest";
import { deliveryOf } from "../../src/domain/push-answer.ts";

const NOW = Date.UTC(2026, 10, 28, 12);

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
