import type { Result } from "../domain/error.ts";
import type { JobOrder, JobView } from "../domain/job.ts";
import { type Env, settingsOf } from "../env.ts";

/** The RPC interface of a job's object, and how it is reached. */
export interface JobStub {
  /**
   * Starts the job. Where it was started before it goes on, and D1 is told again how far it is: may be called at
   * any time, and repeatedly.
   */
  start(order: JobOrder): Promise<JobView>;
  /** How far it is. `undefined`: there is no such job, or it ended days ago; stores nothing. */
  view(): Promise<JobView | undefined>;
  /** Has it stop behind its present step, and undo what is unfinished; may be called twice. */
  cancel(): Promise<Result<JobView> | undefined>;
}

/** The object of a job, in the jurisdiction that `JURISDICTION` names. */
export function jobObject(env: Env, jobId: string): JobStub {
  const settings = settingsOf(env);
  if (settings instanceof Error) throw settings;
  const { JURISDICTION } = settings;
  const namespace = JURISDICTION ? env.JOBS.jurisdiction(JURISDICTION) : env.JOBS;
  const stub: unknown = namespace.getByName(jobId);
  return stub as JobStub;
}
