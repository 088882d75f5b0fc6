import { afterEach, expect, test, vi } from "vitest";
import { directPair, groupOf, ORIGIN, openLive, person, send, tokenFor } from "../support.ts";
import { get, Hub, Line } from "./line.ts";

afterEach(() => void vi.useRealTimers());

const RS = "\x1e";
const TRANSPORTS = [{ transport: "WebSockets", transferFormats: ["Text"] }];

test("negotiation, versions 0 and 1: no stateful reconnect, one transport", async () => {
  const alice = await person("alice");
  const headers = { Authorization: `Bearer ${alice.token}` };
  const negotiate = async (query: string) => {
    const response = await get(`/hubs/chat/negotiate${query}`, headers, { method: "POST" });
    return response.json<Record<string, string>>();
  };
  const one = await negotiate("?negotiateVersion=1&useStatefulReconnect=true");
  const name = expect.stringMatching(/^[\w-]{20}$/);
  const id = expect.stringMatching(/^[\w-]{20}\.[\w-]{20}$/);
  expect(one).toEqual({
    negotiateVersion: 1,
    connectionId: name,
    connectionToken: id,
    availableTransports: TRANSPORTS,
  });
  expect(await negotiate("")).toEqual({
    negotiateVersion: 0,
    connectionId: id,
    availableTransports: TRANSPORTS,
  });
});

test("a browser client negotiates from an allowed origin, with credentials", async () => {
  const preflight = await get(
    "/hubs/chat/negotiate?negotiateVersion=1",
    {
      Origin: ORIGIN,
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "authorization,x-requested-with,x-signalr-user-agent",
    },
    { method: "OPTIONS" },
  );
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("Access-Control-Allow-Origin")).toBe(ORIGIN);
  expect(preflight.headers.get("Access-Control-Allow-Credentials")).toBe("true");
  expect(preflight.headers.get("Access-Control-Allow-Headers")).toContain("X-SignalR-User-Agent");
});

test("a refused connection is answered over HTTP, and no object is called", async () => {
  const alice = await person("alice");
  const upgrade = { Upgrade: "websocket" };
  const token = `access_token=${alice.token}`;
  const statuses = await Promise.all([
    get("/hubs/chat/negotiate", {}, { method: "POST" }),
    get("/hubs/chat", upgrade),
    get(`/hubs/chat?${token}&id=guessed`, upgrade),
    get(`/hubs/chat?${token}&id=${"a".repeat(20)}.${"b".repeat(20)}`, upgrade),
    get(`/hubs/chat?${token}`, { ...upgrade, Origin: "https://elsewhere.test" }),
  ]);
  expect(statuses.map(({ status }) => status)).toEqual([401, 401, 404, 404, 403]);
  const line = new Line(await get(`/hubs/chat?${token}`, upgrade));
  line.say(`{"protocol":"json","version":1}${RS}`);
  await line.receives((text) => text === `{}${RS}`);
});

test.each([
  ['{"protocol":"messagepack","version":1}', "The protocol 'messagepack' is not supported."],
  [
    '{"protocol":"json","version":9}',
    "The server does not support version 9 of the 'json' protocol.",
  ],
  ["nonsense", "The handshake request cannot be read."],
])("an invalid handshake: %s", async (request, error) => {
  const hub = await Hub.open(await person());
  hub.line.say(request + RS);
  expect(await hub.line.receives(() => true)).toBe(`${JSON.stringify({ error })}${RS}`);
  await hub.line.closed;
});

