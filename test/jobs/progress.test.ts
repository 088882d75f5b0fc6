import { expect, test } from "vitest";
import {
  cancelled,
  nextOf,
  type Progress,
  RETRIED_MS,
  started,
  stepped,
  threw,
  undone,
} from "../../src/jobs/progress.ts";

/** The rules of a job's progress, one by one. */

const running = started(1_000);
const cancelling = cancelled(running, 1_000);
const failing: Progress = { ...running, error: "legal_hold" };
const done = stepped(running, { finished: { n: 1 }, done: 3 }, 2_000);

test.each<[string, Progress, ReturnType<typeof nextOf>]>([
  ["running", running, "step"],
  ["cancelling", cancelling, "undo"],
  ["failed, not undone", failing, "undo"],
  ["done", done, "nothing"],
  ["failed", undone(failing, undefined, 2_000), "nothing"],
  ["cancelled", undone(cancelling, undefined, 2_000), "nothing"],
])("next of what is %s: %s", (_, progress, next) => {
  expect(nextOf(progress)).toBe(next);
});

test.each<[string, Progress, Partial<Progress>]>([
  [
    "a step",
    stepped(running, { state: 7, done: 1, total: 9 }, 2_000),
    { state: "running", step: { state: 7 }, done: 1, total: 9, changedAt: 2_000, finishedAt: null },
  ],
  [
    "a step by a clock that went back",
    stepped(running, { state: 7, done: 1, total: 9 }, 5),
    { changedAt: 1_001 },
  ],
  [
    "the last step",
    done,
    { state: "done", step: null, done: 3, total: 3, result: { n: 1 }, finishedAt: 2_000 },
  ],
  [
    "a step during which it was cancelled: what it came to is undone",
    stepped(cancelling, { state: 7, done: 1, total: 9 }, 2_000),
    { state: "cancelling", step: { state: 7 } },
  ],
  [
    "the last step during which it was cancelled",
    stepped(cancelling, { finished: null, done: 1 }, 2_000),
    { state: "done", error: null },
  ],
  [
    "a step that failed",
    stepped(running, { failed: "legal_hold" }, 2_000),
    { state: "running", error: "legal_hold", finishedAt: null },
  ],
  [
    "undoing what failed",
    undone(failing, undefined, 2_000),
    { state: "failed", error: "legal_hold" },
  ],
  [
    "undoing what was cancelled",
    undone(cancelling, undefined, 2_000),
    { state: "cancelled", error: null },
  ],
  [
    "undoing what failed and was cancelled",
    undone(stepped(cancelling, { failed: "legal_hold" }, 2_000), undefined, 2_000),
    { state: "cancelled", error: null },
  ],
  ["cancelling what failed", cancelled(failing, 2_000), { state: "running", error: "legal_hold" }],
])("after %s", (_, progress, expected) => {
  expect(progress).toMatchObject(expected);
});

test.each([
  ["a step", (end: Progress) => stepped(end, { state: 1, done: 9, total: 9 }, 9_000)],
  ["a failure", (end: Progress) => stepped(end, { failed: "internal" }, 9_000)],
  ["undoing", (end: Progress) => undone(end, undefined, 9_000)],
  ["cancelling", (end: Progress) => cancelled(end, 9_000)],
])("a final state stays after %s", (_, change) => {
  for (const end of [
    done,
    undone(failing, undefined, 2_000),
    undone(cancelling, undefined, 2_000),
  ]) {
    expect(change(end)).toEqual(end);
  }
});

test("what throws is retried with a growing delay for a day, and then undone for another", () => {
  let progress = running;
  let now = 1_000;
  const delays: number[] = [];
  const untilItGivesUp = (next: "step" | "undo") => {
    const since = now;
    while (nextOf(progress) === next) {
      const after = threw(progress, now);
      progress = after.progress;
      delays.push(after.retryAt - now);
      now = after.retryAt;
    }
    return now - since;
  };
  expect(untilItGivesUp("step")).toBeGreaterThanOrEqual(RETRIED_MS);
  expect(delays.slice(0, 12)).toEqual(
    [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600].map((seconds) => seconds * 1_000),
  );
  expect(progress).toMatchObject({ state: "running", error: "internal", failures: 0 });
  expect(untilItGivesUp("undo")).toBeGreaterThanOrEqual(RETRIED_MS);
  expect(progress).toMatchObject({ state: "failed", error: "internal" });
});

test("undoing may go on in steps, and may come to the end of the job instead", () => {
  const further = undone(failing, { state: 8, done: 4, total: null }, 2_000);
  expect(further).toMatchObject({ state: "running", error: "legal_hold", step: { state: 8 } });
  expect(nextOf(further)).toBe("undo");
  for (const before of [failing, cancelling]) {
    const end = undone(before, { finished: { n: 2 }, done: 5 }, 2_000);
    expect(end).toMatchObject({ state: "done", error: null, result: { n: 2 } });
  }
  expect(undone(failing, { failed: "internal" }, 2_000)).toMatchObject({
    ...{ state: "failed", error: "legal_hold" },
  });
});

test("a step that succeeds, and cancelling, begin the day anew", () => {
  const { progress } = threw(running, 1_000);
  expect(progress).toMatchObject({ failures: 1, failingSince: 1_000 });
  expect(stepped(progress, { state: 1, done: 1, total: 2 }, 2_000)).toMatchObject({
    ...{ failures: 0, failingSince: null },
  });
  expect(cancelled(progress, 2_000)).toMatchObject({ failures: 0, failingSince: null });
});
