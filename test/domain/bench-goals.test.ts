import { describe, expect, test } from "vitest";
import { type Goal, judge, median, ratio, type Samples } from "../bench/goals.ts";

/** The arithmetic of `npm run bench`. */

const samplesOf = (figures: Record<string, number[]>): Samples => new Map(Object.entries(figures));

test.each<[number[], number]>([
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 3],
  [[7], 7],
  [[], Number.NaN],
])("the median of %j is %d", (values, expected) => {
  expect(median(values)).toBe(expected);
});

test("a ratio compares figures of the same round", () => {
  // The second round was measured on a machine four times slower.
  const samples = samplesOf({ parley: [200, 50, 220], node: [100, 25, 110] });
  expect(ratio(samples, "parley", "node")).toBe(2);
});

describe("a goal", () => {
  const figures = { parley: [150], node: [100], limit: [180] };
  const rate: Goal = { of: "parley", beside: "node", atLeast: 2, unless: "limit" };
  const time: Goal = { of: "parley", beside: "node", atMost: 1.2, unless: "limit" };

  test.each<[string, Goal, Record<string, number[]>, boolean]>([
    ["absolute, reached", { of: "parley", atMost: 150 }, figures, true],
    ["absolute, missed", { of: "parley", atMost: 149 }, figures, false],
    ["relative, reached", { of: "parley", beside: "node", atLeast: 1.5 }, figures, true],
    ["relative, missed", { of: "parley", beside: "node", atLeast: 1.6 }, figures, false],
    ["the minimum misses it and is near", rate, figures, true],
    ["the minimum misses it and is far", rate, { ...figures, parley: [138] }, false],
    ["the minimum reaches it", rate, { ...figures, limit: [200] }, false],
    ["the minimum was not measured", rate, { parley: [150], node: [100] }, false],
    ["reached, though the minimum misses it", rate, { ...figures, parley: [200] }, true],
    ["a time, the minimum near", time, { ...figures, parley: [160], limit: [125] }, true],
    ["a time, the minimum far", time, { ...figures, parley: [170], limit: [125] }, false],
    ["a time, the minimum reaches it", time, { ...figures, limit: [119] }, false],
  ])("%s", (_, goal, figures, met) => {
    expect(judge(goal, samplesOf(figures))?.met).toBe(met);
  });

  test("beyond the platform's minimum says so with its figure", () => {
    const judged = judge(rate, samplesOf(figures));
    expect(judged?.minimum).toEqual({ value: 1.8, times: 150 / 180 });
  });

  test("without its subjects is left out", () => {
    expect(judge(rate, samplesOf({ parley: [1] }))).toBeUndefined();
    expect(judge(rate, samplesOf({ node: [1], limit: [1] }))).toBeUndefined();
  });
});
