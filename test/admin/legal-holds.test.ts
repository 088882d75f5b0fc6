import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { sweep } from "../../src/attachments/sweep.ts";
import { Conversation } from "../../src/conversation/object.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { isHeld } from "../../src/directory/legal-holds.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import { keyOf, sendUploads, upload } from "../attachments/support.ts";
import { age, removeDue, retain } from "../conversation/retaining.ts";
import { within } from "../conversation/searching.ts";
import { fireUntilEnd, orderOf, runJob } from "../jobs/with-kills.ts";
import {
  type Caller,
  channelOf,
  directPair,
  evict,
  fireAlarms,
  groupOf,
  objectOf,
  openLive,
  person,
  send,
  someone,
} from "../support.ts";

/** Legal holds and retention of `/api/admin`. */

const directory = directoryOf(env.DB);
let admin: Caller;
beforeAll(async () => {
  admin = await person("admin", { role: "admin" });
});

const reason = "case 42";
const sweepNow = () =>
  sweep({ bucket: env.FILES, directory, now: Date.now(), voidClaim: () => Promise.resolve(false) });

const holdsOf = (conversationId: string) =>
  within(conversationId, ({ sql }) =>
    sql
      .exec<{ subject: string }>("SELECT subject FROM holds ORDER BY 1")
      .toArray()
      .map(({ subject }) => subject),
  );

const formerOf = (conversationId: string) =>
  within(conversationId, ({ sql }) =>
    sql
      .exec<{ message: string }>("SELECT message FROM held ORDER BY number, rev")
      .toArray()
      .map(({ message }) => JSON.parse(message).content),
  );

/** Spreads a hold on a user, or that it was lifted, to the end. */
async function spread(method: "put" | "delete", userId: string): Promise<void> {
  const { status, body } = await admin[method](`/api/admin/users/${userId}/legal-hold`, { reason });
  expect(status).toBe(202);
  await fireUntilEnd(body.job.id);
}

test("one that D1 has lost still stands in its conversation, and is lifted there", async () => {
  const { alice, conversationId } = await directPair();
  const path = `/api/admin/conversations/${conversationId}`;
  expect((await admin.put(`${path}/legal-hold`, { reason })).status).toBe(204);
  await env.DB.prepare("DELETE FROM legal_holds WHERE id = ?").bind(conversationId).run();
  expect((await admin.get("/api/admin/legal-holds")).body.items).not.toContainEqual(
    expect.objectContaining({ id: conversationId }),
  );
  expect((await admin.get(path)).body).toMatchObject({ holds: 1 });
  const order = { userId: alice.userId, messages: "clear" };
  const { view } = await runJob(orderOf("erase-user", order, alice.userId), { kills: false });
  expect(view).toMatchObject({ state: "failed", error: "legal_hold" });
  expect((await admin.delete(`${path}/legal-hold`, { reason })).status).toBe(204);
  expect(await holdsOf(conversationId)).toEqual([]);
});

test("403 for others than admins, and a reason is wanted", async () => {
  const { alice, conversationId } = await directPair();
  const support = await person("support", { role: "support" });
  const path = `/api/admin/conversations/${conversationId}`;
  for (const caller of [alice, support]) {
    expect((await caller.put(`${path}/legal-hold`, { reason })).status).toBe(403);
    expect((await caller.put(`${path}/retention`, { days: 1, reason })).status).toBe(403);
    expect((await caller.get("/api/admin/legal-holds")).status).toBe(403);
  }
  for (const body of [{}, { reason: " " }]) {
    expect((await admin.put(`${path}/legal-hold`, body)).status).toBe(400);
    expect((await admin.put(`${path}/retention`, { days: 1, ...body })).status).toBe(400);
  }
  for (const days of [0, 1.5, 36_501, "1"]) {
    expect((await admin.put(`${path}/retention`, { days, reason })).status).toBe(400);
  }
  const unknown = "/api/admin/conversations/3fa85f64-5717-8562-b3fc-2c0000000000";
  expect((await admin.put(`${unknown}/legal-hold`, { reason })).status).toBe(404);
  expect((await admin.put(`${unknown}/retention`, { days: 1, reason })).status).toBe(404);
});

