import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Recovery } from "../../src/conversation/recovery.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { addJob } from "../../src/directory/jobs.ts";
import { liftHold, placeHold } from "../../src/directory/legal-holds.ts";
import type { Result } from "../../src/domain/error.ts";
import { settingsOf } from "../../src/env.ts";
import { type JobContext, jobOf } from "../../src/jobs/kind.ts";
import { restoreConversation } from "../../src/jobs/kinds/restore-conversation.ts";
import { Hub, Io } from "../gateway/line.ts";
import { outOfReach } from "../gateway/wire.ts";
import { clientOf } from "../inbox/cuttable-client.ts";
import { openListed } from "../inbox/replica.ts";
import { openRooms } from "../inbox/room-client.ts";
import { type Caller, evict, groupOf, objectOf, open, openLive, person, send } from "../support.ts";
import { epochOf, projected, revOf, settled, startOver } from "./epochs.ts";
import { TimeMachine } from "./time-machine.ts";
import { fireUntilEnd, orderOf, runJob } from "./with-kills.ts";

/** A conversation is restored to an earlier time, through the admin API. */

async function restored(admin: Caller, id: string, at: number) {
  const path = `/api/admin/conversations/${id}/restore`;
  const { status, body } = await admin.post(path, {
    at: new Date(at).toISOString(),
    reason: "a mistake",
  });
  expect(status).toBe(202);
  return fireUntilEnd(body.job.id);
}

/** Resolves once the clock has moved on. */
async function later(): Promise<void> {
  const now = Date.now();
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(now), { interval: 1 });
}

test("everybody comes to see the restored state, and nothing of the later time is left", async () => {
  const machine = new TimeMachine();
  const admin = await person("admin", { role: "admin" });
  const [alice, bob, carl, dora, eve] = [
    ...[await person("alice"), await person("bob"), await person("carl")],
    ...[await person("dora"), await person("eve")],
  ] as const;
  const id = await groupOf(alice, bob, carl, eve);
  const messages: string[] = [];
  for (let number = 1; number <= 5; number++) {
    const more = number === 2 ? { mentions: [bob.userId] } : {};
    messages.push((await send(alice, id, `message ${number}`, more)).body.messageId);
  }
  await alice.delete(`/api/v1/chat/messages/${messages[0]}`);
  await settled(id);
  const before = await projected(id);
  const at = await machine.record(id);
  await later();

  // Some are away meanwhile.
  const away = await cursorOf(eve, id);
  // Everything that may change, changes, while people are connected by every way.
  const { parley, inbox: clientInbox } = clientOf(carl);
  const client = await parley.conversation(id, { over: clientInbox }).connect().live();
  const native = await clientOf(alice).parley.conversation(id).connect().live();
  onTestFinished(() => native.close());
  const inbox = await openListed(bob);
  const room = await (await openRooms(bob)).open(id);
  const [io, hub] = [await Io.connect(eve), await Hub.connect(bob)];
  await io.ask("join-chat-room", id);
  const { rev } = await hub.ask("JoinConversation", id);
  await alice.delete(`/api/v1/chat/messages/${messages[2]}`);
  for (let number = 6; number <= 9; number++) await send(bob, id, `later ${number}`);
  await send(alice, id, "to everybody", { mentionsAll: true });
  await carl.post(`/api/v1/chat/messages/${messages[4]}/read`);
  await alice.post(`/api/chat/${id}/participants`, { userId: dora.userId });
  await vi.waitFor(() => expect(client.messages.some(textIs("later 9"))).toBe(true));
  const doras = await openListed(dora);
  expect(doras.entry(id)).toBeDefined();

  const late = await cursorOf(eve, id);

  const view = await restored(admin, id, at);
  expect(view).toMatchObject({ state: "done", error: null });
  expect(machine.restores).toHaveLength(1);

  await settled(id);
  const now = await projected(id);
  expect({ ...now, epochs: [] }).toEqual({ ...before, epochs: [] });
  expect(now["epochs"]).toHaveLength(1);

  // Clients.
  const texts = ["", "message 2", "message 3", "message 4", "message 5"];
  for (const one of [client, native]) {
    await vi.waitFor(() => expect(one.messages.map(({ content }) => content)).toEqual(texts), {
      timeout: 15_000,
    });
  }
  await vi.waitFor(() => expect(doras.entry(id)).toBeUndefined(), { timeout: 10_000 });
  await vi.waitFor(
    () => expect(inbox.entry(id)).toMatchObject({ lastNumber: 5, unread: 4, mentions: 1 }),
    { timeout: 10_000 },
  );
  await vi.waitFor(() =>
    expect(room.end !== undefined || room.all("sync").some(({ reset }) => reset)).toBe(true),
  );
  await Promise.all([io.line.closed, hub.line.closed]);
  const again = await Hub.connect(bob);
  expect(await again.ask("JoinConversation", id, rev)).toMatchObject({ reset: true });

  for (const { rev: since, epoch } of [away, late]) {
    const back = await openLive(eve, id, `?since=${since}&epoch=${epoch}`);
    const [sync] = back.all("sync");
    expect(sync).toMatchObject({ reset: true, unread: await naiveUnread(id, eve) });
    expect(sync?.messages?.map(({ content }) => content)).toEqual(texts);
  }
  for (const one of [alice, bob, carl, eve]) {
    const listed = (await openListed(one)).entry(id);
    expect(listed?.unread).toBe(await naiveUnread(id, one));
  }

  // Nobody finds anything of the later time.
  const found = await bob.get("/api/v1/chat/search?q=later");
  expect(JSON.stringify(found.body)).not.toContain("later");
  const list = await dora.get("/api/v1/chat/conversations");
  expect(JSON.stringify(list.body)).not.toContain(id);

  // It goes on as any other.
  await send(bob, id, "afterwards");
  await vi.waitFor(() => expect(client.messages.at(-1)?.content).toBe("afterwards"), {
    timeout: 10_000,
  });
  await settled(id);
});

