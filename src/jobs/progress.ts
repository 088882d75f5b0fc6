import type { ErrorCode } from "../domain/error.ts";
import { isFinal, type JobState } from "../domain/job.ts";
import type { Step } from "./kind.ts";

/** The rules of a job's progress: pure functions from one stored state to the next. */

/** How long a step that throws is retried. */
export const RETRIED_MS = 24 * 3_600_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 10 * 60_000;

/** How far a job is. */
export interface Progress {
  state: JobState;
  /** The state of its kind, once it has made a step. */
  step: { state: unknown } | null;
  done: number;
  total: number | null;
  result: Record<string, unknown> | null;
  /** Why it has failed; while the job is running: it failed, and is being undone. */
  error: ErrorCode | null;
  /** Since when the present step, or undoing, has thrown each time, and how often. */
  failures: number;
  failingSince: number | null;
  /** Rises with every change, so that D1 keeps the newest. */
  changedAt: number;
  finishedAt: number | null;
}

/** What is to be done next. */
export type Next = "step" | "undo" | "nothing";

/** The progress of a job that was just started. */
export function started(now: number): Progress {
  return {
    ...{ state: "running", step: null, done: 0, total: null, result: null, error: null },
    ...{ failures: 0, failingSince: null, changedAt: now, finishedAt: null },
  };
}

export function nextOf({ state, error }: Progress): Next {
  if (isFinal(state)) return "nothing";
  return state === "cancelling" || error !== null ? "undo" : "step";
}

/**
 * After a step. A job that was cancelled meanwhile keeps what the step came to, so that it is undone; what has
 * finished cannot be cancelled any more.
 */
export function stepped(before: Progress, step: Step<unknown>, now: number): Progress {
  if (nextOf(before) === "nothing") return before;
  const progress = { ...changed(before, now), ...NOT_FAILING };
  if ("failed" in step) return { ...progress, error: step.failed };
  const { done } = step;
  if ("finished" in step) {
    const end = { state: "done", step: null, finishedAt: progress.changedAt } as const;
    return { ...progress, ...end, done, total: done, result: step.finished, error: null };
  }
  return { ...progress, step: { state: step.state }, done, total: step.total };
}

/** After a step, or undoing, has thrown. `retryAt`: when to try again; not at all where the job has ended. */
export function threw(before: Progress, now: number): { progress: Progress; retryAt: number } {
  const failures = before.failures + 1;
  const failingSince = before.failingSince ?? now;
  if (now - failingSince < RETRIED_MS) {
    const delay = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS);
    return { progress: { ...before, failures, failingSince }, retryAt: now + delay };
  }
  const wasUndoing = nextOf(before) === "undo";
  const progress = { ...changed(before, now), ...NOT_FAILING, error: before.error ?? "internal" };
  return { progress: wasUndoing ? ended(progress) : progress, retryAt: now };
}

/**
 * After what was unfinished has been undone; `step`: it goes on, or the job was past the point at which it could be
 * undone, and has come to its end instead.
 */
export function undone(before: Progress, step: Step<unknown> | undefined, now: number): Progress {
  if (nextOf(before) !== "undo") return before;
  if (!step) return ended(changed(before, now));
  const { error } = before;
  // What it failed with stays, so that it goes on being undone.
  return "failed" in step
    ? ended(changed(before, now))
    : { ...stepped(before, step, now), ...("finished" in step ? {} : { error }) };
}

/** After it was asked to stop. What is being undone already, or has ended, stays as it is. */
export function cancelled(before: Progress, now: number): Progress {
  if (nextOf(before) !== "step") return before;
  return { ...changed(before, now), ...NOT_FAILING, state: "cancelling" };
}

/** Whether a step came no further than where it began: the next one would do the same. */
export function isStanding(before: Progress, after: Progress): boolean {
  const place = ({ state, step, done, error }: Progress) =>
    JSON.stringify([state, step, done, error]);
  return !isFinal(after.state) && before.step !== null && place(before) === place(after);
}

const NOT_FAILING = { failures: 0, failingSince: null };

function changed(before: Progress, now: number): Progress {
  return { ...before, changedAt: Math.max(now, before.changedAt + 1) };
}

function ended(progress: Progress): Progress {
  const state = progress.state === "cancelling" ? "cancelled" : "failed";
  const error = state === "failed" ? progress.error : null;
  return { ...progress, state, error, step: null, finishedAt: progress.changedAt };
}
