import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { Links } from "../../src/attachments/links.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { settingsOf } from "../../src/env.ts";
import { jobObject } from "../../src/jobs/api.ts";
import { archiveLink } from "../../src/jobs/archive/link.ts";
import { sweepArchives } from "../../src/jobs/archive/sweep.ts";
import { unpack } from "../jobs/unpack.ts";
import { fireUntilEnd, replaced } from "../jobs/with-kills.ts";
import { type Caller, groupOf, ORIGIN, person, send } from "../support.ts";

/** Exports over the admin API: who may, links, the audit log, cancelling, and the sweep. */

afterEach(() => vi.restoreAllMocks());

const ADMIN = "/api/admin";
const DAY_MS = 24 * 60 * 60_000;

async function group() {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const admin = await person("admin", { role: "admin" });
  const conversationId = await groupOf(alice, bob);
  await send(alice, conversationId, "hello");
  return { alice, bob, admin, conversationId };
}

/** Starts an export and has it done. */
async function exported(admin: Caller, path: string): Promise<string> {
  const { status, body } = await admin.post(`${ADMIN}${path}/export`, { reason: "they asked" });
  expect(status, JSON.stringify(body)).toBe(202);
  expect(await fireUntilEnd(body.job.id)).toMatchObject({ state: "done" });
  await reported(body.job.id, "done");
  return body.job.id;
}

/** Until D1 knows how a job has ended. */
function reported(jobId: string, state: string) {
  return vi.waitFor(async () => {
    await runDurableObjectAlarm(env.JOBS.getByName(jobId));
    const row = await env.DB.prepare("SELECT state FROM jobs WHERE id = ?").bind(jobId).first();
    expect(row).toEqual({ state });
  });
}

function download(url: string, init: RequestInit = {}) {
  return exports.default.fetch(new Request(url.startsWith("/") ? ORIGIN + url : url, init));
}

test("an admin exports a conversation and a person, and is given a link; each is in the audit log", async () => {
  const { alice, admin, conversationId } = await group();
  const conversation = await exported(admin, `/conversations/${conversationId}`);
  const user = await exported(admin, `/users/${alice.userId}`);
  for (const id of [conversation, user]) {
    const { status, body } = await admin.get(`${ADMIN}/jobs/${id}/archive`);
    expect(status).toBe(200);
    expect(Date.parse(body.expiresAt) - Date.now()).toBeGreaterThan(DAY_MS - 60_000);
    expect(Date.parse(body.expiresAt) - Date.now()).toBeLessThanOrEqual(DAY_MS);
    const file = await download(body.url);
    expect(file.status).toBe(200);
    expect(Object.fromEntries(file.headers)).toMatchObject({
      "content-type": "application/x-tar",
      "content-disposition": `attachment; filename=export-${id}.tar`,
      "content-length": String(body.size),
      "x-content-type-options": "nosniff",
      "cache-control": "private, no-store, no-transform",
    });
    const bytes = new Uint8Array(await file.arrayBuffer());
    expect(bytes.length).toBe(body.size);
    const entries = await unpack(new Blob([bytes]).stream());
    expect(entries.some(({ text }) => text.includes('"content":"hello"'))).toBe(true);
    const part = await download(body.url, { headers: { Range: "bytes=100-199" } });
    expect(part.status).toBe(206);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.slice(100, 200));
  }
  const { body } = await admin.get(`${ADMIN}/audit?actorId=${admin.userId}`);
  expect(body.items.map(({ action }: { action: string }) => action).sort()).toEqual(
    ["archive.link", "archive.link", "conversation.export", "user.export"].sort(),
  );
  const acts = Object.groupBy(body.items as { action: string }[], ({ action }) => action);
  expect(acts["user.export"]).toMatchObject([{ targetId: alice.userId, reason: "they asked" }]);
  expect(acts["conversation.export"]).toMatchObject([{ conversationId, reason: "they asked" }]);
});

test("only admins export and get links; a reason is needed; what is not there is not exported", async () => {
  const { alice, bob, admin, conversationId } = await group();
  const id = await exported(admin, `/users/${alice.userId}`);
  for (const who of [alice, bob, await person("resolver", { role: "resolver" })]) {
    for (const answer of [
      who.post(`${ADMIN}/conversations/${conversationId}/export`, { reason: "mine" }),
      who.post(`${ADMIN}/users/${who.userId}/export`, { reason: "mine" }),
      who.get(`${ADMIN}/jobs/${id}/archive`),
    ]) {
      expect((await answer).body.code).toBe("forbidden");
    }
  }
  const refused = async (answer: Promise<{ body: { code: string } }>) => (await answer).body.code;
  const gone = "00000000-0000-8000-8000-000000000000";
  expect(await refused(admin.post(`${ADMIN}/users/${alice.userId}/export`, {}))).toBe(
    "invalid_request",
  );
  expect(await refused(admin.post(`${ADMIN}/users/nobody-here/export`, { reason: "r" }))).toBe(
    "user_not_found",
  );
  expect(await refused(admin.post(`${ADMIN}/conversations/${gone}/export`, { reason: "r" }))).toBe(
    "conversation_not_found",
  );
  expect(await refused(admin.get(`${ADMIN}/jobs/${gone}/archive`))).toBe("job_not_found");
});

