import type { JobView } from "../domain/job.ts";
import type { StoredJob } from "./table.ts";

/** A stored job as operators are shown it. */
export function viewOf({ order, progress }: Pick<StoredJob, "order" | "progress">): JobView {
  const { id, kind, target, createdBy, createdAt } = order;
  const { state, done, total, result, error, changedAt, finishedAt } = progress;
  return {
    ...{ id, kind, target, state, done, total, result },
    // Until what it has done is undone, it is running.
    error: state === "failed" ? error : null,
    ...{ createdBy, createdAt, changedAt, finishedAt },
  };
}
