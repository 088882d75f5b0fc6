import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { MAX_WATCHED } from "../../src/domain/presence.ts";
import { Hub, Io } from "../gateway/line.ts";
import { directPair, groupOf, open, openLive, person, someone } from "../support.ts";
import { inboxOf, openInbox, openListed } from "./replica.ts";
import {
  endGrace,
  evictInbox,
  fireAlarm,
  leaving,
  moveClock,
  presenceOver,
  rowsOf,
  stopClock,
  toldOf,
  watch,
} from "./watching.ts";

beforeEach(() => stopClock());

describe("watching", () => {
  test("the presence as it is, then each change; offline after ten seconds", async () => {
    const { alice, bob } = await directPair();
    const inbox = await openListed(alice);
    await watch(inbox, bob);
    expect(toldOf(inbox, bob)).toEqual([false]);
    expect(inbox.events.find(({ type }) => type === "ack")).toEqual({
      ...{ type: "ack", id: "watch", userIds: [bob.userId] },
    });
    const his = await openInbox(bob);
    await inbox.until(() => toldOf(inbox, bob).length === 2);
    his.close();
    const leftAt = await leaving(bob);
    vi.setSystemTime(leftAt + 9_999);
    await fireAlarm(bob);
    expect(await presenceOver(alice, bob)).toMatchObject({ online: true, lastSeenAt: null });
    vi.setSystemTime(leftAt + 10_000);
    await fireAlarm(bob);
    await inbox.until(() => toldOf(inbox, bob).length === 3);
    expect(toldOf(inbox, bob)).toEqual([false, true, false]);
    const lastSeenAt = new Date(leftAt).toISOString();
    expect(inbox.events.at(-1)).toEqual({
      ...{ type: "presence", userId: bob.userId, online: false, lastSeenAt },
    });
    expect(await presenceOver(alice, bob)).toEqual({ id: bob.userId, online: false, lastSeenAt });
  });

  test("somebody who reconnects within ten seconds is not told as offline", async () => {
    const { alice, bob } = await directPair();
    const inbox = await openListed(alice);
    await watch(inbox, bob);
    for (let i = 0; i < 5; i++) {
      const his = await openInbox(bob);
      his.close();
      await leaving(bob);
      moveClock(5_000);
      await fireAlarm(bob);
    }
    await openInbox(bob);
    await endGrace(bob);
    await watch(inbox, bob);
    expect(toldOf(inbox, bob)).toEqual([false, true, true]);
  });

  test("a watched user's inbox, and the watching one, may hibernate", async () => {
    const { alice, bob } = await directPair();
    const inbox = await openListed(alice);
    await watch(inbox, bob);
    await evictInbox(alice);
    await evictInbox(bob);
    const his = await openInbox(bob);
    await inbox.until(() => toldOf(inbox, bob).length === 2);
    await evictInbox(bob);
    await evictInbox(alice);
    his.close();
    await leaving(bob);
    await evictInbox(bob);
    await endGrace(bob);
    await inbox.until(() => toldOf(inbox, bob).length === 3);
    expect(toldOf(inbox, bob)).toEqual([false, true, false]);
  });

  test("each socket is told of those that it watches, until it unwatches them", async () => {
    const [alice, bob, carol] = [await person("alice"), await person("bob"), await person("carol")];
    await groupOf(alice, bob, carol);
    const [one, two] = [await openListed(alice), await openListed(alice)];
    await watch(one, bob, carol);
    await watch(two, bob);
    one.send({ op: "unwatch", id: "un", userIds: [bob.userId] });
    await one.until(() => one.events.some((event) => event.type === "ack" && event.id === "un"));
    await openInbox(bob);
    await openInbox(carol);
    await two.until(() => toldOf(two, bob).length === 2);
    await one.until(() => toldOf(one, carol).length === 2);
    expect(toldOf(one, bob)).toEqual([false]);
    expect(toldOf(two, carol)).toEqual([]);
  });

  test("a watcher who has gone is called once more, and then removed", async () => {
    const { alice, bob } = await directPair();
    const inbox = await openListed(alice);
    await watch(inbox, bob);
    expect(await rowsOf(bob, "watchers")).toMatchObject([{ kind: "user", id: alice.userId }]);
    inbox.close();
    await vi.waitFor(async () => expect(await rowsOf(alice, "watched")).toEqual([]));
    await openInbox(bob);
    await vi.waitFor(async () => expect(await rowsOf(bob, "watchers")).toEqual([]));
    const again = await openListed(alice);
    await watch(again, bob);
    expect(toldOf(again, bob)).toEqual([true]);
  });

  test("only people with whom a conversation is shared, now and not before", async () => {
    const { alice, bob } = await directPair();
    const [mallory, former] = [await person("mallory"), await person("former")];
    const group = await groupOf(alice, bob, former);
    await former.post(`/api/v1/chat/conversations/${group}/leave`);
    await alice.delete(`/api/v1/chat/conversations/${group}/participants/${former.userId}`);
    for (const stranger of [mallory, former]) {
      const inbox = await openListed(stranger);
      const userIds = [alice.userId, bob.userId];
      inbox.send({ op: "watch", id: 1, userIds });
      await inbox.until(() => inbox.events.some(({ type }) => type === "ack"));
      expect(inbox.events.at(-1)).toEqual({ type: "ack", id: 1, userIds: [] });
      expect(await rowsOf(alice, "watchers")).toEqual([]);
      expect(await presenceOver(stranger, alice)).toBeUndefined();
    }
  });

  test("at most 200 on one socket", async () => {
    const alice = await person("alice");
    const friends = Array.from({ length: MAX_WATCHED + 1 }, () => someone("friend"));
    const admin = await person("admin", { role: "admin" });
    await admin.put("/api/users", { users: friends.map((id) => ({ id })) });
    await alice.post("/api/v1/chat/conversations/group", {
      ...{ title: "All", participantIds: friends },
    });
    const inbox = await openListed(alice);
    inbox.send({ op: "watch", id: 1, userIds: friends.slice(0, MAX_WATCHED) });
    const presences = () => inbox.events.filter(({ type }) => type === "presence").length;
    await inbox.until(() => presences() === MAX_WATCHED);
    inbox.send({ op: "watch", id: 2, userIds: friends.slice(-1) });
    inbox.send({ op: "watch", id: 3, userIds: friends });
    const refusals = () => inbox.events.filter(({ type }) => type === "error");
    await inbox.until(() => refusals().length === 2);
    expect(refusals()).toMatchObject([
      { id: 3, code: "invalid_frame" },
      { id: 2, code: "rate_limited" },
    ]);
  });

  test("a user looks up 1,000 others at once, and 20 a second", async () => {
    const { alice } = await directPair();
    const ids = Array.from({ length: 100 }, () => someone());
    const look = () => alice.get(`/api/users/presence?ids=${ids.join()}`);
    for (let i = 0; i < 10; i++) expect((await look()).status).toBe(200);
    const refused = await look();
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({ code: "rate_limited", limit: "presence_look_ups" });
    moveClock(5_000);
    expect((await look()).status).toBe(200);
  });
});