test("a link that is altered, expired, of another job or of a file is refused", async () => {
  const { alice, admin, conversationId } = await group();
  const id = await exported(admin, `/users/${alice.userId}`);
  const other = await exported(admin, `/conversations/${conversationId}`);
  const settings = settingsOf(env);
  if (settings instanceof Error) throw settings;
  const { FILES_SECRET } = settings;
  const now = Date.now();
  const { url } = archiveLink(FILES_SECRET, ORIGIN, id, now);
  expect((await download(url, { method: "HEAD" })).status).toBe(200);
  const file = new URL(new Links(FILES_SECRET, ORIGIN).linkTo({ key: id, mimeType: "x" }, now));
  const bad = [
    url.replace(id, other),
    url.replace(/signature=./, "signature="),
    url.replace(/expires=\d+/, (given) => `expires=${Number(given.slice(8)) + 1}`),
    `${url}0`,
    `${ORIGIN}/api/exports/${id}`,
    `${ORIGIN}/api/exports/${id}${file.search}`,
    archiveLink(["another-secret-0123456789abcdefghijkl"], ORIGIN, id, now).url,
    archiveLink(FILES_SECRET, ORIGIN, id, now - DAY_MS - 1_000).url,
  ];
  for (const link of bad) {
    const answer = await download(link);
    expect(answer.status, link).toBe(403);
    expect(await answer.json()).toMatchObject({ code: "invalid_link" });
  }
  // Nor is a link to an archive one to a file.
  const { search } = new URL(url);
  expect((await download(`/uploads/chat/${id}.pdf${search}&disposition=inline`)).status).toBe(403);
});

test("archives are swept seven days after their end, and not before", async () => {
  const { alice, admin } = await group();
  const id = await exported(admin, `/users/${alice.userId}`);
  const key = `exports/${id}.tar`;
  const directory = directoryOf(env.DB);
  const finished = await env.DB.prepare("SELECT finished_at AS at FROM jobs WHERE id = ?")
    .bind(id)
    .first<{ at: number }>();
  const end = finished?.at ?? 0;
  await sweepArchives(directory, env.FILES, end + 7 * DAY_MS - 1);
  expect((await env.FILES.head(key))?.size).toBeGreaterThan(0);
  expect((await admin.get(`${ADMIN}/jobs/${id}/archive`)).status).toBe(200);
  const { url } = (await admin.get(`${ADMIN}/jobs/${id}/archive`)).body;
  expect(await sweepArchives(directory, env.FILES, end + 7 * DAY_MS + 1)).toBeGreaterThan(0);
  expect(await env.FILES.head(key)).toBeNull();
  expect((await admin.get(`${ADMIN}/jobs/${id}/archive`)).body.code).toBe("archive_gone");
  expect((await download(url)).status).toBe(410);
  expect(await sweepArchives(directory, env.FILES, end + 7 * DAY_MS + 1)).toBe(0);
});

test("an export that is cancelled while it uploads leaves nothing", async () => {
  const { admin, conversationId } = await group();
  const aborted = vi.fn();
  let cancel: (() => Promise<unknown>) | undefined;
  const restore = replaced("export-conversation", (kind) => {
    if (!kind) throw new Error("no kind");
    return {
      accepts: (params) => kind.accepts(params),
      begin: (params) => kind.begin(params),
      undo: async (context, params, state) => {
        const rows = () =>
          context.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'export%'");
        expect(rows().toArray().length).toBeGreaterThan(0);
        const [upload] = context.sql
          .exec<{ etag: string }>("SELECT etag FROM export_parts WHERE number = 0")
          .toArray();
        await kind.undo(context, params, state);
        expect(rows().toArray()).toEqual([]);
        const key = `exports/${context.jobId}.tar`;
        const gone = context.env.FILES.resumeMultipartUpload(key, upload?.etag ?? "");
        await expect(gone.uploadPart(1, "x")).rejects.toThrow();
        aborted(upload?.etag);
      },
      step: async (context, params, state) => {
        const step = await kind.step(context, params, state);
        const { archive } = Object("state" in step ? step.state : undefined);
        if (archive?.at === "complete") await cancel?.();
        return step;
      },
    };
  });
  try {
    const { body } = await admin.post(`${ADMIN}/conversations/${conversationId}/export`, {
      reason: "r",
    });
    const { id } = body.job;
    cancel = () => jobObject(env, id).cancel();
    expect(await fireUntilEnd(id)).toMatchObject({ state: "cancelled" });
    expect(aborted).toHaveBeenCalledWith(expect.stringMatching(/./));
    expect(await env.FILES.head(`exports/${id}.tar`)).toBeNull();
    await reported(id, "cancelled");
    expect((await admin.get(`${ADMIN}/jobs/${id}/archive`)).body.code).toBe("archive_gone");
    await runInDurableObject(env.JOBS.getByName(id), (_, { storage }) => {
      expect(
        storage.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'export%'").toArray(),
      ).toEqual([]);
    });
  } finally {
    restore();
  }
});