describe("a hold on a conversation", () => {
  test("stops retention, keeps what members delete and edit, and tells them nothing", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const group = await groupOf(alice, bob);
    const idOf = (number: number) => messageIdOf(group, number);
    for (const text of ["one", "two", "three", "four"]) await send(alice, group, text);
    const file = await upload(alice, "a.txt", "a file");
    await sendUploads(alice, group, [file], { content: "five" });
    await retain(group, 1);
    const socket = await openLive(bob, group);
    const events = socket.events.length;
    const path = `/api/admin/conversations/${group}/legal-hold`;
    expect((await admin.put(path, { reason })).status).toBe(204);
    expect((await admin.put(path, { reason })).status).toBe(204);
    expect(await isHeld(directory, { conversationId: group })).toBe(true);
    expect(await isHeld(directory, { userId: bob.userId })).toBe(true);
    expect(socket.events.length).toBe(events);

    await alice.put(`/api/chat/${group}/messages/${idOf(2)}`, { content: "second" });
    await alice.put(`/api/chat/${group}/messages/${idOf(2)}`, { content: "2" });
    await alice.delete(`/api/v1/chat/messages/${idOf(3)}`);
    await alice.delete(`/api/v1/chat/messages/${idOf(5)}`);
    const deleted = await socket.next("message", ({ message }) => message.number === 5);
    expect(deleted.message).toMatchObject({ content: "", attachments: [] });
    const page = await bob.get(`/api/v1/chat/messages?conversationId=${group}`);
    expect(JSON.stringify(page.body)).not.toMatch(/two|second|three|five/);
    expect(await formerOf(group)).toEqual(["two", "second", "three", "five"]);

    await age(group, 5);
    expect(await removeDue(group)).toBe(0);
    await evict(group);
    expect(await removeDue(group)).toBe(0);
    await fireAlarms(group);
    await vi.waitFor(async () => {
      const row = await env.DB.prepare("SELECT deleted_at FROM uploads WHERE key = ?")
        .bind(keyOf(file.body.fileUrl))
        .first<{ deleted_at: number | null }>();
      expect(row?.deleted_at).not.toBeNull();
    });
    await sweepNow();
    expect(await env.FILES.head(keyOf(file.body.fileUrl))).not.toBeNull();

    const listed = await admin.get("/api/admin/legal-holds");
    expect(listed.body.items).toContainEqual(
      expect.objectContaining({
        subject: "conversation",
        id: group,
        placedBy: admin.userId,
        reason,
      }),
    );
    expect((await admin.delete(path, { reason: "closed" })).status).toBe(204);
    expect((await admin.delete(path, { reason: "closed" })).status).toBe(204);
    expect(await isHeld(directory, { conversationId: group })).toBe(false);
    await fireAlarms(group);
    expect(await formerOf(group)).toEqual([]);
    expect(await within(group, ({ memory }) => memory.conversation.purgedTo)).toBe(5);
    await sweepNow();
    expect(await env.FILES.head(keyOf(file.body.fileUrl))).toBeNull();
    const acts = await admin.get(`/api/admin/audit?conversationId=${group}`);
    expect(acts.body.items.map(({ action }: { action: string }) => action)).toEqual([
      ...Array(2).fill("conversation.release"),
      ...Array(2).fill("conversation.hold"),
    ]);
  });

  test("what is kept goes as well where there is no retention", async () => {
    const { alice, conversationId } = await directPair();
    await send(alice, conversationId, "one");
    await admin.put(`/api/admin/conversations/${conversationId}/legal-hold`, { reason });
    await alice.delete(`/api/v1/chat/messages/${messageIdOf(conversationId, 1)}`);
    expect(await formerOf(conversationId)).toEqual(["one"]);
    await admin.delete(`/api/admin/conversations/${conversationId}/legal-hold`, { reason });
    await fireAlarms(conversationId);
    expect(await formerOf(conversationId)).toEqual([]);
    expect(await within(conversationId, (_, storage) => storage.getAlarm())).toBeNull();
  });
});