describe("a job that is ended at any point", () => {
  test("restores once, to the state that it had decided on", async () => {
    const machine = new TimeMachine();
    const [alice, bob] = [await person("alice"), await person("bob")];
    const id = await groupOf(alice, bob);
    await send(alice, id, "kept");
    await settled(id);
    const before = await projected(id);
    await holds(id, "INSERT INTO holds (subject, held_at) VALUES ('', 1)");
    const at = await machine.record(id);
    await holds(id, "DELETE FROM holds");
    await later();
    await send(bob, id, "gone");
    await settled(id);
    const rev = await revOf(id);
    expect(await holds(id)).toEqual([]);
    const order = orderOf("restore-conversation", { conversationId: id, at }, id);
    const { view, kills } = await runJob(order, { kills: true });
    expect(view.state).toBe("done");
    expect(kills).toBeGreaterThan(5);
    // Whichever attempt it was that restored: it was the same state.
    expect(new Set(machine.restores).size).toBe(1);
    expect(machine.restores).toHaveLength(1);
    await settled(id);
    expect({ ...(await projected(id)), epochs: [] }).toEqual({ ...before, epochs: [] });
    expect(await revOf(id)).toBeGreaterThan(rev);
    // One that stood then and was lifted since stands no more.
    expect(await holds(id)).toEqual([]);
    expect(view.result).toMatchObject({ epoch: await epochOf(id), bookmark: machine.restores[0] });
  });

  test("between the restore and the new epoch: what happens then stays, and everybody starts over", async () => {
    const machine = new TimeMachine();
    const [alice, bob] = [await person("alice"), await person("bob")];
    const id = await groupOf(alice, bob);
    await send(alice, id, "kept");
    const at = await machine.record(id);
    await later();
    for (let number = 1; number <= 5; number++) await send(bob, id, `gone ${number}`);
    await settled(id);
    const cursor = await cursorOf(alice, id);
    const by = crypto.randomUUID();
    const object = () => objectOf(id);
    const { bookmark = "" } = answerOf(await object().restore({ by, step: "find", at }));
    const { closed } = answerOf(await object().restore({ by, step: "close" }));
    if (!closed) throw new Error("it is not closed");
    const { given } = closed;
    const rewind = () => object().restore({ by, step: "rewind", bookmark, given, untold: [] });
    expect(await rewind().catch(() => "restarted")).toBe("restarted");

    // The job has ended here. The object knows nothing of the restore.
    const early = await openLive(bob, id, `?since=${cursor.rev}&epoch=${cursor.epoch}`);
    expect(early.all("sync")[0]).toMatchObject({ reset: true });
    // D1 knows more of the same epoch: it starts over by itself.
    await early.closed;
    await vi.waitFor(async () => expect(await epochOf(id)).not.toBe(cursor.epoch), SOON);
    await send(alice, id, "sent early");
    const second = await cursorOf(alice, id);
    expect(second.rev).toBeGreaterThan(cursor.rev);

    // The job goes on.
    await rewind().catch(() => undefined);
    const { epoch } = answerOf(await rewind());
    expect(answerOf(await rewind())).toEqual({ epoch });
    expect(machine.restores).toEqual([bookmark]);
    await settled(id);
    const last = await openLive(alice, id, `?since=${second.rev}&epoch=${second.epoch}`);
    const [sync] = last.all("sync");
    expect(sync).toMatchObject({ reset: true });
    expect(sync?.messages?.map(({ content }) => content)).toEqual(["kept", "sent early"]);
    expect((await projected(id))["epochs"]).toEqual([{ epoch }]);
  });

  test("gateways that cannot be reached while it closes are told afterwards", async () => {
    const machine = new TimeMachine();
    const [alice, bob] = [await person("alice"), await person("bob")];
    const id = await groupOf(alice, bob);
    const at = await machine.record(id);
    await later();
    const hub = await Hub.connect(bob);
    await hub.ask("JoinConversation", id);
    const by = crypto.randomUUID();
    const { bookmark = "" } = answerOf(await objectOf(id).restore({ by, step: "find", at }));
    await outOfReach(id);
    const { closed } = answerOf(await objectOf(id).restore({ by, step: "close" }));
    expect(closed?.untold).toMatchObject([{ userId: bob.userId, protocol: "signalr" }]);
    const { given = { rev: 0, epoch: "" }, untold = [] } = closed ?? {};
    const rewind = () => objectOf(id).restore({ by, step: "rewind", bookmark, given, untold });
    await rewind().catch(() => undefined);
    await rewind().catch(() => undefined);
    answerOf(await rewind());
    await hub.line.closed;
    expect(hub.messages().at(-1)).toMatchObject({ type: 7, allowReconnect: true });
  });

  test("is undone by its result: a later restore to `undoAt`", async () => {
    const machine = new TimeMachine();
    const admin = await person("admin", { role: "admin" });
    const [alice, bob] = [await person("alice"), await person("bob")];
    const id = await groupOf(alice, bob);
    await send(alice, id, "kept");
    const at = await machine.record(id);
    await later();
    await send(bob, id, "back again");
    await settled(id);
    const before = await projected(id);
    const { result } = await restored(admin, id, at);
    await later();
    const undone = await restored(admin, id, Date.parse(String(result?.["undoAt"])));
    expect(undone.result).toMatchObject({ bookmark: result?.["undoBookmark"] });
    await settled(id);
    expect({ ...(await projected(id)), epochs: [] }).toEqual({ ...before, epochs: [] });
    const texts = (await openLive(alice, id))
      .all("sync")[0]
      ?.messages?.map(({ content }) => content);
    expect(texts).toEqual(["kept", "back again"]);
  });
});