test("while D1 is down, a watch is refused as unavailable, and everything else goes on", async () => {
  const { alice, bob } = await directPair();
  const inbox = await openListed(alice);
  await watch(inbox, bob);
  const session = env.DB.withSession();
  vi.spyOn(session, "prepare").mockImplementation(() => {
    throw new Error("D1_ERROR: down");
  });
  const down = vi.spyOn(env.DB, "withSession").mockReturnValue(session);
  onTestFinished(() => down.mockRestore());
  inbox.send({ op: "watch", id: "down", userIds: [bob.userId] });
  await inbox.until(() => inbox.events.some(({ type }) => type === "error"));
  const refusal = { type: "error", id: "down", code: "unavailable", retryAfterMs: 2_000 };
  expect(inbox.events.at(-1)).toMatchObject(refusal);
  await openInbox(bob);
  await inbox.until(() => toldOf(inbox, bob).length === 2);
  expect(toldOf(inbox, bob)).toEqual([false, true]);
});

test("a user who cannot be reached is given up after three attempts, and the socket is told", async () => {
  const { alice, bob } = await directPair();
  await runInDurableObject(inboxOf(bob), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: replaces a private method
    (object as any).presence.watch = () => Promise.reject(new Error("broken"));
  });
  const inbox = await openListed(alice);
  inbox.send({ op: "watch", id: 1, userIds: [bob.userId] });
  await inbox.until(() => inbox.events.some(({ type }) => type === "unwatched"));
  expect(inbox.events.slice(-2)).toEqual([
    { type: "ack", id: 1, userIds: [bob.userId] },
    { type: "unwatched", userIds: [bob.userId] },
  ]);
  expect(await rowsOf(alice, "watched")).toEqual([]);
});