describe("a hold on a user", () => {
  test("holds what they are or were in, and what they enter, until it is lifted", async () => {
    const [alice, bob, carol] = await Promise.all([
      person("alice"),
      person("bob"),
      person("carol"),
    ]);
    const [present, left, others, later] = await Promise.all([
      groupOf(alice, bob, carol),
      groupOf(alice, bob, carol),
      groupOf(alice, carol),
      channelOf(alice),
    ]);
    await alice.delete(`/api/v1/chat/conversations/${left}/participants/${bob.userId}`);
    await fireAlarms(left);
    await spread("put", bob.userId);
    expect(await holdsOf(present)).toEqual([bob.userId]);
    expect(await holdsOf(left)).toEqual([bob.userId]);
    expect(await holdsOf(others)).toEqual([]);
    for (const conversationId of [present, left]) {
      expect(await isHeld(directory, { conversationId })).toBe(true);
    }
    expect(await isHeld(directory, { conversationId: others })).toBe(false);
    expect(await isHeld(directory, { userId: bob.userId })).toBe(true);
    expect(await isHeld(directory, { userId: carol.userId })).toBe(true);
    expect(await isHeld(directory, { userId: someone() })).toBe(false);
    // What they enter from now on looks them up, once D1 has them.
    expect((await bob.post(`/api/v1/chat/channels/${later}/join`)).status).toBe(200);
    await vi.waitFor(async () => expect(await holdsOf(later)).toEqual([bob.userId]));
    const { body } = await bob.post("/api/v1/chat/conversations/direct", {
      otherUserId: carol.userId,
    });
    await vi.waitFor(async () => expect(await holdsOf(body.conversationId)).toEqual([bob.userId]));
    // Files of theirs that were never sent stay as well.
    const file = await upload(bob, "a.txt", "unsent");
    await sweep({
      ...{ bucket: env.FILES, directory, now: Date.now() + 48 * 60 * 60_000 },
      voidClaim: () => Promise.resolve(true),
    });
    expect(await env.FILES.head(keyOf(file.body.fileUrl))).not.toBeNull();

    await admin.put(`/api/admin/conversations/${present}/legal-hold`, { reason });
    await spread("delete", bob.userId);
    expect(await holdsOf(present)).toEqual([""]);
    for (const id of [left, later, body.conversationId]) expect(await holdsOf(id)).toEqual([]);
    expect(await isHeld(directory, { userId: bob.userId })).toBe(true);
    await admin.delete(`/api/admin/conversations/${present}/legal-hold`, { reason });
    expect(await isHeld(directory, { userId: bob.userId })).toBe(false);
  });

  test("the job ends once, however often it is killed, with what D1 says at its end", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const groups = await Promise.all([groupOf(alice, bob), groupOf(bob, alice)]);
    await Promise.all(groups.map(fireAlarms));
    await env.DB.prepare(
      "INSERT INTO legal_holds (subject, id, placed_by, placed_at, reason) VALUES ('user', ?, 'x', 1, 'y')",
    )
      .bind(bob.userId)
      .run();
    const placed = await runJob(orderOf("legal-hold", { userId: bob.userId }, bob.userId), {
      kills: true,
    });
    expect(placed.kills).toBeGreaterThan(3);
    expect(placed.view).toMatchObject({ state: "done", done: 2 });
    for (const group of groups) expect(await holdsOf(group)).toEqual([bob.userId]);
    await env.DB.prepare("DELETE FROM legal_holds WHERE id = ?").bind(bob.userId).run();
    const lifted = await runJob(orderOf("legal-hold", { userId: bob.userId }, bob.userId), {
      kills: true,
    });
    expect(lifted.view.result).toEqual({ standing: false, conversations: 2 });
    for (const group of groups) expect(await holdsOf(group)).toEqual([]);
  });
});

