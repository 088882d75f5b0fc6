import { expect, test } from "vitest";
import { backoff } from "../../src/client/backoff.ts";

test("waits double from the server's minimum to 30 seconds, and not further", () => {
  const longest = (attempt: number) => backoff(attempt, 1_000, () => 1);
  const first = Array.from({ length: 6 }, (_, attempt) => longest(attempt));
  expect(first).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
  for (const attempt of [6, 16, 1_000, Number.MAX_SAFE_INTEGER]) {
    expect(longest(attempt)).toBe(30_000);
  }
});

test("full jitter: any wait up to the maximum, including zero", () => {
  for (const random of [0, 0.25, 0.5]) expect(backoff(3, 500, () => random)).toBe(random * 4_000);
});
