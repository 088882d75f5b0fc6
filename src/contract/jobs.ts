import { z } from "@hono/zod-openapi";
import { JOB_STATES, type JobView } from "../domain/job.ts";
import { isoTime, isoTimeOrNull } from "../live/wire.ts";

/** Schemas of jobs; clients infer their types from them. */

const textOrNull = z.union([z.string(), z.null()]);
const timeOrNull = z.union([z.iso.datetime(), z.null()]);

export const jobSchema = z
  .object({
    id: z.uuid(),
    kind: z.string().openapi({ example: "rebuild" }),
    target: textOrNull.openapi({ description: "The conversation or user that it concerns" }),
    state: z.enum(JOB_STATES),
    done: z.number().int().openapi({ description: "How much is done" }),
    total: z.union([z.number().int(), z.null()]).openapi({ description: "Null: not known yet" }),
    result: z.union([z.record(z.string(), z.unknown()), z.null()]),
    error: textOrNull.openapi({ description: "The code of the error, once it has failed" }),
    createdBy: z.string(),
    createdAt: z.iso.datetime(),
    changedAt: z.iso.datetime(),
    finishedAt: timeOrNull,
  })
  .openapi("Job");
export type JobAnswer = z.infer<typeof jobSchema>;

/** The answer of what starts a job, and of what concerns one. */
export const jobAnswerSchema = z.object({ job: jobSchema });

export const jobsSchema = z
  .object({
    items: z.array(jobSchema),
    next: z.string().optional().openapi({ description: "The `cursor` of the next page, if any" }),
  })
  .openapi("Jobs");

/** A job as it is answered. */
export function jobAnswer({ createdAt, changedAt, finishedAt, ...view }: JobView): JobAnswer {
  return {
    ...view,
    createdAt: isoTime(createdAt),
    changedAt: isoTime(changedAt),
    finishedAt: isoTimeOrNull(finishedAt),
  };
}
