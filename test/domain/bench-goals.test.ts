import { describe, expect, test } from "vitest";
import { compared } from "../bench/comparison.ts";
import { type Goal, judge, median, ratio, ratios, type Samples } from "../bench/goals.ts";

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

test("zero is as much as zero, and infinitely less than anything", () => {
  const samples = samplesOf({ one: [0, 1, 0], other: [0, 0, 1] });
  expect(ratios(samples, "one", "other")).toEqual([1, Infinity, 0]);
});

describe("of two builds", () => {
  test.each<[string, string, number[], number[], string]>([
    ["a rate that is higher in every round", "sends/s", [11, 12], [10, 10], "better"],
    ["a rate that is lower in every round", "sends/s", [9, 8], [10, 10], "worse"],
    ["a time that is higher in every round", "ms", [11, 12], [10, 10], "worse"],
    ["a time that is lower in every round", "ms", [9, 8], [10, 10], "better"],
    ["rounds that disagree", "ms", [20, 30, 9], [10, 10, 10], "same"],
    ["a difference below one in twenty", "ms", [104, 104], [100, 100], "same"],
    ["no difference", "rows", [5, 5], [5, 5], "same"],
    ["nothing where there was something", "rows", [0, 0], [2, 2], "better"],
    ["something where there was nothing", "rows", [2, 2], [0, 0], "worse"],
  ])("%s", (_, unit, parley, before, verdict) => {
    const figures = samplesOf({ parley, abc123: before });
    const [comparison] = compared([{ name: "", unit, figures, goals: [] }], "parley", "abc123");
    expect(comparison?.verdict).toBe(verdict);
  });

  test("each subject is compared with its counterpart", () => {
    const figures = samplesOf({
      "parley, waiting": [2],
      parley: [6],
      abc123: [3],
      "abc123, waiting": [1],
    });
    const comparisons = compared(
      [{ name: "", unit: "ms", figures, goals: [] }],
      "parley",
      "abc123",
    );
    expect(comparisons.map(({ subject, median }) => [subject, median])).toEqual([
      ["parley, waiting", 2],
      ["parley", 2],
    ]);
  });
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
