import { runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { sample } from "../attachments/samples.ts";
import { keyOf, putFile } from "../attachments/support.ts";
import { recordCalls } from "../gateway/wire.ts";
import { directPair, groupOf, ORIGIN, openLive, person, send } from "../support.ts";
import { inboxOf } from "./replica.ts";
import { openRooms, subscribers } from "./room-client.ts";

test("an opened conversation starts as a native socket does, and its events follow", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(bob, conversationId, "before");
  const socket = await openRooms(alice);
  const room = await socket.open(conversationId);
  expect(room.events.map(({ type }) => type)).toEqual(["hello", "sync"]);
  expect(room.ids).toEqual([`open ${conversationId}`, undefined]);
  expect(room.events[0]).toMatchObject({
    you: { userId: alice.userId, unread: 1 },
    online: [alice.userId],
  });
  const native = await openLive(alice, conversationId);
  expect(room.events[1]).toEqual(native.events[1]);
  await send(bob, conversationId, "after");
  await Promise.all([room.next("message"), native.next("message")]);
  expect(room.events.at(-1)).toEqual(native.events.at(-1));
});

test("commands of each kind are carried out and answered as on a native socket", async () => {
  const { alice, conversationId } = await directPair();
  const room = await (await openRooms(alice)).open(conversationId);
  room.send({ op: "send", id: 1, content: "hello", clientMessageId: "k" });
  const { messageId } = await room.next("ack");
  room.send({ op: "send", id: 2, content: "hello", clientMessageId: "k" });
  expect(await room.next("ack")).toMatchObject({ id: 2, messageId, deduplicated: true });
  room.send({ op: "edit", id: 3, messageId, content: "hello you" });
  room.send({ op: "react", id: 4, messageId, emoji: "👍" });
  room.send({ op: "unreact", id: 5, messageId, emoji: "👍" });
  room.send({ op: "history", id: 6 });
  room.send({ op: "delete", id: 7, messageId });
  room.send({ op: "read", id: 8 });
  room.send({ op: "sync", id: 9, since: 0 });
  const { messages } = await room.next("sync", ({ id }) => id === 6);
  expect(messages.at(-1)).toMatchObject({ content: "hello you", reactions: [] });
  await room.next("sync", ({ id }) => id === 9);
  const answers = room.events.flatMap((event) =>
    event.type === "ack" || (event.type === "sync" && event.id) ? [event.id] : [],
  );
  expect(answers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  room.send({ op: "edit", id: 10, messageId, content: "too late" });
  expect(await room.next("error")).toMatchObject({ id: 10, code: "message_deleted" });
});

test("a question includes the commands before it, and is answered behind them", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openRooms(alice);
  const room = await socket.open(conversationId);
  const sends = ["a", "b", "c", "d", "e"].map((content) => ({ op: "send", id: content, content }));
  const frames = [...sends, { op: "history", id: "h" }, { op: "send", id: "f", content: "f" }];
  socket.send(frames.map((frame) => JSON.stringify({ ...frame, conversationId })).join("\n"));
  const { messages } = await room.next("sync", ({ id }) => id === "h");
  expect(messages.map(({ content }) => content)).toEqual(["a", "b", "c", "d", "e"]);
  expect(room.all("ack").map(({ id }) => id)).toEqual(["a", "b", "c", "d", "e"]);
});

test("two sockets of one user are one subscription: each has its place, and the last one ends it", async () => {
  const { alice, bob, conversationId } = await directPair();
  const watching = await openLive(bob, conversationId);
  const sockets = [await openRooms(alice), await openRooms(alice)];
  const rooms = await Promise.all(sockets.map((socket) => socket.open(conversationId)));
  await watching.next("presence", ({ online }) => online);
  expect(await subscribers(conversationId)).toEqual([alice.userId]);
  const calls = await recordCalls(conversationId);
  await send(bob, conversationId, "for both");
  for (const room of rooms) await room.next("message");
  expect(calls).toEqual(["deliver"]);
  const [one, two] = rooms;
  one?.send({ op: "send", id: "from one", content: "of one" });
  await Promise.all([one?.next("ack"), two?.next("message")]);
  expect(two?.all("ack")).toEqual([]);
  sockets[0]?.send({ op: "close", id: "c", conversationId });
  await sockets[0]?.until(() => one?.end !== undefined);
  expect(one?.end).toMatchObject({ id: "c", code: 1_000 });
  await send(bob, conversationId, "for the other");
  await two?.next("message", ({ message }) => message.content === "for the other");
  expect(one?.all("message").length).toBe(2);
  expect(await subscribers(conversationId)).toEqual([alice.userId]);
  sockets[1]?.close();
  // Whoever has closed the conversation is online until their inbox is closed.
  sockets[0]?.close();
  await watching.next("presence", ({ online }) => !online);
  expect(await subscribers(conversationId)).toEqual([]);
});