test("while it is closed everything is refused for now, and a cancelled restore opens it again", async () => {
  const machine = new TimeMachine();
  const [alice, bob] = [await person("alice"), await person("bob")];
  const id = await groupOf(alice, bob);
  await send(alice, id, "before");
  const at = await machine.record(id);
  const socket = await openLive(bob, id);
  const object = objectOf(id);
  const closed = await object.restore({ by: "some job", step: "close" });
  expect(closed).toMatchObject({ ok: true });
  expect((await socket.closed).code).toBe(1012);
  for (const answer of [await send(alice, id, "refused"), await alice.get(historyOf(id))]) {
    expect(answer).toMatchObject({ status: 503, body: { code: "unavailable" } });
  }
  expect((await (await open(bob, id)).closed).code).toBe(1012);
  // As it is for an object that has slept meanwhile, and for another restore.
  await evict(id);
  expect((await send(alice, id, "refused")).status).toBe(503);
  expect(await object.restore({ by: "another", step: "close" })).toMatchObject({
    error: { code: "job_running" },
  });
  await object.restore({ by: "another", step: "reopen" });
  expect((await send(alice, id, "refused")).status).toBe(503);
  // The state of the job that was cancelled.
  const { undo } = jobOf(restoreConversation);
  const state = { phase: "closing", bookmark: "0" };
  await undo(contextOf("some job"), { conversationId: id, at }, state);
  expect((await send(alice, id, "after")).status).toBe(201);
  expect(machine.restores).toEqual([]);
});

