import type { Directory } from "../directory/directory.ts";
import { deleteOldJobs, finishReportedJob, silentJobs } from "../directory/jobs.ts";
import type { Env } from "../env.ts";
import { log } from "../logging.ts";
import { jobObject } from "./api.ts";

/** A job is asked about when D1 has heard nothing of it for so long. */
const SILENT_MS = 5 * 60_000;
/**
 * Of a job that its object does not know: until then it was never started, and is. Afterwards it may have ended
 * long ago, where D1 was restored to an earlier time.
 */
const STARTED_WITHIN_MS = 24 * 3_600_000;

/**
 * For the cron: starts jobs of which D1 alone knows, has those go on that are silent, and forgets those of long
 * ago. At most 20 calls of objects.
 */
export async function superviseJobs(env: Env, directory: Directory, now: number): Promise<void> {
  for (const { order, view } of await silentJobs(directory, now - SILENT_MS)) {
    try {
      const job = jobObject(env, order.id);
      if (now - order.createdAt < STARTED_WITHIN_MS || (await job.view())) await job.start(order);
      else {
        const end = {
          state: "failed",
          error: "internal",
          finishedAt: now,
          changedAt: now,
        } as const;
        await finishReportedJob(directory, { ...view, ...end });
        log("job_lost", { jobId: order.id, kind: order.kind });
      }
    } catch (error) {
      log("job_start_failed", { jobId: order.id, kind: order.kind, error });
    }
  }
  await deleteOldJobs(directory, now);
}
