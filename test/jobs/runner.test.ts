import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import type { JobView } from "../../src/domain/job.ts";
import { jobObject } from "../../src/jobs/api.ts";
import { jobOf } from "../../src/jobs/kind.ts";
import { startJob } from "../../src/jobs/start.ts";
import { fireUntilEnd, orderOf, replaced, runJob } from "./with-kills.ts";

/** Jobs in their real objects. The kind of these tests writes rows to R2, one for each step. */

const STEPS = 5;
let undo: (() => void) | undefined;
afterEach(() => {
  vi.restoreAllMocks();
  undo?.();
  undo = undefined;
});

/** Writes an object for each step, under a key of the step. */
function writing(
  more: { begun?: (n: number) => unknown; throwsAt?: number; failsAt?: number } = {},
) {
  undo = replaced("rebuild", () =>
    jobOf({
      params: z.object({}),
      state: z.object({ n: z.number() }),
      begin: () => ({ n: 0 }),
      async step({ env: bindings, jobId, sql }, _params, { n }) {
        await more.begun?.(n);
        sql.exec("CREATE TABLE IF NOT EXISTS seen (n INTEGER PRIMARY KEY)");
        sql.exec("INSERT OR IGNORE INTO seen VALUES (?)", n);
        if (more.throwsAt === n) throw new Error("out of order");
        await bindings.FILES.put(`test/${jobId}/${n}`, String(n));
        if (more.failsAt === n) return { failed: "legal_hold" };
        if (n + 1 < STEPS) return { state: { n: n + 1 }, done: n + 1, total: STEPS };
        const { seen } = sql.exec<{ seen: number }>("SELECT count(*) AS seen FROM seen").one();
        return { finished: { seen }, done: STEPS };
      },
      async undo({ env: bindings, jobId }) {
        for (let n = 0; n < STEPS; n++) await bindings.FILES.delete(`test/${jobId}/${n}`);
      },
    }),
  );
}

async function written(jobId: string): Promise<number> {
  return (await env.FILES.list({ prefix: `test/${jobId}/` })).objects.length;
}

function inD1(jobId: string) {
  return env.DB.prepare("SELECT * FROM jobs WHERE id = ?")
    .bind(jobId)
    .first<Record<string, unknown>>();
}

test("a job is carried out, and D1 has how it ended", async () => {
  writing();
  const started = await startJob(env, {
    ...{ kind: "rebuild", target: "somebody", params: {} },
    startedBy: { userId: "operator", role: "admin" },
  });
  if (!started.ok) throw new Error(started.error.code);
  const { id } = started.value;
  expect(started.value).toMatchObject({
    state: "running",
    done: 0,
    total: null,
    target: "somebody",
  });
  const end = await fireUntilEnd(id);
  expect(end).toMatchObject({ state: "done", done: STEPS, total: STEPS, result: { seen: STEPS } });
  await vi.waitFor(async () => {
    expect(await inD1(id)).toMatchObject({
      state: "done",
      done: STEPS,
      finished_at: end.finishedAt,
    });
  });
  expect(await written(id)).toBe(STEPS);
});

test("ended in the midst of every step, it ends once, with what each step does done once", async () => {
  const begun = new Map<number, number>();
  writing({ begun: (n) => begun.set(n, (begun.get(n) ?? 0) + 1) });
  const { view, kills } = await runJob(orderOf("rebuild", {}), { kills: true });
  expect(view).toMatchObject({ state: "done", done: STEPS, result: { seen: STEPS } });
  expect(await written(view.id)).toBe(STEPS);
  expect(kills).toBeGreaterThanOrEqual(STEPS);
  // Steps were indeed repeated.
  expect([...begun.values()].reduce((a, b) => a + b)).toBeGreaterThan(STEPS);
});

test.each(Array.from({ length: STEPS }, (_, n) => n))(
  "cancelled during step %i: it is undone, and is cancelled",
  async (at) => {
    const order = orderOf("rebuild", {});
    const object = jobObject(env, order.id);
    writing({ begun: (n) => n === at && jobObject(env, order.id).cancel() });
    await object.start(order);
    const end = await fireUntilEnd(order.id);
    // Behind the last step there is nothing to stop any more.
    const isDone = at === STEPS - 1;
    expect(end.state).toBe(isDone ? "done" : "cancelled");
    expect(await written(order.id)).toBe(isDone ? STEPS : 0);
    expect(await object.cancel()).toMatchObject({ ok: false, error: { code: "job_finished" } });
  },
);

test("ended in the midst of undoing, a cancelled job is cancelled", async () => {
  writing({ throwsAt: 3 });
  const order = orderOf("rebuild", {});
  const object = jobObject(env, order.id);
  await object.start(order);
  for (let i = 0; i < 3; i++) await runDurableObjectAlarm(env.JOBS.getByName(order.id));
  expect(await written(order.id)).toBe(3);
  expect(await object.cancel()).toMatchObject({ ok: true, value: { state: "cancelling" } });
  const { view, kills } = await runJob(order, { kills: true });
  expect(view).toMatchObject({ state: "cancelled", error: null });
  expect(await written(order.id)).toBe(0);
  expect(kills).toBeGreaterThan(STEPS);
});

test("what cannot be done is undone, and has failed", async () => {
  writing({ failsAt: 2 });
  const { view } = await runJob(orderOf("rebuild", {}), { kills: true });
  expect(view).toMatchObject({ state: "failed", error: "legal_hold" });
  expect(await written(view.id)).toBe(0);
});