test("resumes by revision, in pages; a foreign epoch or a future revision is a first visit", async () => {
  const { alice, bob, conversationId } = await directPair();
  const socket = await openRooms(alice);
  const first = await socket.open(conversationId);
  const { epoch, rev: since } = await first.next("hello");
  for (let i = 0; i < 80; i++) await send(bob, conversationId, `${i} ${"€".repeat(1_900)}`);
  await first.until(() => first.all("message").length === 80);
  const again = await socket.open(conversationId, { since, epoch });
  const pages = again.all("sync");
  expect(pages.length).toBeGreaterThan(1);
  expect(pages[0]).toMatchObject({ from: since, more: true });
  expect(pages.flatMap(({ messages }) => messages)).toEqual(
    first.all("message").map(({ message }) => message),
  );
  await send(bob, conversationId, "live again");
  await again.next("message");
  for (const cursor of [
    { since, epoch: "another" },
    { since: 1_000, epoch },
  ]) {
    const reset = await socket.open(conversationId, cursor);
    expect(reset.all("sync")[0]).toMatchObject({ from: 0, reset: true });
  }
});

test("what happens while the client requests pages comes behind the last one, presence included", async () => {
  const { alice, bob, conversationId } = await directPair();
  for (let i = 0; i < 50; i++) await send(bob, conversationId, `${i} ${"€".repeat(1_900)}`);
  const socket = await openRooms(alice);
  const room = socket.start(conversationId, { since: 0 });
  room.asksForPages = false;
  const { to, more } = await room.next("sync");
  expect(more).toBe(true);
  await openLive(bob, conversationId);
  room.send({ op: "send", id: 1, content: "meanwhile" });
  await room.next("ack");
  expect(room.events.map(({ type }) => type)).toEqual(["hello", "sync", "ack"]);
  room.asksForPages = true;
  room.send({ op: "sync", since: to });
  await room.until(() => room.isLive);
  await room.next("presence");
  expect(new Set(room.events.slice(3, -1).map(({ type }) => type))).toEqual(new Set(["sync"]));
  expect(room.events.at(-1)).toMatchObject({ type: "presence", userId: bob.userId, online: true });
});

test("a removed member is sent the removal, and then the conversation is closed on all sockets", async () => {
  const [alice, bob, carol] = [await person("alice"), await person("bob"), await person("carol")];
  const conversationId = await groupOf(alice, bob, carol);
  const sockets = [await openRooms(bob), await openRooms(bob)];
  const rooms = await Promise.all(sockets.map((socket) => socket.open(conversationId)));
  const group = `/api/v1/chat/conversations/${conversationId}`;
  await alice.delete(`${group}/participants/${bob.userId}`);
  for (const room of rooms) {
    await room.until(() => room.end !== undefined);
    expect(room.events.at(-1)).toMatchObject({
      type: "member",
      cause: "removed",
      member: { userId: bob.userId },
    });
    expect(room.end).toMatchObject({ code: 4_403, reason: "no longer a member" });
  }
  await vi.waitFor(async () => expect(await subscribers(conversationId)).toEqual([]));
  const [socket] = sockets;
  if (!socket) throw new Error("unreachable");
  const refused = await socket.open(conversationId);
  expect(refused.end).toMatchObject({ id: `open ${conversationId}`, code: 4_403 });
  expect(refused.events).toEqual([]);
  await alice.post(`${group}/participants`, { participantId: bob.userId });
  const back = await socket.open(conversationId);
  await send(alice, conversationId, "welcome back");
  await back.next("message");
});

test("what cannot be opened is closed with the code of a native socket", async () => {
  const { conversationId } = await directPair();
  const socket = await openRooms(await person("mallory"));
  const nowhere = conversationId.replace(/^./, (digit) => (digit === "f" ? "0" : "f"));
  for (const [id, code] of [
    [conversationId, 4_403],
    [nowhere, 4_404],
    ["nonsense", 4_404],
  ] as const) {
    expect((await socket.open(id)).end).toMatchObject({ conversationId: id, code });
  }
});

