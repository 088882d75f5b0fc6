import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import type { JobContext } from "../../src/jobs/kind.ts";
import { jobOf } from "../../src/jobs/kind.ts";
import { eraseUser } from "../../src/jobs/kinds/erase-user.ts";
import { person } from "../support.ts";
import { crawl } from "./crawler.ts";
import { orderOf, replaced, runJob } from "./with-kills.ts";

/** Where the audit log names an erased person in what others did. */

const [admin, host] = await Promise.all([
  person("admin", { role: "admin" }),
  person("host", { role: "service" }),
]);

const actsWith = async (text: string) => {
  const { results } = await env.DB.prepare("SELECT action FROM audit WHERE instr(details, ?) > 0")
    .bind(text)
    .all<{ action: string }>();
  return results.map(({ action }) => action);
};

const erase = async (userId: string) => {
  const order = orderOf("erase-user", { userId, messages: "keep" }, userId);
  const { view } = await runJob(order, { kills: false });
  expect(view).toMatchObject({ state: "done", error: null });
};

test("a group that a service has created for others", async () => {
  const [ada, bob] = await Promise.all([person(), person()]);
  const participantIds = [ada.userId, bob.userId];
  await host.post("/api/v1/chat/conversations/group", { participantIds });
  await vi.waitFor(async () => expect(await actsWith(bob.userId)).toEqual(["conversation.create"]));
  await erase(bob.userId);
  expect(await crawl([bob.userId])).toEqual([]);
}, 60_000);

test("a job that spread a legal hold on them, and was cancelled", async () => {
  const ada = await person();
  const path = `/api/admin/users/${ada.userId}/legal-hold`;
  const { body } = await admin.put(path, { reason: "a court" });
  const cancelled = await admin.post(`/api/admin/jobs/${body.job.id}/cancel`);
  expect(cancelled.status).toBe(202);
  await vi.waitFor(async () => {
    const shown = await admin.get(`/api/admin/jobs/${body.job.id}`);
    expect(shown.body.job.state).toBe("cancelled");
  });
  const lifted = await admin.delete(path, { reason: "no court" });
  expect(lifted.status).toBe(202);
  await erase(ada.userId);
  expect(await crawl([ada.userId])).toEqual([]);
}, 60_000);

test("a ban that is renewed when the log was written without them already", async () => {
  const ada = await person();
  const steps = jobOf(eraseUser);
  const late = {
    ...steps,
    async step(context: JobContext, params: unknown, before: unknown) {
      const state = eraseUser.state.parse(before);
      if (state.phase !== "reports") return await steps.step(context, params, state);
      // As if it had taken minutes until here.
      await env.DB.prepare("UPDATE bans SET until = ? WHERE user_id = ?")
        .bind(Date.now() + 60_000, ada.userId)
        .run();
      return await steps.step(context, params, { ...state, refusedUntil: 0 });
    },
  };
  const restore = replaced("erase-user", () => late);
  try {
    await erase(ada.userId);
  } finally {
    restore();
  }
  expect(await crawl([ada.userId])).toEqual([]);
}, 60_000);