test("a conversation whose restore has been lost is open again after three days, also for another restore", async () => {
  new TimeMachine();
  const [alice, bob] = [await person("alice"), await person("bob")];
  const id = await groupOf(alice, bob);
  await objectOf(id).restore({ by: "lost", step: "close" });
  const closedFor = async (milliseconds: number) => {
    await runInDurableObject(objectOf(id), (_, { storage: { sql } }) =>
      sql.exec(
        "UPDATE conversation SET fence = json_set(fence, '$.closedAt', ?)",
        Date.now() - milliseconds,
      ),
    );
    await evict(id);
  };
  const DAY = 24 * 3_600_000;
  await closedFor(3 * DAY - 60_000);
  expect((await send(alice, id, "refused")).status).toBe(503);
  await closedFor(3 * DAY);
  expect((await send(alice, id, "open")).status).toBe(201);
  expect(await objectOf(id).restore({ by: "another", step: "close" })).toMatchObject({ ok: true });
  expect((await send(alice, id, "refused")).status).toBe(503);
  // Jobs of other tests call every conversation.
  await objectOf(id).restore({ by: "another", step: "reopen" });
});

describe("refused", () => {
  test.each([false, true])(
    "where the state found is of before the creation; kills: %s",
    async (kills) => {
      const machine = new TimeMachine();
      const [alice, bob] = [await person("alice"), await person("bob")];
      const id = await groupOf(alice, bob);
      await send(alice, id, "kept");
      await settled(id);
      const before = await projected(id);
      const at = machine.recordNothing();
      await later();
      const order = orderOf("restore-conversation", { conversationId: id, at }, id);
      const { view } = await runJob(order, { kills });
      expect(view).toMatchObject({ state: "failed", error: "restore_unavailable" });
      expect(machine.restores).toHaveLength(2);
      await settled(id);
      expect({ ...(await projected(id)), epochs: [] }).toEqual({ ...before, epochs: [] });
      expect((await openLive(alice, id)).all("sync")[0]?.messages).toHaveLength(1);
    },
  );

  test("by the platform, once the conversation is closed: it opens again as it was", async () => {
    const machine = new TimeMachine();
    const [alice, bob] = [await person("alice"), await person("bob")];
    const id = await groupOf(alice, bob);
    const at = await machine.record(id);
    await later();
    await send(alice, id, "kept");
    await settled(id);
    const before = await projected(id);
    const order = () => orderOf("restore-conversation", { conversationId: id, at }, id);
    const refusing = vi.spyOn(Recovery.prototype, "restoreAtStart");
    refusing.mockRejectedValue(new Error("no such bookmark"));
    for (const kills of [false, true]) {
      const { view } = await runJob(order(), { kills });
      expect(view).toMatchObject({ state: "failed", error: "restore_unavailable" });
      expect((await bob.get(historyOf(id))).status).toBe(200);
    }
    await settled(id);
    expect(await projected(id)).toEqual(before);
    expect(await (await openLive(alice, id)).all("sync")[0]?.messages).toHaveLength(1);
  });

  test("for a time that is not kept, and where the platform has no recovery", async () => {
    const admin = await person("admin", { role: "admin" });
    const [alice, bob] = [await person("alice"), await person("bob")];
    const id = await groupOf(alice, bob);
    const ask = (at: number, path = id) =>
      admin.post(`/api/admin/conversations/${path}/restore`, {
        ...{ at: new Date(at).toISOString(), reason: "why not" },
      });
    const day = 24 * 60 * 60_000;
    for (const at of [Date.now() - day, Date.now() - 31 * day, Date.now() + day]) {
      expect(await ask(at)).toMatchObject({ status: 409, body: { code: "restore_unavailable" } });
    }
    // The local runtime says that it has no recovery.
    expect(await ask(Date.now())).toMatchObject({
      status: 409,
      body: { code: "restore_unavailable" },
    });
    const unknown = crypto.randomUUID();
    expect(await ask(Date.now(), unknown)).toMatchObject({ status: 404 });
    const answer = await alice.post(`/api/admin/conversations/${id}/restore`, {});
    expect(answer.status).toBe(403);
    const { body } = await admin.get(`/api/admin/audit?conversationId=${id}`);
    expect(body.items).toEqual([]);
  });

  test("while a legal hold stands, while anybody is erased, and for a time before an erasure", async () => {
    const machine = new TimeMachine();
    const admin = await person("admin", { role: "admin" });
    const [alice, bob] = [await person("alice"), await person("bob")];
    const id = await groupOf(alice, bob);
    const at = await machine.record(id);
    await later();
    const directory = directoryOf(env.DB);
    const hold = { subject: "conversation", id, placedBy: "x", placedAt: 1, reason: "y" } as const;
    await placeHold(directory, hold);
    const path = `/api/admin/conversations/${id}/restore`;
    const body = { at: new Date(at).toISOString(), reason: "why not" };
    expect(await admin.post(path, body)).toMatchObject({
      status: 409,
      body: { code: "legal_hold" },
    });
    const run = async () => {
      const order = orderOf("restore-conversation", { conversationId: id, at }, id);
      return (await runJob(order, { kills: false })).view;
    };
    expect(await run()).toMatchObject({ state: "failed", error: "legal_hold" });
    await liftHold(directory, "conversation", id);

    const erasing = orderOf("erase-user", {}, alice.userId);
    await addJob(directory, erasing);
    expect(await run()).toMatchObject({ state: "failed", error: "restore_unavailable" });
    await env.DB.prepare("DELETE FROM jobs WHERE id = ?").bind(erasing.id).run();

    await startOver(id, { by: "an erasure" });
    expect(await run()).toMatchObject({ state: "failed", error: "restore_unavailable" });
    expect(await admin.post(path, body)).toMatchObject({ body: { code: "restore_unavailable" } });
    const after = await machine.record(id);
    expect(await restored(admin, id, after)).toMatchObject({ state: "done" });
    expect(machine.restores).toHaveLength(1);
    // What an erasure has removed stays unavailable.
    expect(await run()).toMatchObject({ state: "failed", error: "restore_unavailable" });
  });
});

