import type { PlatformRole } from "./policy.ts";

/** What an operator may have carried out in the background. */
export const JOB_KINDS = [
  "rebuild",
  "export-conversation",
  "export-user",
  "erase-user",
  "delete-conversation",
  "restore-conversation",
  "retention",
  "legal-hold",
] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/**
 * `cancelling`: it was asked to stop, and undoes what is unfinished. The last three are final.
 */
export const JOB_STATES = ["running", "cancelling", "done", "failed", "cancelled"] as const;
export type JobState = (typeof JOB_STATES)[number];

/** Whether a job has ended: its state does not change any more. */
export function isFinal(state: JobState): boolean {
  return state === "done" || state === "failed" || state === "cancelled";
}

/** What was asked for, by whom. */
export interface JobOrder {
  /** A random UUID. */
  id: string;
  /** A {@link JobKind}, or one of a later version. */
  kind: string;
  /** The conversation or user that it concerns; null: all. */
  target: string | null;
  /** JSON, as the kind defines it. */
  params: unknown;
  createdBy: string;
  /** The role in their token, which is why they were allowed to. */
  createdRole: PlatformRole;
  /** Milliseconds since the epoch, as all times here. */
  createdAt: number;
}

/** What operators are shown of a job. */
export interface JobView extends Omit<JobOrder, "params" | "createdRole"> {
  state: JobState;
  /** How much is done, of how much; null: not known. */
  done: number;
  total: number | null;
  /** What it came to, once it is done; null where there is nothing to say. */
  result: Record<string, unknown> | null;
  /** An error code, once it has failed. */
  error: string | null;
  /** Rises with every change of the others. */
  changedAt: number;
  finishedAt: number | null;
}
