import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { healthSchema } from "../../src/contract/health.ts";
import worker from "../../src/index.ts";
import { person } from "../support.ts";

/** `GET /api/admin/health`: what a deployment says of itself. */

const admin = await person("admin", { role: "admin" });

afterEach(() => {
  vi.restoreAllMocks();
});

async function reported() {
  const { status, body } = await admin.get("/api/admin/health");
  expect(status).toBe(200);
  return healthSchema.parse(body);
}

test("everything that is used answers, and nothing stays of it", async () => {
  const before = await env.FILES.list();
  const health = await reported();
  expect(health.checks.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
    "d1 ok",
    "r2 ok",
    "conversations ok",
    "inboxes ok",
    "gateways ok",
    "jobs ok",
  ]);
  expect(health.caller).toEqual({ userId: admin.userId, role: "admin" });
  expect(health.database.appliedMigration).toBe(health.database.newestMigration);
  const skew = Date.parse(health.database.time ?? "") - Date.parse(health.time);
  expect(Math.abs(skew)).toBeLessThan(5_000);
  expect((await env.FILES.list()).objects.map(({ key }) => key)).toEqual(
    before.objects.map(({ key }) => key),
  );
});

test("no secret is in it", async () => {
  const { body } = await admin.get("/api/admin/health");
  const text = JSON.stringify(body);
  for (const secret of ["test-jwt", "test-id", "test-files", "dGVzdC12YXBpZC"]) {
    expect(text).not.toContain(secret);
  }
});

test("only admins see it", async () => {
  for (const role of ["user", "resolver", "support"]) {
    const { status, body } = await (await person("other", { role })).get("/api/admin/health");
    expect([role, status, body.code]).toEqual([role, 403, "forbidden"]);
  }
});

test("what fails is named, and the rest is reported nevertheless", async () => {
  vi.spyOn(env.FILES, "put").mockRejectedValue(new Error("R2 is away"));
  const prepare = vi.spyOn(env.DB, "prepare").mockImplementation(() => {
    throw new Error("D1 is away");
  });
  const health = await reported();
  prepare.mockRestore();
  expect(health.checks.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
    "d1 failed",
    "r2 failed",
    "conversations ok",
    "inboxes ok",
    "gateways ok",
    "jobs ok",
  ]);
  expect(health.database).toMatchObject({ time: null, appliedMigration: null });
  expect(health.cron.finishedAt).toBeNull();
});

test("the end of the cron is noted", async () => {
  await worker.scheduled(createScheduledController({ scheduledTime: new Date() }), env);
  const { cron, time } = await reported();
  const age = Date.parse(time) - Date.parse(cron.finishedAt ?? "");
  expect(Math.abs(age)).toBeLessThan(30_000);
});
