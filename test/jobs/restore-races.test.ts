import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { Conversation } from "../../src/conversation/object.ts";
import { Recovery } from "../../src/conversation/recovery.ts";
import { readEpoch } from "../../src/conversation/tables/epochs.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { inboxRows } from "../../src/directory/inbox-rows.ts";
import { addJob } from "../../src/directory/jobs.ts";
import { placeHold } from "../../src/directory/legal-holds.ts";
import { purge } from "../conversation/retaining.ts";
import { within } from "../conversation/searching.ts";
import { seedMessages } from "../conversation/seeds.ts";
import { clientOf } from "../inbox/cuttable-client.ts";
import { openListed } from "../inbox/replica.ts";
import { channelOf, fireAlarms, groupOf, objectOf, person, send, unreadOf } from "../support.ts";
import { projected, settled } from "./epochs.ts";
import { TimeMachine } from "./time-machine.ts";
import { orderOf, runJob } from "./with-kills.ts";

/** A restore and what began just before the conversation was closed. */

afterEach(() => {
  vi.restoreAllMocks();
});

async function groupInThePast() {
  const machine = new TimeMachine();
  const [alice, bob] = [await person("alice"), await person("bob")];
  const id = await groupOf(alice, bob);
  await send(alice, id, "before");
  await settled(id);
  const at = await machine.record(id);
  return { machine, alice, bob, id, at };
}

test("an erasure that is under way begins no epoch once the conversation is closed", async () => {
  new TimeMachine();
  const [alice, bob] = [await person("alice"), await person("bob")];
  const id = await channelOf(alice, [bob]);
  await seedMessages(id, 3_000, bob.userId);
  await settled(id);
  const object = objectOf(id);
  const request = {
    userId: bob.userId,
    erasedId: "erased-1",
    by: "erasure",
    messages: "keep",
  } as const;
  const erasing = object.erase({ ...request, from: 1 }).then(
    () => "answered",
    (error: Error) => error.message,
  );
  const closed = await object.restore({ by: "restore", step: "close" });
  expect(closed).toMatchObject({ ok: true });
  expect(await erasing).toContain("restore");
  const fence = await runInDurableObject(
    objectOf(id),
    (_, { storage }) => readEpoch(storage.sql).fence,
  );
  expect(fence).toMatchObject({ by: "restore" });
  await object.restore({ by: "restore", step: "reopen" });
  expect((await send(alice, id, "after")).status).toBe(201);
});

test("an object of the previous version is asked later", async () => {
  const { id, at } = await groupInThePast();
  const admin = await person("admin", { role: "admin" });
  vi.spyOn(Conversation.prototype, "restore").mockImplementation(() => {
    throw new TypeError('The RPC receiver does not implement the method "restore".');
  });
  const body = { at: new Date(at).toISOString(), reason: "a mistake" };
  const answer = await admin.post(`/api/admin/conversations/${id}/restore`, body);
  expect(answer).toMatchObject({ status: 503, body: { code: "unavailable" } });
});

test("of two restores that close it at once, one does", async () => {
  const { alice, id } = await groupInThePast();
  const finding = vi.mocked(Recovery.prototype.currentBookmark);
  const bookmark = finding.getMockImplementation();
  const both = Promise.withResolvers<void>();
  finding.mockImplementation(async function (this: Recovery) {
    if (finding.mock.calls.length === 2) both.resolve();
    await both.promise;
    return (await bookmark?.call(this)) ?? "";
  });
  const close = (by: string) => objectOf(id).restore({ by, step: "close" });
  const answers = await Promise.all([close("one"), close("other")]);
  expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  expect(answers.find(({ ok }) => !ok)).toMatchObject({ error: { code: "job_running" } });
  const by = answers[0]?.ok ? "one" : "other";
  await objectOf(id).restore({ by, step: "reopen" });
  expect((await send(alice, id, "after")).status).toBe(201);
});

test.each(["legal_hold", "restore_unavailable"])(
  "what comes while it closes has it opened again: %s",
  async (code) => {
    const { machine, alice, id, at } = await groupInThePast();
    const directory = directoryOf(env.DB);
    const erasing = orderOf("erase-user", {}, alice.userId);
    const closing = vi.mocked(Recovery.prototype.currentBookmark);
    const bookmark = closing.getMockImplementation();
    closing.mockImplementation(async function (this: Recovery) {
      if (code === "legal_hold") {
        await placeHold(directory, {
          subject: "user",
          id: alice.userId,
          placedBy: "x",
          placedAt: 1,
          reason: "y",
        });
      } else await addJob(directory, erasing);
      return bookmark?.call(this) ?? "";
    });
    await new Promise((resolve) => setTimeout(resolve, 2));
    const order = orderOf("restore-conversation", { conversationId: id, at }, id);
    const { view } = await runJob(order, { kills: false });
    await env.DB.batch([
      env.DB.prepare("DELETE FROM jobs WHERE id = ?").bind(erasing.id),
      env.DB.prepare("DELETE FROM legal_holds WHERE id = ?").bind(alice.userId),
    ]);
    expect(view).toMatchObject({ state: "failed", error: code });
    expect(machine.restores).toEqual([]);
    expect((await send(alice, id, "after")).status).toBe(201);
  },
);

test("what retention has removed since is there again, and unread everywhere", async () => {
  const machine = new TimeMachine();
  const [alice, bob, carl] = [await person("alice"), await person("bob"), await person("carl")];
  const id = await groupOf(alice, bob, carl);
  const sent: string[] = [];
  for (let number = 1; number <= 12; number++) {
    const more = number === 3 ? { mentions: [bob.userId] } : {};
    sent.push((await send(alice, id, `message ${number}`, more)).body.messageId);
  }
  await alice.delete(`/api/v1/chat/messages/${sent[4]}`);
  await alice.put(`/api/v1/chat/conversations/${id}/pins/${sent[1]}`);
  await carl.post(`/api/v1/chat/messages/${sent[5]}/read`);
  await settled(id);
  const before = await projected(id);
  const at = await machine.record(id);
  const unread = [await unreadOf(bob, id), await unreadOf(carl, id)];
  expect(unread).toEqual([11, 10]);
  const client = await clientOf(bob).parley.conversation(id).connect().live();
  const inbox = await openListed(bob);
  await within(id, ({ memory }) => expect(memory.counters.lastNumber).toBe(12));
  await purge(id, 8);
  await settled(id);
  await fireAlarms(id);
  expect([await unreadOf(bob, id), await unreadOf(carl, id)]).toEqual([4, 4]);
  await vi.waitFor(() => expect(inbox.entry(id)).toMatchObject({ unread: 4, mentions: 0 }), SOON);
  await vi.waitFor(() => expect(client.unread).toBe(4), SOON);
  const order = orderOf("restore-conversation", { conversationId: id, at }, id);
  const { view } = await runJob(order, { kills: false });
  expect(view).toMatchObject({ state: "done" });
  await settled(id);
  expect({ ...(await projected(id)), epochs: [] }).toEqual({ ...before, epochs: [] });
  expect([await unreadOf(bob, id), await unreadOf(carl, id)]).toEqual(unread);
  const { rows } = await inboxRows(directoryOf(env.DB), bob.userId, undefined);
  expect(rows[0]).toMatchObject({ unread: 11 });
  await vi.waitFor(() => expect(inbox.entry(id)).toMatchObject({ unread: 11, mentions: 1 }), SOON);
  await vi.waitFor(() => expect(client.unread).toBe(11), SOON);
  expect(client.messages).toHaveLength(12);
  client.close();
});

const SOON = { timeout: 10_000, interval: 20 };