test("a hold for which there is no room does not stand in the conversation either", async () => {
  const { conversationId } = await directPair();
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
     INSERT INTO legal_holds SELECT 'conversation', 'full-' || i, 'x', 1, 'y' FROM n`,
  ).run();
  const path = `/api/admin/conversations/${conversationId}/legal-hold`;
  try {
    expect((await admin.put(path, { reason })).status).toBe(409);
    expect(await holdsOf(conversationId)).toEqual([]);
  } finally {
    await env.DB.prepare("DELETE FROM legal_holds WHERE id GLOB 'full-*'").run();
  }
});

test("one conversation that does not answer keeps no other from being held", async () => {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const ids: string[] = [];
  // More than the job calls in one step.
  for (let i = 0; i < 52; i++) ids.push(await groupOf(alice, bob));
  ids.sort();
  const [broken = "", last = ""] = [ids.at(0), ids.at(-1)];
  const { hold } = Conversation.prototype;
  const spy = vi.spyOn(Conversation.prototype, "hold").mockImplementation(async function (
    this: Conversation,
    ...given
  ) {
    const { ctx } = this as unknown as { ctx: DurableObjectState };
    if (ctx.id.name === broken) throw new Error("it is out of order");
    return await hold.apply(this, given);
  });
  const { body } = await admin.put(`/api/admin/users/${bob.userId}/legal-hold`, { reason });
  const job = env.JOBS.getByName(body.job.id);
  for (let alarms = 0; alarms < 3; alarms++) await runDurableObjectAlarm(job);
  expect(await holdsOf(last)).toEqual([bob.userId]);
  expect((await admin.get(`/api/admin/jobs/${body.job.id}`)).body.job.state).toBe("running");
  spy.mockRestore();
  const view = await fireUntilEnd(body.job.id);
  expect(view).toMatchObject({ state: "done", result: { standing: true, conversations: 52 } });
  expect(await holdsOf(broken)).toEqual([bob.userId]);
});

describe("retention", () => {
  test("is set by the owner, and by an admin whom the owner does not overrule", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const group = await groupOf(alice, bob);
    const own = `/api/v1/chat/conversations/${group}`;
    const days = async () =>
      (await bob.get(`/api/chat/${group}/info`)).body.data.chat.retentionDays;
    expect(await days()).toBeUndefined();
    expect((await alice.patch(own, { retentionDays: 30 })).status).toBe(204);
    expect(await days()).toBe(30);
    expect((await bob.patch(own, { retentionDays: 20 })).status).toBe(403);
    await alice.post(`${own}/moderators`, { userId: bob.userId });
    expect((await bob.patch(own, { retentionDays: 20 })).status).toBe(403);
    expect((await bob.patch(own, { slowModeSeconds: 5 })).status).toBe(204);
    for (const retentionDays of [0, 36_501, 1.5]) {
      expect((await alice.patch(own, { retentionDays })).status).toBe(400);
    }
    expect((await alice.patch(own, { retentionDays: null })).status).toBe(204);
    expect(await days()).toBeUndefined();
    const path = `/api/admin/conversations/${group}/retention`;
    expect((await admin.put(path, { days: 90, reason })).status).toBe(204);
    expect(await days()).toBe(90);
    expect((await alice.patch(own, { retentionDays: 10 })).status).toBe(403);
    expect((await admin.put(path, { days: null, reason })).status).toBe(204);
    expect((await alice.patch(own, { retentionDays: 10 })).status).toBe(204);
    expect(await days()).toBe(10);
    await evict(group);
    expect(await days()).toBe(10);
  });

  test("is checked in all conversations by a job of admins", async () => {
    const { status, body } = await admin.post("/api/admin/jobs", { kind: "retention" });
    expect(status).toBe(202);
    // The tests' setting names no kind.
    expect(await fireUntilEnd(body.job.id)).toMatchObject({
      ...{ state: "done", result: { setting: "", conversations: 0 } },
    });
    await objectOf(await groupOf(await person(), await person())).checkRetention();
  });
});
