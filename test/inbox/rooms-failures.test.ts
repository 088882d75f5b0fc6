import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { recordCalls, replaceStubs } from "../gateway/wire.ts";
import {
  type Caller,
  directPair,
  evict,
  fireAlarms,
  objectOf,
  openLive,
  send,
} from "../support.ts";
import { inboxOf } from "./replica.ts";
import { loseNextCall, openRooms } from "./room-client.ts";

/** Conversations over an inbox socket, where calls are lost and objects end. */

const restart = (conversationId: string) =>
  runInDurableObject(objectOf(conversationId), (_, context) => context.abort("restart")).catch(
    () => undefined,
  );

/** Evicts an inbox, whose sockets stay. */
async function evictInbox(caller: Caller): Promise<void> {
  await runInDurableObject(inboxOf(caller), () => undefined);
  await evictDurableObject(inboxOf(caller));
}

/** Changes how an inbox calls conversations. */
function replaceCalls(
  caller: Caller,
  change: (real: () => Promise<unknown>) => Promise<unknown>,
): Promise<void> {
  return runInDurableObject(inboxOf(caller), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: replaces a private method
    const { stubs } = (object as any).rooms;
    const { call } = stubs;
    stubs.call = (...parameters: unknown[]) => change(() => call.apply(stubs, parameters));
  });
}

test("while the inbox hibernates nothing is lost, and its conversations stay open", async () => {
  const { alice, bob, conversationId } = await directPair();
  const sockets = [await openRooms(alice, "?features=reactions"), await openRooms(alice)];
  const rooms = await Promise.all(sockets.map((socket) => socket.open(conversationId)));
  const { body } = await send(bob, conversationId, "one");
  for (const room of rooms) await room.next("message");
  const kept = () =>
    runInDurableObject(inboxOf(alice), (_, context) =>
      context.getWebSockets().map((socket) => socket.deserializeAttachment().rooms),
    );
  const rev = rooms[0]?.all("message")[0]?.rev;
  expect(await kept()).toEqual(Array(2).fill(`${conversationId} live ${rev}`));
  await evictInbox(alice);
  await bob.post(`/api/v1/chat/messages/${body.messageId}/reactions`, { emoji: "👍" });
  await rooms[0]?.next("reaction");
  await rooms[1]?.next("message", ({ cause }) => cause === "reaction");
  await evictInbox(alice);
  await evict(conversationId);
  rooms[1]?.send({ op: "send", id: 1, content: "two" });
  await rooms[1]?.next("ack");
  await rooms[0]?.next("message");
  for (const room of rooms) expect(room.all("sync").length).toBe(1);
});

test("what was under way when the inbox ended is not lost in silence: the conversation is closed", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openRooms(alice);
  const room = await socket.open(conversationId);
  await runInDurableObject(inboxOf(alice), (_, context) => {
    const [one] = context.getWebSockets();
    const kept = one?.deserializeAttachment();
    one?.serializeAttachment({ ...kept, rooms: kept.rooms.replace("live", "busy") });
  });
  await evictInbox(alice);
  socket.send({ op: "list" });
  await room.until(() => room.end !== undefined);
  expect(room.end).toMatchObject({ code: 1_012 });
  const { epoch, rev } = await room.next("hello");
  const again = await socket.open(conversationId, { since: rev, epoch });
  again.send({ op: "send", id: 1, content: "again" });
  await again.next("ack");
});

test("while frames are under way, the attachment says so", async () => {
  const { alice, conversationId } = await directPair();
  const room = await (await openRooms(alice)).open(conversationId);
  const kept = () =>
    runInDurableObject(inboxOf(alice), (_, context) => {
      return context.getWebSockets()[0]?.deserializeAttachment().rooms;
    });
  const { promise, resolve } = Promise.withResolvers<void>();
  await replaceCalls(alice, async (real) => {
    const answer = await real();
    await promise;
    return answer;
  });
  room.send({ op: "send", id: 1, content: "slow" });
  await vi.waitFor(async () => expect(await kept()).toMatch(/ busy /));
  await runInDurableObject(inboxOf(alice), () => resolve());
  await room.next("ack");
  await vi.waitFor(async () => expect(await kept()).toMatch(/ live /));
});

test("a lost delivery is made good by a sync in its place, before the next event", async () => {
  const { alice, bob, conversationId } = await directPair();
  const socket = await openRooms(alice);
  const room = await socket.open(conversationId);
  const { rev } = await room.next("hello");
  await loseNextCall(conversationId);
  await send(bob, conversationId, "lost");
  await send(bob, conversationId, "next");
  await room.until(() => room.all("sync").length === 2);
  expect(room.all("sync")[1]).toMatchObject({ from: rev, to: rev + 2, more: false });
  expect(room.all("sync")[1]?.messages.map(({ content }) => content)).toEqual(["lost", "next"]);
  await send(bob, conversationId, "live");
  await room.next("message");
  expect(room.events.map(({ type }) => type)).toEqual(["hello", "sync", "sync", "message"]);
});

