import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import type { Command } from "../../src/conversation/decide/types.ts";
import { CHECK_AFTER_MS } from "../../src/conversation/outbound/alarms.ts";
import { Subscribers } from "../../src/conversation/outbound/subscribers/subscribers.ts";
import { conversationOf, inboxOf } from "../../src/conversation/stub.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import { counting } from "../conversation/counters.ts";
import { seedMembers, seedMessages } from "../conversation/seeds.ts";
import {
  type Caller,
  channelOf,
  directPair,
  groupOf,
  objectOf,
  openLive,
  person,
  send,
  tokenFor,
} from "../support.ts";
import { Hub, Io } from "./line.ts";
import { beforeAnswerArrives, dropNextCall, outOfReach, recordCalls } from "./wire.ts";

/** Consistency between a conversation and its gateways, for both protocols. */

afterEach(() => void vi.useRealTimers());

test("clients of each protocol and a socket receive messages in one order", async () => {
  const people = await Promise.all(Array.from({ length: 5 }, () => person()));
  const [anna, ben, cora, dora, emil] = people as [Caller, Caller, Caller, Caller, Caller];
  const id = await groupOf(...people);
  const ios = [await Io.connect(anna), await Io.connect(ben)];
  const hubs = [await Hub.connect(cora), await Hub.connect(dora)];
  const live = await openLive(emil, id);
  for (const io of ios) await io.ask("join-chat-room", id);
  for (const hub of hubs) await hub.ask("JoinConversation", id);
  const sent: Promise<unknown>[] = [];
  for (let i = 0; i < 15; i++) {
    for (const io of ios) sent.push(io.ask("send-message", { chatId: id, content: `${i}` }));
    for (const hub of hubs) sent.push(hub.ask("SendMessage", id, `${i}`));
    live.send({ op: "send", content: `${i}` });
    if (i % 5 === 4) {
      await Promise.all(sent);
      // All objects sleep in between.
      await Promise.all([...ios, ...hubs].map((one) => one.evict()));
      await evictDurableObject(objectOf(id));
    }
  }
  await live.until(() => live.all("message").length === 75);
  const order = live.all("message").map(({ message }) => message.id);
  for (const io of ios) {
    await io.until("new-message", 75);
    expect(io.all("new-message").map(({ message }) => message._id)).toEqual(order);
  }
  for (const hub of hubs) {
    await hub.until("ReceiveMessage", 75);
    expect(hub.all("ReceiveMessage").map(({ messageId }) => messageId)).toEqual(order);
  }
  // Messages that one user sends without waiting keep their order.
  const mine = live.all("message").filter(({ message }) => message.senderId === anna.userId);
  expect(mine.map(({ message }) => message.content)).toEqual(Array.from(Array(15).keys(), String));
});

test("20 rooms on one connection are kept while it sleeps", async () => {
  const [alice, bob] = [await person("alice"), await person("bob")];
  const ids = await Promise.all(
    Array.from({ length: 20 }, async () => groupOf(alice, bob, await person())),
  );
  const io = await Io.connect(alice);
  const joined = await Promise.all(ids.map((id) => io.ask("join-chat-room", id)));
  expect(joined.every(({ success }) => success)).toBe(true);
  await io.evict();
  await Promise.all(ids.map((id) => send(bob, id, `in ${id}`)));
  await io.until("new-message", 20);
  expect(new Set(io.all("new-message").map(({ chatId }) => chatId))).toEqual(new Set(ids));
});

test("a reconnecting client joins a hundred rooms at once, and they are kept; more are refused", async () => {
  const alice = await person("alice");
  const url = `https://pictures.test/${"p".repeat(2_000)}`;
  const claims = { name: "\u{1f986}".repeat(200), picture: url };
  const ids = await Promise.all(Array.from({ length: 101 }, () => channelOf(alice)));
  const hub = await Hub.connect({ token: await tokenFor(alice.userId, { claims }) });
  const last = ids.pop();
  const joined = await Promise.all(ids.map((id) => hub.ask("JoinConversation", id)));
  expect(joined.filter(({ error }) => error !== undefined)).toEqual([]);
  expect((await hub.ask("JoinConversation", last)).error).toMatch(/^At most 100 conversations/);
  await hub.evict();
  await Promise.all(ids.map((id) => send(alice, id, "hello")));
  await hub.until("ReceiveMessage", 100);
  // Further joins are limited by the connection's rate.
  vi.setSystemTime(Date.now() + 1_000);
  const many = Array.from({ length: 21 }, () => hub.ask("JoinConversation", last));
  const errors = (await Promise.all(many)).map(({ error }) => error);
  expect(new Set(errors).size).toBe(2);
});