test("refused, too, where an erasure or a hold has come between the two looks at it", async () => {
  const machine = new TimeMachine();
  const [alice, bob] = [await person("alice"), await person("bob")];
  const id = await groupOf(alice, bob);
  const at = await machine.record(id);
  await later();
  const { step } = jobOf(restoreConversation);
  const params = { conversationId: id, at };
  const found = async () => {
    const next = await step(contextOf("some job"), params, { phase: "finding" });
    if (!("state" in next)) throw new Error("no state was found");
    return next.state;
  };
  const beforeHold = await found();
  const object = objectOf(id);
  // Not in D1 yet.
  await object.hold("", true);
  expect(await step(contextOf("some job"), params, beforeHold)).toEqual({ failed: "legal_hold" });
  await object.hold("", false);
  const beforeErasure = await found();
  // From its beginning to its end, while the job waits for a repetition of its step.
  await startOver(id, { by: "an erasure" });
  expect(await step(contextOf("some job"), params, beforeErasure)).toEqual({
    failed: "restore_unavailable",
  });
  expect((await send(alice, id, "it is open")).status).toBe(201);
  expect(machine.restores).toEqual([]);
});

function contextOf(jobId: string): JobContext {
  const settings = settingsOf(env);
  if (settings instanceof Error) throw settings;
  return {
    ...{ jobId, env, settings, startedAt: 0, clock: Date.now },
    startedBy: { userId: "operator", role: "admin" },
    // Not used by this kind.
    sql: undefined as unknown as SqlStorage,
  };
}

/** Where a client is that has everything. */
async function cursorOf(caller: Caller, id: string): Promise<{ rev: number; epoch: string }> {
  const socket = await open(caller, id);
  const { rev, epoch } = await socket.next("hello");
  socket.close(1000);
  return { rev, epoch };
}

function answerOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.error.code);
  return result.value;
}

const SOON = { timeout: 10_000, interval: 20 };

const historyOf = (id: string) => `/api/v1/chat/messages?conversationId=${id}`;

/** The legal holds that a conversation stores, once a statement was carried out. */
function holds(id: string, statement = "SELECT 1"): Promise<unknown[]> {
  return runInDurableObject(objectOf(id), (_, { storage: { sql } }) => {
    sql.exec(statement);
    return sql.exec("SELECT subject FROM holds").toArray();
  });
}

/** Counts a member's unread messages one by one. */
function naiveUnread(id: string, { userId }: Caller): Promise<number> {
  return runInDurableObject(
    objectOf(id),
    (_, { storage: { sql } }) =>
      sql
        .exec<{ unread: number }>(
          `SELECT count(*) AS unread FROM messages
           WHERE sender_id <> ?1 AND kind <> 'system' AND deleted_at IS NULL
             AND number > (SELECT read_up_to FROM members WHERE user_id = ?1)
             AND NOT EXISTS (SELECT 1 FROM reads
               WHERE user_id = ?1 AND number BETWEEN from_number AND to_number)`,
          userId,
        )
        .one().unread,
  );
}

function textIs(text: string) {
  return ({ content }: { content: string }) => content === text;
}
