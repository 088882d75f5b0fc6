import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { directoryOf } from "../../src/directory/directory.ts";
import { liftHold, placeHold } from "../../src/directory/legal-holds.ts";
import { type Caller, directPair, groupOf, person, send, tokenFor } from "../support.ts";
import { crawl } from "./crawler.ts";
import { orderOf, runJob } from "./with-kills.ts";

/** What an erasure is refused for, what it leaves, and that it ends once however often it is ended. */

const admin = await person("admin", { role: "admin" });
const reason = "they asked for it";

const eraseOf = (
  userId: string,
  by: Caller = admin,
  body: object = { messages: "clear", reason },
) => by.post(`/api/admin/users/${encodeURIComponent(userId)}/erase`, body);

const orderFor = ({ userId }: Caller, messages = "clear") =>
  orderOf("erase-user", { userId, messages }, userId);

const held = (subject: "user" | "conversation", id: string) =>
  placeHold(directoryOf(env.DB), {
    ...{ subject, id, placedBy: admin.userId, placedAt: Date.now(), reason: "a court" },
  });

test("the route starts a job, and the log says who was erased by an id of nobody", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(alice, conversationId, "hello");
  const { status, body } = await eraseOf(alice.userId);
  expect(status).toBe(202);
  expect(body.job).toMatchObject({ kind: "erase-user", target: alice.userId, state: "running" });
  expect((await eraseOf(alice.userId)).body.code).toBe("job_running");
  await vi.waitFor(async () => {
    expect((await alice.get("/api/v1/chat/conversations")).body.code).toBe("banned");
  }, 10_000);
  expect((await send(alice, conversationId, "still here?")).body.code).toBe("banned");
  await vi.waitFor(
    async () => {
      const { job } = (await admin.get(`/api/admin/jobs/${body.job.id}`)).body;
      expect(job).toMatchObject({ state: "done", target: null });
    },
    { timeout: 40_000, interval: 500 },
  );
  const { items } = (await admin.get("/api/admin/audit?action=user.erase")).body;
  const [act] = items;
  expect(act).toMatchObject({ actorId: admin.userId, reason, details: { jobId: body.job.id } });
  expect(act.targetId).toMatch(/^erased-[0-9a-f]{16}$/);
  expect(await crawl([alice.userId])).toEqual([]);
  // The server knew that she was refused, and asks again.
  await vi.waitFor(async () => {
    expect((await alice.get("/api/v1/chat/conversations")).body).toEqual([]);
  }, 15_000);
  // The id that stands for her is nobody's.
  const token = await tokenFor(act.targetId);
  const headers = { Authorization: `Bearer ${token}` };
  expect((await bob.get("/api/v1/chat/conversations", headers)).status).toBe(401);
  const direct = { otherUserId: act.targetId };
  expect((await bob.post("/api/v1/chat/conversations/direct", direct)).status).toBeGreaterThan(399);
  const provisioned = await admin.put("/api/users", { users: [{ id: act.targetId }] });
  expect(provisioned.status).toBe(400);
  const mentions = { mentions: [act.targetId] };
  const group = await groupOf(bob, admin);
  expect((await send(bob, group, "hi", mentions)).body.code).toBe("invalid_mentions");
}, 60_000);

test("only admins, nobody themselves, nobody who is erased, and with a reason", async () => {
  const { alice, bob } = await directPair();
  expect((await eraseOf(alice.userId, bob)).status).toBe(403);
  expect((await eraseOf(admin.userId)).body.code).toBe("forbidden");
  expect((await eraseOf("erased-0123456789abcdef")).body.code).toBe("unknown_user");
  for (const body of [{ messages: "clear" }, { reason }, { messages: "burn", reason }]) {
    expect((await eraseOf(alice.userId, admin, body)).status).toBe(400);
  }
});

test("not while a legal hold stands on them or on a conversation of theirs", async () => {
  const { alice, bob, conversationId } = await directPair();
  for (const [subject, id] of [
    ["user", alice.userId],
    ["conversation", conversationId],
    ["user", bob.userId],
  ] as const) {
    await held(subject, id);
    expect((await eraseOf(alice.userId)).body.code).toBe("legal_hold");
    const { view } = await runJob(orderFor(alice), { kills: false });
    expect(view).toMatchObject({ state: "failed", error: "legal_hold" });
    await liftHold(directoryOf(env.DB), subject, id);
  }
  expect((await send(alice, conversationId, "still here")).status).toBe(201);
  const bans = env.DB.prepare("SELECT 1 FROM bans WHERE user_id = ?").bind(alice.userId);
  expect((await bans.all()).results).toEqual([]);
});

test("staff, who may have written where they are not", async () => {
  const { bob, conversationId } = await directPair();
  const resolver = await person("resolver", { role: "resolver" });
  const sent = await resolver.post(`/api/chat/${conversationId}/messages`, { content: "by staff" });
  expect(sent.status).toBe(201);
  const { view } = await runJob(orderFor(resolver), { kills: false });
  expect(view.state).toBe("done");
  expect(await crawl([resolver.userId, "by staff"])).toEqual([]);
  expect((await send(bob, conversationId, "still two")).status).toBe(201);
}, 60_000);

test("when everybody of a conversation is erased it is deleted whole", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(alice, conversationId, "a secret between two");
  const keep = await runJob(orderFor(alice, "keep"), { kills: false });
  expect(keep.view.result).toMatchObject({ deleted: 0 });
  expect(await crawl(["a secret between two"])).not.toEqual([]);
  const { view } = await runJob(orderFor(bob, "keep"), { kills: false });
  expect(view).toMatchObject({ state: "done", result: { deleted: 1 } });
  expect(await crawl([alice.userId, bob.userId, "a secret between two"])).toEqual([]);
  const answer = await admin.get(`/api/v1/chat/messages?conversationId=${conversationId}`);
  expect(answer.status).toBe(404);
}, 60_000);

test.each(["clear", "keep"])(
  "ended in the midst of each step, it ends once: %s",
  async (messages) => {
    const { alice, bob, conversationId } = await directPair();
    const group = await groupOf(alice, bob, admin);
    const text = `${messages} through every kill`;
    for (const id of [conversationId, group]) {
      await send(alice, id, text);
      await send(bob, id, "an answer");
    }
    const { view, kills } = await runJob(orderFor(alice, messages), { kills: true });
    expect(view).toMatchObject({ state: "done", error: null });
    expect(kills).toBeGreaterThan(15);
    const needles = messages === "clear" ? [alice.userId, text] : [alice.userId];
    expect(await crawl(needles)).toEqual([]);
    const { body } = await bob.get("/api/v1/chat/conversations");
    expect(body.map((one: { unreadCount: number }) => one.unreadCount)).toEqual(
      messages === "clear" ? [0, 0] : [1, 1],
    );
  },
  200_000,
);
