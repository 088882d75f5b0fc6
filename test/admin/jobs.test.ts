import { env } from "cloudflare:workers";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { directoryOf } from "../../src/directory/directory.ts";
import { jobOf } from "../../src/jobs/kind.ts";
import { startJob } from "../../src/jobs/start.ts";
import { superviseJobs } from "../../src/jobs/supervise.ts";
import { fireUntilEnd, orderOf, replaced, runJob } from "../jobs/with-kills.ts";
import { type Caller, directPair, person, someone } from "../support.ts";

/** `/api/admin/jobs`. */

let admin: Caller;
beforeAll(async () => {
  admin = await person("admin", { role: "admin" });
});
let restore: (() => void) | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  restore?.();
  restore = undefined;
  // None of one test keeps those of the next from beginning.
  await env.DB.prepare(
    "UPDATE jobs SET state = 'cancelled' WHERE state IN ('running', 'cancelling')",
  ).run();
});

/** Jobs that never end by themselves. */
function endless(): void {
  restore = replaced("retention", () =>
    jobOf({
      params: z.object({}),
      state: z.number(),
      begin: () => 0,
      step: async (_context, _params, n) => {
        await Promise.resolve();
        return { state: n + 1, done: n + 1, total: null };
      },
    }),
  );
}

function started(target: string | null) {
  const startedBy = { userId: admin.userId, role: "admin" } as const;
  return startJob(env, { kind: "retention", target, params: {}, startedBy });
}

async function idOf(target: string | null): Promise<string> {
  const job = await started(target);
  if (!job.ok) throw new Error(job.error.code);
  return job.value.id;
}

test("403 for others than admins", async () => {
  const user = await person("user");
  for (const role of ["support", "resolver"]) {
    const staff = await person(role, { role });
    expect((await staff.get("/api/admin/jobs")).status).toBe(403);
  }
  expect((await user.get("/api/admin/jobs")).status).toBe(403);
  expect((await user.post("/api/admin/jobs", { kind: "rebuild" })).status).toBe(403);
});

test("rebuild: started, shown, listed, logged; D1 has again what was lost", async () => {
  const { alice, conversationId } = await directPair();
  await env.DB.prepare("DELETE FROM members WHERE conversation_id = ?").bind(conversationId).run();
  await env.DB.prepare("UPDATE conversations SET rev = 0, epoch = '' WHERE id = ?")
    .bind(conversationId)
    .run();
  const { status, body } = await admin.post("/api/admin/jobs", { kind: "rebuild" });
  expect(status).toBe(202);
  expect(body.job).toMatchObject({ kind: "rebuild", state: "running", createdBy: admin.userId });
  const { id } = body.job;
  expect((await admin.post("/api/admin/jobs", { kind: "rebuild" })).body).toMatchObject({
    code: "job_running",
  });
  await fireUntilEnd(id);
  await vi.waitFor(async () => {
    const shown = await admin.get(`/api/admin/jobs/${id}`);
    expect(shown.body.job).toMatchObject({ state: "done", result: { failed: 0 }, error: null });
    expect(shown.body.job.done).toBe(shown.body.job.total);
  });
  const listed = await admin.get("/api/admin/jobs?kind=rebuild&state=done&limit=1");
  expect(listed.body.items).toMatchObject([{ id }]);
  const log = await admin.get(`/api/admin/audit?action=directory.rebuild&actorId=${admin.userId}`);
  expect(log.body.items).toMatchObject([{ details: { jobId: id } }]);
  const chats = await alice.get("/api/v1/chat/conversations");
  expect(chats.body.map((row: { conversationId: string }) => row.conversationId)).toContain(
    conversationId,
  );
});

test("a job and its act are stored together, or neither is", async () => {
  const other = await person("admin", { role: "admin" });
  const { batch } = env.DB;
  // Each of its statements alone would be carried out.
  vi.spyOn(env.DB, "batch").mockImplementation((statements) =>
    batch.call(env.DB, [...statements, env.DB.prepare("INSERT INTO nowhere VALUES (1)")]),
  );
  expect((await other.post("/api/admin/jobs", { kind: "retention" })).status).toBeGreaterThan(499);
  vi.restoreAllMocks();
  const [jobs, acts] = await Promise.all([
    other.get("/api/admin/jobs?kind=retention&state=running"),
    other.get(`/api/admin/audit?actorId=${other.userId}`),
  ]);
  expect([jobs.body.items, acts.body.items]).toEqual([[], []]);
});