describe("connections that count", () => {
  test.each([
    ["a native socket", (bob: Person, id: string) => openLive(bob, id)],
    ["SignalR", async (bob: Person) => (await Hub.connect(bob)).line.socket],
    ["Socket.IO", async (bob: Person) => (await Io.connect(bob)).line.socket],
  ])("%s", async (_, connect) => {
    const { alice, bob, conversationId } = await directPair();
    const inbox = await openListed(alice);
    await watch(inbox, bob);
    const connection = await connect(bob, conversationId);
    await inbox.until(() => toldOf(inbox, bob).length === 2);
    connection.close();
    await vi.waitFor(async () => expect(await rowsOf(bob, "presence_sources")).toEqual([]));
    await endGrace(bob);
    await inbox.until(() => toldOf(inbox, bob).length === 3);
    expect(toldOf(inbox, bob)).toEqual([false, true, false]);
  });

  test("any of them: the last one ends the presence", async () => {
    const { alice, bob, conversationId } = await directPair();
    const inbox = await openListed(alice);
    const connections = [
      await openInbox(bob),
      await openLive(bob, conversationId),
      (await Hub.connect(bob)).line.socket,
    ];
    await vi.waitFor(async () => expect(await rowsOf(bob, "presence_sources")).toHaveLength(2));
    await watch(inbox, bob);
    for (const connection of connections) {
      connection.close();
      await endGrace(bob);
    }
    await leaving(bob);
    expect(toldOf(inbox, bob)).toEqual([true]);
    await endGrace(bob);
    await inbox.until(() => toldOf(inbox, bob).length === 2);
  });
});

type Person = Awaited<ReturnType<typeof person>>;

describe("invisible", () => {
  test("is told in hello and to all sockets of the user, and shown as offline to others", async () => {
    const { alice, bob } = await directPair();
    const inbox = await openListed(alice);
    const [one, two] = [await openListed(bob), await openListed(bob)];
    await watch(inbox, bob);
    expect(one.events[0]).toMatchObject({ type: "hello", settings: { invisible: false } });
    one.send({ op: "set", id: 1, invisible: true });
    await two.until(() => two.events.some(({ type }) => type === "settings"));
    expect(two.events.at(-1)).toEqual({ type: "settings", settings: { invisible: true } });
    await inbox.until(() => toldOf(inbox, bob).length === 2);
    expect(inbox.events.at(-1)).toEqual({
      ...{ type: "presence", userId: bob.userId, online: false },
    });
    one.close();
    two.close();
    await leaving(bob);
    await endGrace(bob);
    expect(await presenceOver(alice, bob)).toEqual({
      ...{ id: bob.userId, online: false, lastSeenAt: null },
    });
    await evictInbox(bob);
    const back = await openListed(bob);
    expect(back.events[0]).toMatchObject({ settings: { invisible: true } });
    expect(toldOf(inbox, bob)).toEqual([true, false]);
    back.send({ op: "set", id: 1, invisible: false });
    await inbox.until(() => toldOf(inbox, bob).length === 3);
    expect(toldOf(inbox, bob)).toEqual([true, false, true]);
  });

  test("is changed at most five times at once", async () => {
    const bob = await person("bob");
    const inbox = await openListed(bob);
    for (let i = 1; i <= 7; i++) inbox.send({ op: "set", id: i, invisible: i % 2 === 1 });
    const answers = () =>
      inbox.events.flatMap((event) =>
        "code" in event ? [event["code"]] : event.type === "ack" ? ["ack"] : [],
      );
    await inbox.until(() => answers().length === 7);
    expect(answers()).toEqual([...Array(5).fill("ack"), "rate_limited", "ack"]);
  });
});

test("an inbox that is only asked stores nothing but the new conversation", async () => {
  const { alice, bob } = await directPair();
  expect(await presenceOver(alice, bob)).toEqual({
    ...{ id: bob.userId, online: false, lastSeenAt: null },
  });
  for (const one of [alice, bob]) {
    await runInDurableObject(inboxOf(one), async (_, { storage }) => {
      const tables = storage.sql.exec("SELECT name FROM sqlite_master").toArray();
      expect(tables.filter(({ name }) => name !== "pending")).toEqual([]);
      expect(await storage.getAlarm()).toBeNull();
    });
  }
});

test("a socket that is refused, and one that is short, leave nothing online", async () => {
  const { alice, bob, conversationId } = await directPair();
  const mallory = await person("mallory");
  await (await open(mallory, conversationId)).closed;
  (await openLive(bob, conversationId)).close();
  await vi.waitFor(async () => expect(await rowsOf(bob, "presence_sources")).toEqual([]));
  expect(await rowsOf(mallory, "presence")).toEqual([]);
  moveClock(10_000);
  expect(await presenceOver(alice, bob)).toMatchObject({ online: false });
});
