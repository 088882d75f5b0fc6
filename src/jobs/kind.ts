import type { z } from "zod";
import type { ErrorCode } from "../domain/error.ts";
import type { PlatformRole } from "../domain/policy.ts";
import type { Env, Settings } from "../env.ts";

/** What a step of a job may use. */
export interface JobContext {
  /** The id of the job, a random UUID: a prefix of whatever it stores elsewhere. */
  jobId: string;
  env: Env;
  settings: Settings;
  /** Who has started it; their role is why they were allowed to. */
  startedBy: { userId: string; role: PlatformRole };
  /** When it was started, in milliseconds since the epoch. */
  startedAt: number;
  clock: () => number;
  /**
   * The storage of the job's object, for tables of the kind's own. A step may have been carried out in part:
   * write under keys that a repetition writes again.
   */
  sql: SqlStorage;
}

/** What a step came to. */
export type Step<State> =
  /** There is more to do. `total`: null where it is not known. */
  | { state: State; done: number; total: number | null }
  /** Everything is done. `result` is shown to operators; null where there is nothing to say. */
  | { finished: Record<string, unknown> | null; done: number }
  /** It cannot be done; what a repetition could mend is thrown instead. */
  | { failed: ErrorCode };

/**
 * What a kind of job does, in steps. The state after a step is stored, with the alarm for the next one; whatever
 * ends the process, the job goes on with the step behind the last stored state. So each step is carried out at
 * least once, and has to be repeatable: the same step with the same state comes to the same.
 *
 * A step takes at most about ten seconds and holds at most a few megabytes. What it throws is retried, with a
 * growing delay, for a day.
 */
export interface JobSteps<Params, State> {
  params: z.ZodType<Params>;
  /** JSON; at most 1 MB. What grows belongs in a table of `sql`. */
  state: z.ZodType<State>;
  /** The state before the first step. Writes nothing. */
  begin(params: Params): State;
  step(context: JobContext, params: Params, state: State): Promise<Step<State>>;
  /**
   * Undoes what is unfinished, where the job was cancelled or has failed; repeatable. Nothing, once that is done.
   * Otherwise it goes on as a step does: `finished`, where the job is past the point at which it could be undone
   * and was carried out to its end instead, which is `done`.
   */
  undo?(
    context: JobContext,
    params: Params,
    state: State,
  ): Promise<void> | Promise<Step<State> | undefined>;
}

/** A kind of job for those who carry it out: what was stored is parsed. */
export interface AnyJob {
  /** Whether params are of this kind. */
  accepts(params: unknown): boolean;
  begin(params: unknown): unknown;
  step(context: JobContext, params: unknown, state: unknown): Promise<Step<unknown>>;
  undo(context: JobContext, params: unknown, state: unknown): Promise<Step<unknown> | undefined>;
}

/** A kind of job as {@link AnyJob}. Its methods throw on params and states of another shape. */
export function jobOf<Params, State>(steps: JobSteps<Params, State>): AnyJob {
  const { params, state } = steps;
  return {
    accepts: (given) => params.safeParse(given).success,
    begin: (given) => steps.begin(params.parse(given)),
    step: (context, given, stored) => steps.step(context, params.parse(given), state.parse(stored)),
    undo: async (context, given, stored) =>
      (await steps.undo?.(context, params.parse(given), state.parse(stored))) ?? undefined,
  };
}