test("while D1 is out of order, the job goes on, and D1 gets its end afterwards", async () => {
  writing();
  const order = orderOf("rebuild", {});
  const broken = vi.spyOn(env.DB, "prepare").mockImplementation(() => {
    throw new Error("D1_ERROR: out of order");
  });
  await jobObject(env, order.id).start(order);
  const end = await fireUntilEnd(order.id);
  const object = env.JOBS.getByName(order.id);
  for (let i = 0; i < 5; i++) expect(await runDurableObjectAlarm(object)).toBe(true);
  expect(end.state).toBe("done");
  broken.mockRestore();
  await runDurableObjectAlarm(object);
  expect(await inD1(order.id)).toMatchObject({ state: "done", done: STEPS });
});

test("D1: an older state overwrites neither a newer nor a final one", async () => {
  writing();
  const { directoryOf } = await import("../../src/directory/directory.ts");
  const { reportJob, jobById } = await import("../../src/directory/jobs.ts");
  const order = orderOf("rebuild", {});
  const directory = directoryOf(env.DB);
  const { params: _, createdRole: __, ...shown } = order;
  const view = (more: Partial<JobView>): JobView => ({
    ...shown,
    ...{ state: "running", done: 0, total: null, result: null, error: null, finishedAt: null },
    ...{ changedAt: 1_000, ...more },
  });
  const stored = async () => (await jobById(directory, order.id))?.view;
  await reportJob(directory, view({ done: 5, changedAt: 2_000 }), order);
  await reportJob(directory, view({ done: 4 }), order);
  expect(await stored()).toMatchObject({ done: 5, changedAt: 2_000 });
  await reportJob(directory, view({ state: "done", changedAt: 3_000, finishedAt: 3_000 }), order);
  await reportJob(directory, view({ state: "failed", changedAt: 4_000 }), order);
  expect(await stored()).toMatchObject({ state: "done", changedAt: 3_000 });
});

test("a kind that this version does not know waits, and goes on with one that does", async () => {
  const order = orderOf("restore-conversation", { from: "a later version" });
  await jobObject(env, order.id).start({ ...order, kind: "of a later version" });
  const object = env.JOBS.getByName(order.id);
  for (let i = 0; i < 3; i++) expect(await runDurableObjectAlarm(object)).toBe(true);
  expect(await jobObject(env, order.id).view()).toMatchObject({ state: "running", done: 0 });
  await runInDurableObject(object, (_, { storage }) => {
    storage.sql.exec(`UPDATE job SET ordered = json_set(ordered, '$.kind', 'rebuild')`);
  });
  writing();
  expect(await fireUntilEnd(order.id)).toMatchObject({ state: "done" });
});

test("a job that comes no further does not go on at once", async () => {
  let steps = 0;
  undo = replaced("rebuild", () =>
    jobOf({
      params: z.object({}),
      state: z.object({}),
      begin: () => ({}),
      async step() {
        steps++;
        return steps < 6 ? { state: {}, done: 0, total: null } : { finished: null, done: 0 };
      },
    }),
  );
  const order = orderOf("rebuild", {});
  await jobObject(env, order.id).start(order);
  const began = Date.now();
  await vi.waitFor(() => expect(steps).toBe(6), { timeout: 10_000 });
  // The second step finds that the first was the same.
  expect(Date.now() - began).toBeGreaterThan(4 * 450);
  expect((await fireUntilEnd(order.id)).state).toBe("done");
});

test("an unknown job stores nothing", async () => {
  const id = crypto.randomUUID();
  expect(await jobObject(env, id).view()).toBeUndefined();
  expect(await jobObject(env, id).cancel()).toBeUndefined();
  await runInDurableObject(env.JOBS.getByName(id), async (_, { storage }) => {
    const tables = storage.sql.exec("SELECT name FROM sqlite_master").toArray();
    expect(tables).toEqual([]);
    expect(await storage.getAlarm()).toBeNull();
  });
});

test("once D1 has its end, the object keeps nothing but that, and a week later nothing", async () => {
  writing();
  const { view } = await runJob(orderOf("rebuild", {}, "somebody"), { kills: false });
  const object = env.JOBS.getByName(view.id);
  await vi.waitFor(async () => {
    await runDurableObjectAlarm(object);
    await runInDurableObject(object, (_, { storage }) => {
      const { sql } = storage;
      const tables = sql
        .exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
        .toArray();
      expect(tables).toEqual([{ name: "job" }]);
      expect(JSON.stringify(sql.exec("SELECT * FROM job").toArray())).not.toContain("somebody");
    });
  });
  // D1 was restored to an earlier time: the job is not done again, and D1 is told how it ended.
  await env.DB.prepare("UPDATE jobs SET state = 'running', finished_at = NULL WHERE id = ?")
    .bind(view.id)
    .run();
  await jobObject(env, view.id).start(orderOf("rebuild", {}));
  await runDurableObjectAlarm(object);
  expect(await inD1(view.id)).toMatchObject({ state: "done", done: STEPS });
  const later = Date.now() + 8 * 24 * 3_600_000;
  vi.spyOn(Date, "now").mockReturnValue(later);
  await runDurableObjectAlarm(object);
  vi.restoreAllMocks();
  expect(await jobObject(env, view.id).view()).toBeUndefined();
  await runInDurableObject(object, async (_, { storage }) => {
    expect(await storage.getAlarm()).toBeNull();
  });
});