test("404 for an unknown job, 409 for one that has ended, 202 for one that is cancelled", async () => {
  endless();
  for (const id of [crypto.randomUUID(), "none"]) {
    expect((await admin.get(`/api/admin/jobs/${id}`)).body.code).toBe("job_not_found");
    const cancelled = await admin.post(`/api/admin/jobs/${id}/cancel`);
    expect(cancelled.body.code).toBe("job_not_found");
  }
  const id = await idOf(someone());
  const { status, body } = await admin.post(`/api/admin/jobs/${id}/cancel`);
  expect([status, body.job.state]).toEqual([202, "cancelling"]);
  expect((await fireUntilEnd(id)).state).toBe("cancelled");
  await vi.waitFor(async () => {
    const again = await admin.post(`/api/admin/jobs/${id}/cancel`);
    expect([again.status, again.body.code]).toEqual([409, "job_finished"]);
  });
  const log = await admin.get(`/api/admin/audit?action=job.cancel&actorId=${admin.userId}`);
  expect(log.body.items).toMatchObject([{ details: { jobId: id, kind: "retention" } }]);
});

test("one of a kind for each target, and twenty in all, legal holds aside", async () => {
  endless();
  const { alice } = await directPair();
  const target = someone();
  const first = await idOf(target);
  expect(await started(target)).toMatchObject({ error: { code: "job_running" } });
  const others = await Promise.all(Array.from({ length: 19 }, () => idOf(someone())));
  expect(await started(someone())).toMatchObject({ error: { code: "too_many_jobs" } });
  // A court does not wait for them.
  const hold = `/api/admin/users/${alice.userId}/legal-hold`;
  const held = await admin.put(hold, { reason: "case 42" });
  expect(held.status).toBe(202);
  expect((await fireUntilEnd(held.body.job.id)).state).toBe("done");
  await admin.post(`/api/admin/jobs/${first}/cancel`);
  await fireUntilEnd(first);
  await vi.waitFor(async () => expect((await started(target)).ok).toBe(true));
  // Page by page, each once, the newest first.
  const seen: string[] = [];
  let cursor = "";
  do {
    const { body } = await admin.get(
      `/api/admin/jobs?kind=retention&state=running&limit=7${cursor}`,
    );
    seen.push(...body.items.map((job: { id: string }) => job.id));
    cursor = body.next === undefined ? "" : `&cursor=${encodeURIComponent(body.next)}`;
  } while (cursor !== "");
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen).toEqual(expect.arrayContaining(others));
  const one = await admin.get(`/api/admin/jobs?target=${target}`);
  expect(one.body.items.map((job: { state: string }) => job.state)).toEqual([
    "running",
    "cancelled",
  ]);
  for (const id of seen) await admin.post(`/api/admin/jobs/${id}/cancel`);
  for (const id of seen) await fireUntilEnd(id);
});

test("the cron starts what D1 alone knows, ends what is lost, and forgets jobs of long ago", async () => {
  endless();
  const row = async (id: string, age: number, state = "running") => {
    const at = Date.now() - age;
    await env.DB.prepare(
      `INSERT INTO jobs (id, kind, target, state, params, done, created_by, created_role, created_at, changed_at)
       VALUES (?, 'retention', ?, ?, '{}', 0, 'operator', 'admin', ?, ?)`,
    )
      .bind(id, id, state, at, at)
      .run();
    return id;
  };
  const HOUR = 3_600_000;
  const young = await row(crypto.randomUUID(), HOUR);
  const lost = await row(crypto.randomUUID(), 48 * HOUR);
  const old = await row(crypto.randomUUID(), 91 * 24 * HOUR, "done");
  const directory = directoryOf(env.DB);
  await superviseJobs(env, directory, Date.now());
  const stateOf = async (id: string) =>
    (await admin.get(`/api/admin/jobs/${id}`)).body.job?.state ?? "unknown";
  expect(await stateOf(young)).toBe("running");
  await admin.post(`/api/admin/jobs/${young}/cancel`);
  expect((await fireUntilEnd(young)).state).toBe("cancelled");
  expect([await stateOf(lost), await stateOf(old)]).toEqual(["failed", "unknown"]);
});

test("rebuild: ended in the midst of each step, it comes to the same", async () => {
  await directPair();
  const { view, kills } = await runJob(orderOf("rebuild", {}), { kills: true });
  expect(view).toMatchObject({ state: "done", result: { failed: 0 } });
  expect(view.done).toBe(view.total);
  expect(kills).toBeGreaterThan(3);
});
