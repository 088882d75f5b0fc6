import { directoryOf } from "../directory/directory.ts";
import { addJob } from "../directory/jobs.ts";
import type { Act } from "../domain/act.ts";
import { fail, ok, type Result } from "../domain/error.ts";
import type { JobKind, JobOrder, JobView } from "../domain/job.ts";
import type { PlatformRole } from "../domain/policy.ts";
import type { Env } from "../env.ts";
import { log } from "../logging.ts";
import { jobObject } from "./api.ts";
import { KINDS } from "./kinds/kinds.ts";
import { started } from "./progress.ts";
import { viewOf } from "./view.ts";

/** A job that is to be started. */
export interface JobRequest {
  kind: JobKind;
  /** The conversation or user that it concerns; null: all. */
  target: string | null;
  /** As the kind defines it. */
  params: unknown;
  startedBy: { userId: string; role: PlatformRole };
  /** What the audit log says of it; its details get the id of the job. Stored with the job, or neither is. */
  act?: Act;
}

/**
 * Starts a job, and resolves to its view. Refused with `job_running` where an unfinished one of that kind and target
 * exists, and with `too_many_jobs`. Once D1 has it, it is carried out: should its object not answer now, the cron
 * starts it within the hour. Throws on params that are not of the kind, and where D1 does not answer.
 */
export async function startJob(
  env: Env,
  { kind, target, params, startedBy, act }: JobRequest,
): Promise<Result<JobView>> {
  if (!KINDS[kind]?.accepts(params)) throw new Error(`not params of a job ${kind}`);
  const order: JobOrder = {
    ...{ id: crypto.randomUUID(), kind, target, params },
    createdBy: startedBy.userId,
    createdRole: startedBy.role,
    createdAt: Date.now(),
  };
  const recorded = act && { ...act, details: { jobId: order.id, ...act.details } };
  const added = await addJob(directoryOf(env.DB), order, recorded);
  if (added === "running") return fail("job_running");
  if (added === "many") return fail("too_many_jobs");
  try {
    return ok(await jobObject(env, order.id).start(order));
  } catch (error) {
    log("job_start_failed", { jobId: order.id, kind, error });
    return ok(viewOf({ order, progress: started(order.createdAt) }));
  }
}