test("hub method names are case-insensitive, as in ASP.NET", async () => {
  const { alice, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  expect(await hub.ask("joinConversation", conversationId)).toHaveProperty("rev");
  expect(await hub.ask("SENDMESSAGE", conversationId, "hello")).toHaveProperty("messageId");
});

test("all events of a conversation have UniHub's shapes", async () => {
  const [alice, bob, carl] = [await person("alice"), await person("bob"), await person("carl")];
  const conversationId = await groupOf(alice, bob, carl);
  const hub = await Hub.connect(alice);
  const joined = await hub.ask("JoinConversation", conversationId);
  expect(joined).toEqual({
    conversationId,
    rev: expect.any(Number),
    online: [alice.userId],
  });
  const live = await openLive(bob, conversationId);
  await hub.until("UserOnline", 1);
  const { messageId, sentAt } = await hub.ask("SendMessage", conversationId, " hello ");
  await live.next("message");
  live.send({ op: "typing", active: true });
  live.send({ op: "read", messageIds: [messageId] });
  live.send({ op: "react", messageId, emoji: "👍" });
  live.send({ op: "unreact", messageId, emoji: "👍" });
  await hub.until("ReactionRemoved", 1);
  expect(await hub.ask("AddReaction", messageId, "❤")).toBeNull();
  expect(await hub.ask("RemoveReaction", messageId, "❤️")).toBeNull();
  await alice.put(`/api/chat/${conversationId}/messages/${messageId}`, { content: "changed" });
  await alice.delete(`/api/chat/${conversationId}/messages/${messageId}`);
  const participants = `/api/v1/chat/conversations/${conversationId}/participants`;
  await alice.delete(`${participants}/${carl.userId}`);
  await alice.post(participants, { participantId: carl.userId });
  live.close();
  await hub.until("UserOffline", 1);
  await hub.until("ParticipantAdded", 1);

  expect(hub.all("ReceiveMessage")[0]).toMatchObject({
    ...{ messageId, conversationId, sentAt, content: "hello", type: "Text", isDeleted: false },
    senderId: alice.userId,
  });
  expect(hub.all("UserTyping")).toEqual([{ conversationId, userId: bob.userId, isTyping: true }]);
  expect(hub.all("MessageRead")).toMatchObject([{ messageId, userId: bob.userId }]);
  const reaction = { conversationId, messageId, userId: bob.userId, emoji: "👍" };
  expect(hub.all("ReactionAdded")).toMatchObject([reaction, { emoji: "❤️" }]);
  expect(hub.all("ReactionRemoved")).toMatchObject([reaction, { userId: alice.userId }]);
  expect(hub.all("MessageEdited")).toMatchObject([{ messageId, content: "changed" }]);
  expect(hub.all("MessageDeleted")).toMatchObject([{ messageId, isDeleted: true }]);
  expect(hub.all("ParticipantRemoved")).toMatchObject([{ participantId: carl.userId }]);
  expect(hub.all("ParticipantAdded")).toMatchObject([{ participantId: carl.userId }]);
  expect(hub.all("UserOnline")).toMatchObject([{ conversationId, userId: bob.userId }]);
});

test("failures are completions with the contract's text", async () => {
  const { alice, bob, conversationId } = await directPair();
  const stranger = await Hub.connect(await person());
  expect(await stranger.ask("JoinConversation", conversationId)).toEqual({
    error: "Only members of this conversation may do this.",
  });
  const hub = await Hub.connect(alice);
  const { body } = await send(bob, conversationId, "hers");
  expect(await hub.ask("MarkAsRead", body.messageId)).toBeNull();
  expect(await hub.ask("AddReaction", body.messageId, "🦆")).toEqual({
    error: "This is not one of the supported emojis.",
  });
  expect(await hub.ask("SendMessage", conversationId, " ")).toEqual({
    error: "A message needs text that is more than white space.",
  });
  expect(await hub.ask("JoinConversation", 7)).toEqual({
    error: "The request does not have the expected shape; see details.",
  });
  expect(await hub.ask("Nonsense")).toEqual({ error: "Unknown hub method 'Nonsense'." });
  hub.line.say(`{"type":4,"target":"SendMessage","arguments":[],"invocationId":"s"}${RS}`);
  await hub.line.receives((text) => text.includes('"invocationId":"s","error":'));
});

test("a sleeping gateway answers pings without waking, and wakes for a message", async () => {
  const { alice, bob, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  const { rev } = await hub.ask("JoinConversation", conversationId);
  await hub.evict();
  const ping = `{"type":6}${RS}`;
  hub.line.say(ping);
  await hub.line.receives((text) => text === ping);
  // It has not been loaded again.
  await expect(hub.evict()).rejects.toThrow("not currently running");
  await send(bob, conversationId, "good morning");
  await hub.until("ReceiveMessage", 1);
  expect(hub.all("ReceiveMessage")[0].rev).toBe(rev + 1);
});

test("a client that only invokes without ids receives a ping, because the public client pings only after it has received something", async () => {
  const { alice, bob, conversationId } = await directPair();
  const live = await openLive(bob, conversationId);
  const hub = await Hub.connect(alice);
  for (const target of ["StartTyping", "Nonsense"]) {
    hub.line.say(JSON.stringify({ type: 1, target, arguments: [conversationId] }) + RS);
  }
  await live.next("typing");
  await hub.line.until(() => hub.messages().length === 3);
  expect(hub.messages().slice(1)).toEqual([{ type: 6 }, { type: 6 }]);
});

test("an expired token: a close message that allows reconnecting", async () => {
  vi.setSystemTime(Math.ceil(Date.now() / 1_000) * 1_000);
  const { alice, bob, conversationId } = await directPair();
  const hub = await Hub.connect({ token: await tokenFor(alice.userId, { expiresIn: 60 }) });
  await hub.ask("JoinConversation", conversationId);
  vi.setSystemTime(Date.now() + 60_000);
  await send(bob, conversationId, "not for Alice");
  await hub.line.closed;
  expect(hub.all("ReceiveMessage")).toEqual([]);
  expect(hub.line.received.at(-1)).toBe(
    `{"type":7,"error":"Send a valid, unexpired bearer token.","allowReconnect":true}${RS}`,
  );
});

test("a removed member receives the removal, and nothing after it", async () => {
  const [alice, bob, carl] = [await person(), await person(), await person()];
  const conversationId = await groupOf(alice, bob, carl);
  const hub = await Hub.connect(carl);
  await hub.ask("JoinConversation", conversationId);
  const participants = `/api/v1/chat/conversations/${conversationId}/participants`;
  await alice.delete(`${participants}/${carl.userId}`);
  await hub.until("ParticipantRemoved", 1);
  await send(alice, conversationId, "he is gone");
  expect(await hub.ask("StartTyping", conversationId)).toHaveProperty("error");
  expect(hub.all("ReceiveMessage").map(({ content }) => content)).not.toContain("he is gone");
});
