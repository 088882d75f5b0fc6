import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { seedMessages } from "../conversation/seeds.ts";
import {
  type Caller,
  channelOf,
  directPair,
  groupOf,
  ORIGIN,
  objectOf,
  openLive,
  person,
  send,
  tokenFor,
} from "../support.ts";
import { get, Hub, Io, Line } from "./line.ts";

afterEach(() => void vi.useRealTimers());

const POLLING = "/socket.io/?EIO=4&transport=polling";

async function polled(path: string, init?: RequestInit) {
  const response = await get(path, {}, init);
  return { status: response.status, text: await response.text() };
}

/** The URL of an authenticated polling connection. */
async function pollingAs({ token }: Pick<Caller, "token">): Promise<string> {
  const { text } = await polled(POLLING);
  const session = `${POLLING}&sid=${JSON.parse(text.slice(1)).sid}`;
  await polled(session, { method: "POST", body: `40${JSON.stringify({ token })}` });
  expect((await polled(session)).text).toMatch(/^40/);
  return session;
}

test("polling, then an upgrade to a socket: exactly the protocol's bytes", async () => {
  const { alice, bob, conversationId } = await directPair();
  const { text: open } = await polled(POLLING);
  const { sid, ...rest } = JSON.parse(open.slice(1));
  expect(rest).toEqual({
    upgrades: ["websocket"],
    pingInterval: 50_000,
    pingTimeout: 40_000,
    maxPayload: 65_536,
  });
  const session = `${POLLING}&sid=${sid}`;
  const token = JSON.stringify({ token: alice.token });
  expect(await polled(session, { method: "POST", body: `40${token}` })).toEqual({
    status: 200,
    text: "ok",
  });
  expect(await polled(session)).toEqual({ status: 200, text: `40{"sid":"${sid.split(".")[0]}"}` });
  await polled(session, { method: "POST", body: `420["join-chat-room","${conversationId}"]` });
  expect((await polled(session)).text).toMatch(/^430\[\{"success":true/);

  const hanging = polled(session);
  const line = new Line(
    await get(`/socket.io/?EIO=4&transport=websocket&sid=${sid}`, { Upgrade: "websocket" }),
  );
  line.say("2probe");
  await line.receives((text) => text === "3probe");
  expect((await hanging).text).toBe("6");
  // Events during the upgrade wait for the socket.
  await send(bob, conversationId, "in between");
  line.say("5");
  const message = await line.receives((text) => text.startsWith('42["new-message"'));
  expect(JSON.parse(message.slice(2))[1]).toMatchObject({
    chatId: conversationId,
    rev: 4,
    message: { chatId: conversationId, senderId: bob.userId, content: "in between", readBy: [] },
  });
  expect((await polled(session)).status).toBe(400);
});

test("a polling client receives missed events page by page, however many there are", async () => {
  const { alice, bob, conversationId } = await directPair();
  const [pages, perPage] = [6, 120];
  await seedMessages(conversationId, pages * perPage, bob.userId);
  await runInDurableObject(objectOf(conversationId), (_, { storage }) => {
    storage.sql.exec("UPDATE messages SET content = ?", "x".repeat(2_000));
  });
  await evictDurableObject(objectOf(conversationId));
  const session = await pollingAs(alice);
  const join = `420["join-chat-room","${conversationId}",{"since":0}]`;
  await polled(session, { method: "POST", body: join });
  const received: string[] = [];
  const news = () => received.filter((packet) => packet.startsWith('42["new-message"'));
  let largest = 0;
  while (news().length < pages * perPage) {
    const { status, text } = await polled(session);
    expect(status).toBe(200);
    largest = Math.max(largest, text.length);
    received.push(...text.split("\x1e"));
    // Simulates a slow client: events that do not wait for its polls arrive in between.
    for (let turn = 0; turn < 20; turn++) await objectOf(conversationId).unsubscribe("nobody");
  }
  expect(received[0]).toMatch(/^430\[\{"success":true/);
  expect(new Set(news()).size).toBe(pages * perPage);
  expect(largest).toBeLessThan(1024 * 1024);
});

test.each([
  ["no version", "/socket.io/?transport=polling", 400, 5],
  ["an older version", "/socket.io/?EIO=3&transport=polling", 400, 5],
  ["no transport", "/socket.io/?EIO=4", 400, 0],
  ["an unknown session", `${POLLING}&sid=guessed`, 400, 1],
  [
    "a session id with an invalid signature",
    `${POLLING}&sid=${"a".repeat(20)}.${"b".repeat(20)}`,
    400,
    1,
  ],
])("refused with Engine.IO's error: %s", async (_, path, status, code) => {
  const response = await get(path);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ code });
});

test("a browser client may poll from an allowed origin, with or without credentials", async () => {
  const { headers } = await get(POLLING, { Origin: ORIGIN });
  expect(headers.get("Access-Control-Allow-Origin")).toBe(ORIGIN);
  expect(headers.get("Access-Control-Allow-Credentials")).toBe("true");
});

test("a page of another origin may not connect", async () => {
  const response = await get(POLLING, { Origin: "https://elsewhere.test" });
  expect(response.status).toBe(403);
});

test("a connection without a valid token is refused and closed at the next packet", async () => {
  const io = await Io.open();
  io.line.say('40{"token":"nonsense"}');
  expect(await io.line.receives((text) => text.startsWith("44"))).toBe(
    '44{"message":"Send a valid, unexpired bearer token.","data":{"code":"unauthenticated"}}',
  );
  io.line.say('42["join-chat-room","x"]');
  await io.line.closed;
});

test("all events of a chat have the marketplace's shapes", async () => {
  const [alice, bob, carl] = [await person("alice"), await person("bob"), await person("carl")];
  const chatId = await groupOf(alice, bob, carl);
  const io = await Io.connect(alice);
  const joined = await io.ask("join-chat-room", chatId);
  expect(joined).toEqual({ success: true, data: { chatId, rev: expect.any(Number) } });
  const live = await openLive(bob, chatId);

  const sent = await io.ask("send-message", { chatId, content: " hello " });
  const messageId = sent.data.message._id;
  expect(sent.data.message).toMatchObject({ content: "hello", senderId: alice.userId });
  await bob.put(`/api/chat/${chatId}/messages/${messageId}`, { content: "no" });
  live.send({ op: "typing", active: true });
  live.send({ op: "read", messageIds: [messageId] });
  live.send({ op: "react", messageId, emoji: "👍" });
  await io.until("message-edited", 1);
  await alice.delete(`/api/chat/${chatId}/messages/${messageId}`);
  await alice.delete(`/api/chat/${chatId}/participants/${carl.userId}`);
  await alice.post(`/api/chat/${chatId}/participants`, { userId: carl.userId });
  await io.until("participants-added", 1);

  expect(io.all("new-message")[0].message).toEqual(sent.data.message);
  expect(io.all("user-typing")).toEqual([{ chatId, userId: bob.userId, isTyping: true }]);
  const [read] = io.all("messages-read");
  expect(read).toMatchObject({ chatId, userId: bob.userId, messageIds: [messageId] });
  expect(io.all("message-edited")[0].message).toMatchObject({
    reactions: [{ emoji: "👍", count: 1, userIds: [bob.userId] }],
    readBy: [{ userId: bob.userId, readAt: read.readAt }],
  });
  expect(io.all("message-deleted")[0].message).toMatchObject({ _id: messageId, content: "" });
  expect(io.all("participant-removed")).toMatchObject([{ chatId, participantId: carl.userId }]);
  expect(io.all("participants-added")).toMatchObject([
    { chatId, participants: [{ userId: carl.userId, role: "member" }] },
  ]);
  const revs = io.line.received.flatMap((text) =>
    text.startsWith("42") ? (JSON.parse(text.slice(2))[1].rev ?? []) : [],
  );
  expect(revs).toEqual(revs.toSorted((a, b) => a - b));
  expect(new Set(revs).size).toBe(revs.length);

  await io.ask("typing-start", { chatId });
  expect(await live.next("typing")).toMatchObject({ userId: alice.userId, active: true });
  expect(await io.ask("mark-read", { chatId })).toMatchObject({ success: true });
});

test("an answer that overtakes events has no revision, because a client cannot resume from it", async () => {
  const { alice, bob, conversationId: chatId } = await directPair();
  await seedMessages(chatId, 600, bob.userId);
  const io = await Io.connect(alice);
  const asked = [
    io.ask("join-chat-room", chatId, { since: 0 }),
    io.ask("send-message", { chatId, content: "overtakes" }),
    io.ask("mark-read", { chatId }),
  ];
  const [joined, sent, read] = await Promise.all(asked);
  expect(joined.data).toEqual({ chatId, rev: 0 });
  expect(sent.data).toEqual({ message: expect.objectContaining({ content: "overtakes" }) });
  expect(read.data).toEqual({ modifiedCount: 600 });
});

test("failures have REST's codes and texts", async () => {
  const [alice, bob, stranger] = [await person(), await person(), await person()];
  const chatId = await groupOf(alice, bob);
  const channel = await channelOf(alice, [bob]);
  const io = await Io.connect(stranger);
  expect(await io.ask("join-chat-room", chatId)).toEqual({
    success: false,
    error: "Only members of this conversation may do this.",
    code: "not_a_member",
  });
  const mine = await Io.connect(alice);
  expect(await mine.ask("join-chat-room", channel)).toMatchObject({
    code: "conversation_not_found",
  });
  expect(await mine.ask("join-chat-room", 7)).toMatchObject({ code: "invalid_request" });
  expect(await mine.ask("send-message", { chatId, content: " " })).toMatchObject({
    code: "empty_content",
  });
  expect(await mine.ask("nonsense")).toMatchObject({ code: "invalid_request" });
  for (let i = 0; i < 30; i++) void mine.ask("typing-stop", chatId);
  await mine.line.receives((text) => text.includes('"code":"rate_limited"'));
});

test("staff join chats without membership, and are not online there", async () => {
  const { alice, bob, conversationId } = await directPair();
  const admin = await person("admin", { role: "admin" });
  const live = await openLive(alice, conversationId);
  const io = await Io.connect(admin);
  expect(await io.ask("join-chat-room", conversationId)).toMatchObject({ success: true });
  await send(bob, conversationId, "seen by staff");
  await io.until("new-message", 1);
  expect(live.all("presence")).toEqual([]);
});

test("staff who become members are online with their existing connection", async () => {
  const [alice, bob, carl] = [await person("alice"), await person("bob"), await person("carl")];
  const admin = await person("admin", { role: "admin" });
  const conversationId = await groupOf(alice, bob, carl);
  const io = await Io.connect(admin);
  await io.ask("join-chat-room", conversationId);
  const path = `/api/v1/chat/conversations/${conversationId}/participants`;
  await alice.post(path, { participantId: admin.userId });
  await io.until("participants-added", 1);
  const { online } = await (await Hub.connect(alice)).ask("JoinConversation", conversationId);
  expect(online).toContain(admin.userId);
});

test("an alarm sends pings; a pong and a sleeping gateway need no alarm", async () => {
  const { alice, bob, conversationId } = await directPair();
  const io = await Io.connect(alice);
  const { data } = await io.ask("join-chat-room", conversationId);
  await io.evict();
  await runDurableObjectAlarm(io.object);
  await io.line.receives((text) => text === "2");
  io.line.say("3");
  await io.line.receives((text) => text === "6");
  await io.evict();
  await send(bob, conversationId, "good morning");
  await io.until("new-message", 1);
  expect(io.all("new-message")[0].rev).toBe(data.rev + 1);
});

test("a client that has not answered for 90 seconds is closed, and goes offline", async () => {
  const { alice, bob, conversationId } = await directPair();
  const io = await Io.connect(alice);
  await io.ask("join-chat-room", conversationId);
  const live = await openLive(bob, conversationId);
  vi.setSystemTime(Date.now() + 91_000);
  await runDurableObjectAlarm(io.object);
  await io.line.closed;
  expect(await live.next("presence")).toMatchObject({ userId: alice.userId, online: false });
});

test("a client that polls without pause is pinged too, because it expects pings", async () => {
  const { alice, bob, conversationId } = await directPair();
  const session = await pollingAs(alice);
  const join = { method: "POST", body: `420["join-chat-room","${conversationId}"]` };
  await polled(session, join);
  await polled(session);
  const sid = new URL(session, "https://parley.test").searchParams.get("sid") ?? "";
  await runDurableObjectAlarm(env.SOCKETIO.getByName(sid.split(".")[0] ?? ""));
  await send(bob, conversationId, "no pause");
  const { text } = await polled(session);
  expect(text.split("\x1e")[0]).toBe("2");
});

test("a polling client that vanished is closed", async () => {
  const { alice, bob, conversationId } = await directPair();
  const session = await pollingAs(alice);
  const join = `42["join-chat-room","${conversationId}"]`;
  const live = await openLive(bob, conversationId);
  await polled(session, { method: "POST", body: join });
  expect(await live.next("presence")).toMatchObject({ userId: alice.userId, online: true });
  const sid = new URL(session, "https://parley.test").searchParams.get("sid") ?? "";
  vi.setSystemTime(Date.now() + 91_000);
  await runDurableObjectAlarm(env.SOCKETIO.getByName(sid.split(".")[0] ?? ""));
  expect(await live.next("presence")).toMatchObject({ userId: alice.userId, online: false });
});

test("a join with a revision is followed by the missed events", async () => {
  const { alice, bob, conversationId } = await directPair();
  const { body: old } = await send(alice, conversationId, "known");
  const first = await Io.connect(alice);
  const { data } = await first.ask("join-chat-room", conversationId);
  first.line.say("41");
  await first.line.closed;
  await send(bob, conversationId, "missed");
  const { body: gone } = await send(bob, conversationId, "regretted");
  await bob.delete(`/api/chat/${conversationId}/messages/${gone.messageId}`);
  await alice.put(`/api/chat/${conversationId}/messages/${old.messageId}`, { content: "changed" });

  const second = await Io.connect(alice);
  const again = await second.ask("join-chat-room", conversationId, { since: data.rev });
  expect(again.data.rev).toBe(data.rev);
  await second.until("message-edited", 1);
  expect(second.all("new-message").map(({ message }) => message.content)).toEqual(["missed"]);
  expect(second.all("message-deleted").map(({ message }) => message._id)).toEqual([gone.messageId]);
  expect(second.all("message-edited").map(({ message }) => message.content)).toEqual(["changed"]);
});

test("an expired token closes the connection before the next event is delivered", async () => {
  vi.setSystemTime(Math.ceil(Date.now() / 1_000) * 1_000);
  const { alice, bob, conversationId } = await directPair();
  const io = await Io.connect({ token: await tokenFor(alice.userId, { expiresIn: 60 }) });
  await io.ask("join-chat-room", conversationId);
  vi.setSystemTime(Date.now() + 60_000);
  await send(bob, conversationId, "not for Alice");
  await io.line.closed;
  expect(io.all("new-message")).toEqual([]);
  expect(io.line.received.at(-1)).toBe("41");
});

test("a polling client whose token expired receives only the end, with the next poll", async () => {
  vi.setSystemTime(Math.ceil(Date.now() / 1_000) * 1_000);
  const { alice, bob, conversationId } = await directPair();
  const tokens = await Promise.all([60, 120].map((s) => tokenFor(alice.userId, { expiresIn: s })));
  const [first, second] = await Promise.all(tokens.map((token) => pollingAs({ token })));
  const join = { method: "POST", body: `420["join-chat-room","${conversationId}"]` };
  await polled(first ?? "", join);
  await send(bob, conversationId, "never asked for");
  vi.setSystemTime(Date.now() + 60_000);
  // This message closes the connection, which has no pending poll.
  await send(bob, conversationId, "not for Alice");
  expect(await polled(first ?? "")).toEqual({ status: 200, text: "41" });
  expect((await polled(first ?? "")).status).toBe(400);
  vi.setSystemTime(Date.now() + 60_000);
  // Without any event, the poll itself finds the expiry.
  expect(await polled(second ?? "")).toEqual({ status: 200, text: "41" });
});

test("a removed member receives the removal, and nothing after it", async () => {
  const [alice, bob, carl] = [await person(), await person(), await person()];
  const chatId = await groupOf(alice, bob, carl);
  const io = await Io.connect(carl);
  await io.ask("join-chat-room", chatId);
  await alice.delete(`/api/chat/${chatId}/participants/${carl.userId}`);
  await io.until("participant-removed", 1);
  await send(alice, chatId, "he is gone");
  expect(await io.ask("typing-start", chatId)).toMatchObject({ code: "not_a_member" });
  expect(io.all("new-message").map(({ message }) => message.content)).not.toContain("he is gone");
});