test("frames to a conversation that is not open are refused; it can be marked as read all the same", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(bob, conversationId, "unread");
  const socket = await openRooms(alice);
  const room = socket.start(conversationId);
  socket.send({ op: "close", conversationId });
  await socket.until(() => room.end !== undefined);
  socket.send({ op: "read", id: "r", conversationId });
  await socket.until(() => socket.own.some(({ type }) => type === "ack"));
  expect(socket.own.at(-1)).toMatchObject({ type: "ack", id: "r" });
  socket.send({ op: "send", id: "s", conversationId, content: "hello" });
  socket.send({ op: "send", id: "t", content: "hello" });
  await socket.until(() => socket.own.some(({ id }) => id === "t"));
  expect(socket.own.slice(-2)).toMatchObject([
    { type: "error", id: "s", code: "invalid_frame", conversationId },
    { type: "error", id: "t", code: "invalid_frame" },
  ]);
});

test("at most 100 conversations are open on a socket", async () => {
  const { alice, bob, conversationId } = await directPair();
  const socket = await openRooms(alice);
  await socket.open(conversationId);
  const others = Array.from({ length: 99 }, (_, i) =>
    [conversationId.slice(0, 28), (i + 1).toString(16).padStart(8, "0")].join(""),
  );
  await runInDurableObject(inboxOf(alice), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: as if 99 more were open
    const [rooms] = (object as any).rooms.byConnection.values();
    for (const id of others) rooms.add(id, { phase: "live", rev: 1 }, undefined);
  });
  const room = await socket.open(conversationId);
  expect(room.isLive).toBe(true);
  const group = await groupOf(alice, bob);
  const refused = await socket.open(group);
  expect(refused.events).toMatchObject([
    { type: "error", id: `open ${group}`, code: "rate_limited" },
  ]);
  expect(refused.end).toMatchObject({ id: `open ${group}`, code: 4_400 });
  // One that is open can be opened again.
  expect((await socket.open(conversationId)).isLive).toBe(true);
  await vi.waitFor(async () => {
    const kept = await runInDurableObject(inboxOf(alice), (_, context) =>
      context.getWebSockets().map((one) => one.deserializeAttachment().rooms),
    );
    expect(kept.map((rooms) => rooms.split("\n").length)).toEqual([100]);
    expect(kept[0].length).toBeLessThan(6 * 1024);
  });
});

test("with the feature, reactions come without the message, as on a native socket", async () => {
  const { alice, bob, conversationId } = await directPair();
  const native = await openLive(alice, conversationId, "?features=reactions");
  const lean = await (await openRooms(alice, "?features=reactions,other")).open(conversationId);
  const whole = await (await openRooms(alice)).open(conversationId);
  expect(lean.events[0]).toMatchObject({ features: ["reactions"] });
  expect(whole.events[0]).not.toHaveProperty("features");
  const { body } = await send(bob, conversationId, "hello");
  await bob.post(`/api/v1/chat/messages/${body.messageId}/reactions`, { emoji: "👍" });
  await Promise.all([native.next("reaction"), lean.next("reaction")]);
  expect(lean.lines.at(-1)).toBe(native.frames.at(-1));
  await whole.next("message", ({ cause }) => cause === "reaction");
});

test("typing and presence reach other people's conversations, and not one's own", async () => {
  const { alice, bob, conversationId } = await directPair();
  const a = await (await openRooms(alice)).open(conversationId);
  const b = await (await openRooms(bob)).open(conversationId);
  await a.next("presence", ({ userId, online }) => userId === bob.userId && online);
  b.send({ op: "typing", active: true });
  b.send({ op: "typing", active: true });
  b.send({ op: "send", id: 1, content: "typed" });
  await a.next("message");
  expect(a.all("typing")).toMatchObject([{ userId: bob.userId, active: true }]);
  expect([...b.all("typing"), ...b.all("presence")]).toEqual([]);
});

test("a send with files is answered when it is done, and has its files", async () => {
  const { alice, conversationId } = await directPair();
  const room = await (await openRooms(alice)).open(conversationId);
  const { body: file } = await putFile(alice, "a.pdf", sample("pdf").content);
  room.send({ op: "send", id: 1, content: "with a file", attachments: [keyOf(file.fileUrl)] });
  room.send({ op: "send", id: 2, content: "without" });
  room.send({ op: "send", id: 3, content: "of nobody", attachments: ["chat/none"] });
  await room.until(() => room.all("ack").length === 2 && room.all("error").length === 1);
  expect(room.all("error")).toMatchObject([{ id: 3, code: "unknown_attachments" }]);
  const sent = room.all("message").find(({ message }) => message.content === "with a file");
  expect(sent?.message.attachments).toMatchObject([{ name: "a.pdf" }]);
  expect(sent?.message.attachments[0]?.url).toMatch(ORIGIN);
});