test("a lost batch is fetched, and a repeated one is delivered once", async () => {
  const { alice, bob, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  const { rev } = await hub.ask("JoinConversation", conversationId);
  await dropNextCall(conversationId);
  await send(bob, conversationId, "lost on the way");
  expect(hub.all("ReceiveMessage")).toEqual([]);
  await send(bob, conversationId, "finds the gap");
  await hub.until("ReceiveMessage", 2);
  const received = () => hub.all("ReceiveMessage").map((message) => [message.content, message.rev]);
  const both = [
    ["lost on the way", rev + 1],
    ["finds the gap", rev + 2],
  ];
  expect(received()).toEqual(both);
  const batch = { conversationId, from: rev, to: rev + 1, lines: [], notes: [] };
  expect(await hub.object.deliver(batch)).toBe(true);
  expect(await hub.object.deliver({ ...batch, conversationId: "another" })).toBe(false);
  expect(received()).toEqual(both);
});

test("a message that changes between two pages of missed events is new once", async () => {
  const { alice, bob, conversationId } = await directPair();
  await seedMessages(conversationId, 600, bob.userId);
  const io = await Io.connect(alice);
  await beforeAnswerArrives(io.object, "lines", async () => {
    const react = { type: "react", messageId: messageIdOf(conversationId, 1), emoji: "👍" };
    await conversationOf(env, conversationId).submit(
      { userId: bob.userId, name: null, avatarUrl: null, role: "user", reach: "member" },
      react as Command,
      { wait: false, readers: false },
    );
  });
  await io.ask("join-chat-room", conversationId, { since: 0 });
  await io.until("message-edited", 1);
  const ids = io.all("new-message").map(({ message }) => message._id);
  expect(ids).toHaveLength(600);
  expect(new Set(ids).size).toBe(600);
  expect(io.all("message-edited")[0].message).toMatchObject({ reactions: [{ emoji: "👍" }] });
});

test("after a crash directly after a commit, the conversation delivers to its gateways when it wakes", async () => {
  const { alice, bob, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  await dropNextCall(conversationId);
  await send(bob, conversationId, "lost on the way");
  await evictDurableObject(objectOf(conversationId));
  await runInDurableObject(objectOf(conversationId), (object) => object.alarm());
  await hub.until("ReceiveMessage", 1);
  expect(hub.all("ReceiveMessage")).toMatchObject([{ content: "lost on the way" }]);
});

test.each([
  ["a join that fails", 1],
  ["two joins at once that fail", 2],
])("%s: the existing subscription keeps its revision", async (_, count) => {
  const { alice, bob, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  const join = vi.spyOn(Subscribers.prototype, "add").mockImplementation(() => {
    throw new Error("out of order");
  });
  const joins = Array.from({ length: count }, () => hub.ask("JoinConversation", conversationId));
  await send(bob, conversationId, "meanwhile");
  for (const joined of await Promise.all(joins)) expect(joined).toHaveProperty("error");
  join.mockRestore();
  await send(bob, conversationId, "and then");
  await hub.until("ReceiveMessage", 2);
  const received = hub.all("ReceiveMessage").map(({ content }) => content);
  expect(received).toEqual(["meanwhile", "and then"]);
});

test("an unreachable gateway is retried by the alarm, without further messages", async () => {
  const { alice, bob, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  const tries = await outOfReach(conversationId);
  await send(bob, conversationId, "the last word");
  await vi.waitFor(() => expect(tries.failed).toBe(2));
  // While it is unreachable, retries continue at growing intervals.
  const waits = await runInDurableObject(objectOf(conversationId), async (object, { storage }) => {
    const waits: number[] = [];
    for (let tried = 1; tried <= 25; tried++) {
      await object.alarm();
      // Once it was the other consumers' turn, which have nothing to do.
      if (tries.failed < 2 + 2 * tried) await object.alarm();
      expect(tries.failed).toBe(2 + 2 * tried);
      waits.push(((await storage.getAlarm()) ?? 0) - Date.now());
    }
    return waits;
  });
  expect(waits[0]).toBeLessThanOrEqual(2_000);
  expect(waits.at(-1)).toBeGreaterThan(50_000);
  expect(waits.at(-1)).toBeLessThanOrEqual(60_000);
  await tries.end();
  await runInDurableObject(objectOf(conversationId), (object) => object.alarm());
  await hub.until("ReceiveMessage", 1);
  expect(hub.all("ReceiveMessage")).toMatchObject([{ content: "the last word" }]);
});

test("a commit does not wait for a later alarm", async () => {
  const { alice, bob, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  await outOfReach(conversationId);
  await send(bob, conversationId, "unheard");
  await runInDurableObject(objectOf(conversationId), async (object, { storage }) => {
    for (let tried = 0; tried < 10; tried++) await object.alarm();
    expect(await storage.getAlarm()).toBeGreaterThan(Date.now() + 50_000);
  });
  await send(bob, conversationId, "unheard as well");
  await runInDurableObject(objectOf(conversationId), async (_, { storage }) => {
    expect(await storage.getAlarm()).toBeLessThanOrEqual(Date.now() + CHECK_AFTER_MS);
  });
});

test("a gateway connection counts as online, and a second connection of the user sends no presence", async () => {
  const { alice, bob, conversationId } = await directPair();
  const live = await openLive(bob, conversationId);
  const io = await Io.connect(alice);
  await io.ask("join-chat-room", conversationId);
  expect(await live.next("presence")).toMatchObject({ userId: alice.userId, online: true });
  const socket = await openLive(alice, conversationId);
  expect(socket.all("hello")[0]?.online).toEqual(
    expect.arrayContaining([alice.userId, bob.userId]),
  );
  socket.close();
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  await io.ask("leave-chat-room", conversationId);
  hub.line.socket.close();
  expect(live.all("presence")).toHaveLength(1);
  // Whoever has left the conversation is online until the connection ends.
  io.line.socket.close();
  expect(await live.next("presence")).toMatchObject({ userId: alice.userId, online: false });
});

test("presence changes during a join are delivered after the answer to the join", async () => {
  const { alice, bob, conversationId } = await directPair();
  const [hers, his] = [await Hub.connect(alice), await Hub.connect(bob)];
  await his.ask("JoinConversation", conversationId);
  await beforeAnswerArrives(hers.object, "online", async () => {
    const his = inboxOf(env, bob.userId);
    while ((await his.connection()).connected) await new Promise((resolve) => setTimeout(resolve));
    const conversation = conversationOf(env, conversationId);
    // The event arrives long before the answer.
    for (let turn = 0; turn < 20; turn++) await conversation.unsubscribe("nobody");
  });
  const joining = hers.ask("JoinConversation", conversationId);
  await vi.waitFor(() =>
    runInDurableObject(objectOf(conversationId), (_, { storage: { sql } }) => {
      expect(sql.exec("SELECT 1 FROM listeners").toArray()).toHaveLength(2);
    }),
  );
  his.line.socket.close();
  const { online } = await joining;
  expect(online).toContain(bob.userId);
  await hers.until("UserOffline", 1);
  const order = hers.messages().map(({ type, target }) => target ?? type);
  expect(order.slice(1)).toEqual([3, "UserOffline"]);
});

test("presence directly after a join is delivered before a later event of the same user", async () => {
  const { alice, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  await runInDurableObject(hub.object as Io["object"], async (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: calls private methods in one turn
    const gateway = object as any;
    const { value } = await gateway.rooms.join(conversationId);
    const then = new Date(0).toISOString();
    const came = { type: "presence", userId: "somebody", online: true, lastSeenAt: then };
    gateway.deliverEphemeral(conversationId, JSON.stringify(came));
    const { rev: from } = value;
    const rev = from + 1;
    const read = { type: "read", rev, userId: "somebody", from: 1, to: 1, readAt: then };
    const lines = [JSON.stringify(read)];
    gateway.deliver({ conversationId, from, to: rev, lines, notes: [] });
  });
  await hub.until("MessageRead", 1);
  const received = hub.messages().flatMap(({ target }) => target ?? []);
  expect(received).toEqual(["UserOnline", "MessageRead"]);
});

test("typing without a stop event expires", async () => {
  const { alice, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  const types = (userId: string, active: boolean) => {
    const event = { type: "typing", userId, active, expiresInMs: active ? 20 : 0 };
    return hub.object.deliverEphemeral(conversationId, JSON.stringify(event));
  };
  await types("said so", true);
  await types("said so", false);
  await types("vanished", true);
  await types("vanished", true);
  await hub.until("UserTyping", 5);
  const received = hub.all("UserTyping").map(({ userId, isTyping }) => [userId, isTyping]);
  expect(received).toEqual([
    ["said so", true],
    ["said so", false],
    ["vanished", true],
    ["vanished", true],
    ["vanished", false],
  ]);
});

test("a subscriber that vanished is evicted with the next message", async () => {
  const { alice, bob, conversationId } = await directPair();
  const subscribers = () =>
    runInDurableObject(objectOf(conversationId), (_, { storage }) =>
      storage.sql.exec("SELECT user_id FROM listeners").toArray(),
    );
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  expect(await subscribers()).toEqual([{ user_id: alice.userId }]);
  await evictDurableObject(hub.object, { webSockets: "close" });
  const live = await openLive(bob, conversationId);
  await send(bob, conversationId, "anybody there?");
  expect(await live.next("presence")).toMatchObject({ userId: alice.userId, online: false });
  expect(await subscribers()).toEqual([]);
});

test("a message writes the same number of rows with gateways as without", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(bob, conversationId, "first");
  const without = await counting(conversationId, () => send(bob, conversationId, "counted"));
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  const withOne = await counting(conversationId, () => send(bob, conversationId, "counted"));
  await hub.until("ReceiveMessage", 1);
  expect(withOne.rowsWritten).toBe(without.rowsWritten);
});

test("in a large conversation a read calls no gateway, and creates no gap", async () => {
  const [alice, bob] = [await person("alice"), await person("bob")];
  const conversationId = await channelOf(alice, [bob]);
  await seedMembers(conversationId, 250);
  await send(alice, conversationId, "hello");
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  const calls = await recordCalls(conversationId);
  const live = await openLive(bob, conversationId);
  live.send({ op: "read", id: "read" });
  await live.next("ack");
  expect(calls).toEqual([]);
  await send(bob, conversationId, "after a read");
  await hub.until("ReceiveMessage", 1);
  expect(calls).toEqual(["deliver"]);
  expect(hub.all("ReceiveMessage")).toMatchObject([{ content: "after a read" }]);
  // A gateway that subscribes after a read has no gap either.
  const late = await Hub.connect(bob);
  live.send({ op: "read", id: "again" });
  await live.next("ack");
  await late.ask("JoinConversation", conversationId);
  await send(alice, conversationId, "for both");
  await Promise.all([hub.until("ReceiveMessage", 2), late.until("ReceiveMessage", 1)]);
  expect(late.all("ReceiveMessage")).toMatchObject([{ content: "for both" }]);
});

test("at most ten connections of a user subscribe to a conversation", async () => {
  const { alice, conversationId } = await directPair();
  const hubs = await Promise.all(Array.from({ length: 11 }, () => Hub.connect(alice)));
  for (const hub of hubs.slice(0, 10)) await hub.ask("JoinConversation", conversationId);
  const refused = await hubs[10]?.ask("JoinConversation", conversationId);
  expect(refused.error).toMatch(/^At most 10 connections/);
  // A vanished connection frees a place.
  const [first] = hubs;
  if (first) await evictDurableObject(first.object, { webSockets: "close" });
  expect(await hubs[10]?.ask("JoinConversation", conversationId)).toHaveProperty("rev");
});