test("a lost delivery that nothing follows is made good by the alarm", async () => {
  const { alice, bob, conversationId } = await directPair();
  const room = await (await openRooms(alice)).open(conversationId);
  const real = await replaceStubs(conversationId, () => () => ({
    deliver: () => Promise.reject(new Error("out of reach")),
  }));
  await send(bob, conversationId, "lost");
  await replaceStubs(conversationId, () => real);
  await fireAlarms(conversationId);
  await room.until(() => room.all("sync").length === 2);
  expect(room.all("sync")[1]?.messages.map(({ content }) => content)).toEqual(["lost"]);
});

test("an ack comes behind its event, however late that is, and at last behind a sync", async () => {
  const { alice, conversationId } = await directPair();
  const room = await (await openRooms(alice)).open(conversationId);
  const { promise, resolve } = Promise.withResolvers<void>();
  const real = await replaceStubs(conversationId, (real) => (...address) => {
    const stub = real(...address);
    return {
      ...stub,
      deliver: async (batch) => {
        await promise;
        return stub.deliver?.(batch) ?? false;
      },
    };
  });
  room.send({ op: "send", id: 1, content: "late" });
  room.send({ op: "history", id: 2 });
  // The history is ready long before.
  await runInDurableObject(inboxOf(alice), () => undefined);
  await runInDurableObject(objectOf(conversationId), () => resolve());
  await room.next("sync", ({ id }) => id === 2);
  const tail = room.events.slice(2).map((event) => [event.type, "id" in event && event.id]);
  expect(tail).toEqual([
    ["message", false],
    ["ack", 1],
    ["sync", 2],
  ]);
  await replaceStubs(conversationId, () => () => ({
    deliver: () => Promise.reject(new Error("out of reach")),
  }));
  room.send({ op: "send", id: 3, content: "lost" });
  await room.next("ack");
  expect(room.events.slice(5).map(({ type }) => type)).toEqual(["sync", "ack"]);
  await replaceStubs(conversationId, () => real);
});

test("a conversation that restarts stays open, and what it could not deliver comes", async () => {
  const { alice, bob, conversationId } = await directPair();
  const socket = await openRooms(alice);
  const room = await socket.open(conversationId);
  await loseNextCall(conversationId);
  await send(bob, conversationId, "before the end");
  await restart(conversationId);
  await vi.waitFor(() => send(bob, conversationId, "after it"));
  await room.until(() => room.all("sync").length === 2);
  room.send({ op: "send", id: 1, content: "of mine", clientMessageId: "key" });
  await room.next("ack");
  const texts = [
    ...(room.all("sync")[1]?.messages ?? []),
    ...room.all("message").map(({ message }) => message),
  ].map(({ content }) => content);
  expect(texts).toEqual(["before the end", "after it", "of mine"]);
  expect(room.end).toBeUndefined();
});

test("a command whose outcome is unknown closes the conversation; under its key it is sent once", async () => {
  const { alice, bob, conversationId } = await directPair();
  const socket = await openRooms(alice);
  const room = await socket.open(conversationId);
  const watching = await openLive(bob, conversationId);
  let isLost = false;
  await replaceCalls(alice, async (real) => {
    const answer = await real();
    if (isLost) return answer;
    isLost = true;
    throw new Error("lost");
  });
  const frame = { op: "send", id: 1, content: "once", clientMessageId: "key" };
  room.send(frame);
  await room.until(() => room.end !== undefined);
  expect(room.end).toMatchObject({ code: 1_012 });
  expect(room.all("ack")).toEqual([]);
  const { epoch, rev } = await room.next("hello");
  const again = await socket.open(conversationId, { since: rev, epoch });
  again.send(frame);
  expect(await again.next("ack")).toMatchObject({ id: 1, deduplicated: true });
  await watching.next("message");
  expect(watching.all("message").length).toBe(1);
});

test("an answer of the inbox that it is not subscribed removes the subscription, unless it is opened again", async () => {
  const { alice, bob, conversationId } = await directPair();
  const socket = await openRooms(alice);
  const room = await socket.open(conversationId);
  socket.send({ op: "close", conversationId });
  await room.until(() => room.end !== undefined);
  const again = await socket.open(conversationId);
  const calls = await recordCalls(conversationId);
  for (const text of ["one", "two"]) {
    await send(bob, conversationId, text);
    await again.next("message");
  }
  expect(calls).toEqual(["deliver", "deliver"]);
});
