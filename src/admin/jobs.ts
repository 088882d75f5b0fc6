import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { userId, wholeNumber } from "../contract/fields.ts";
import { jobAnswer, jobAnswerSchema, jobsSchema } from "../contract/jobs.ts";
import { jsonBodyOf, jsonOf } from "../contract/openapi.ts";
import { addActs } from "../directory/audit.ts";
import { jobById, jobsThat, type ListedJob } from "../directory/jobs.ts";
import type { Act } from "../domain/act.ts";
import { ok } from "../domain/error.ts";
import { isFinal, JOB_STATES } from "../domain/job.ts";
import { retentionText } from "../domain/retention.ts";
import { readsDirectory } from "../edge/auth.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { emptyAsObject } from "../edge/json-body.ts";
import { refuse, unwrapped } from "../edge/refusal.ts";
import { jobObject } from "../jobs/api.ts";
import { startJob } from "../jobs/start.ts";
import { cursorOf, placeOf } from "./cursor.ts";

/** Jobs of one page at most. */
const MAX_JOBS = 200;

const job = z.object({ id: z.string() });

const list = createRoute({
  method: "get",
  path: "/jobs",
  operationId: "listJobs",
  summary: "Jobs of the last 90 days",
  description: "The newest first. Progress is some seconds old at most.",
  middleware: [readsDirectory] as const,
  request: {
    query: z.object({
      state: z.enum(JOB_STATES).optional(),
      kind: z.string().min(1).max(100).optional().openapi({ example: "export-user" }),
      target: userId.optional().openapi({ description: "A conversation or a user" }),
      cursor: z.string().max(1_000).optional(),
      limit: wholeNumber(50, 1, MAX_JOBS),
    }),
  },
  responses: { 200: jsonOf("A page of jobs", jobsSchema) },
});

const show = createRoute({
  method: "get",
  path: "/jobs/{id}",
  operationId: "getJob",
  summary: "How far a job is",
  middleware: [readsDirectory] as const,
  request: { params: job },
  responses: { 200: jsonOf("The job", jobAnswerSchema) },
});

const cancel = createRoute({
  method: "post",
  path: "/jobs/{id}/cancel",
  operationId: "cancelJob",
  summary: "Have a job stop",
  description:
    "It stops behind its present step, undoes what is unfinished, and is `cancelled` then. What it has deleted or " +
    "erased by then stays so. Refused with `job_finished` where it has ended.",
  middleware: [readsDirectory, emptyAsObject] as const,
  request: { params: job },
  responses: {
    202: jsonOf("The job, which is stopping", jobAnswerSchema),
    409: { description: "The job has ended" },
  },
});

const start = createRoute({
  method: "post",
  path: "/jobs",
  operationId: "startJob",
  summary: "Rebuild D1 from the conversations' objects, or check retention, as a job",
  description:
    "Those that D1 knows; for a D1 that has lost its list, see `/api/admin/rebuild`. Or, with `retention`, have all " +
    "conversations look at what is due by `RETENTION_DAYS`. The other kinds of job are started by what they concern.",
  middleware: [readsDirectory] as const,
  request: { body: jsonBodyOf(z.object({ kind: z.enum(["rebuild", "retention"]) })) },
  responses: {
    202: jsonOf("The job", jobAnswerSchema),
    409: { description: "There is an unfinished one" },
  },
});

/** Jobs, of `/api/admin`. */
export function jobRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(list, async (c) => {
    const { cursor, limit, ...filter } = c.req.valid("query");
    const [createdAt, id] = cursor === undefined ? [] : placeOf(cursor);
    const behind = createdAt === undefined || id === undefined ? undefined : { createdAt, id };
    const found = await jobsThat(c.get("directory"), filter, { behind, limit: limit + 1 });
    const items = found.slice(0, limit);
    const last = found.length > limit ? items.at(-1) : undefined;
    const next = last && cursorOf(last.createdAt, last.id);
    return c.json({ items: items.map(jobAnswer), ...(next !== undefined && { next }) }, 200);
  });

  app.openapi(show, async (c) => {
    const { view } = await known(c, c.req.valid("param").id);
    if (isFinal(view.state)) return c.json({ job: jobAnswer(view) }, 200);
    // Its object knows better; where it does not answer, what D1 knows is a few seconds old.
    const present = await jobObject(c.env, view.id)
      .view()
      .catch(() => undefined);
    return c.json({ job: jobAnswer({ ...(present ?? view), target: view.target }) }, 200);
  });

  app.openapi(cancel, async (c) => {
    const { order, view } = await known(c, c.req.valid("param").id);
    if (isFinal(view.state)) refuse("job_finished");
    const object = jobObject(c.env, order.id);
    let answer = await object.cancel();
    if (!answer) {
      // D1 alone knows of it: it has yet to be started.
      await object.start(order);
      answer = (await object.cancel()) ?? ok(view);
    }
    const cancelled = unwrapped(answer);
    const { kind, target } = order;
    const isOfUser = kind === "legal-hold" || kind.endsWith("-user");
    await addActs(c.get("directory"), [
      actOf(c, "job.cancel", {
        // Of a user it is written where it is found when they are erased.
        ...(isOfUser && target !== null && { targetId: target }),
        details: { jobId: order.id, kind, ...(!isOfUser && { target }) },
      }),
    ]);
    return c.json({ job: jobAnswer(cancelled) }, 202);
  });

  app.openapi(start, async (c) => {
    const { kind } = c.req.valid("json");
    const { userId, role } = c.get("actor");
    const params =
      kind === "retention" ? { setting: retentionText(c.get("settings").RETENTION_DAYS) } : {};
    const request = { kind, target: null, params, startedBy: { userId, role } };
    const act = actOf(c, kind === "rebuild" ? "directory.rebuild" : "retention.check", {});
    const started = unwrapped(await startJob(c.env, { ...request, act }));
    return c.json({ job: jobAnswer(started) }, 202);
  });
}

async function known(c: Context<EdgeEnv>, id: string): Promise<ListedJob> {
  return (await jobById(c.get("directory"), id.toLowerCase())) ?? refuse("job_not_found");
}

/** An act of the caller, now. */
export function actOf(
  c: Context<EdgeEnv>,
  action: string,
  more: Partial<Omit<Act, "id" | "at" | "actorId" | "actorRole" | "action">>,
): Act {
  const { userId, role } = c.get("actor");
  const base = { id: crypto.randomUUID(), at: Date.now(), actorId: userId, actorRole: role };
  return { ...base, action, ...more };
}
