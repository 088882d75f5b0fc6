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
