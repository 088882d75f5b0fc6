import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  type Caller,
  channelOf,
  directPair,
  groupOf,
  ORIGIN,
  objectOf,
  person,
  send,
} from "../support.ts";
import { get, Hub, Io, Line } from "./line.ts";
import { beforeAnswerArrives } from "./wire.ts";

/** The limits and the ends of connections that docs/gateways.md states, to the byte and second. */

afterEach(() => void vi.useRealTimers());

const RS = "\x1e";
const LARGEST = 64 * 1024;
const UPGRADE = { Upgrade: "websocket" };
const POLLING = "/socket.io/?EIO=4&transport=polling";

function close(error: string, allowReconnect = false): string {
  return JSON.stringify({ type: 7, error, ...(allowReconnect && { allowReconnect }) }) + RS;
}

describe("a connection that does not authenticate within 15 seconds is closed", () => {
  const holdTimers = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  /** Runs the held timers, inside the object that set them. */
  const pass = ({ object }: Pick<Io | Hub, "object">, ms: number) =>
    runInDurableObject(object as Io["object"], () => void vi.advanceTimersByTime(ms));

  test("over Socket.IO", async () => {
    const { token } = await person("alice");
    holdTimers();
    const [silent, known] = [await Io.open(), await Io.open()];
    known.line.say(`40${JSON.stringify({ token })}`);
    await known.line.receives((text) => text.startsWith("40"));
    let isClosed = false;
    void silent.line.closed.then(() => {
      isClosed = true;
    });
    await pass(silent, 14_999);
    await known.ask("nonsense");
    expect(isClosed).toBe(false);
    await pass(silent, 1);
    await silent.line.closed;
    expect(await known.ask("nonsense")).toMatchObject({ success: false });
  });

  test("over SignalR, in its handshake", async () => {
    const alice = await person("alice");
    holdTimers();
    const [silent, known] = [await Hub.open(alice), await Hub.open(alice)];
    known.line.say(`{"protocol":"json","version":1}${RS}`);
    await known.line.receives((text) => text === `{}${RS}`);
    await pass(silent, 14_999);
    await known.ask("Nonsense");
    expect(silent.line.received).toEqual([]);
    await pass(silent, 1);
    await silent.line.closed;
    expect(silent.line.received).toEqual([
      `${JSON.stringify({ error: "The handshake was not made in time." })}${RS}`,
    ]);
    expect(await known.ask("Nonsense")).toHaveProperty("error");
  });
});

describe("frames and bodies of at most 64 KiB", () => {
  const padded = (packet: string) => packet + " ".repeat(LARGEST - packet.length);

  test("a frame over Socket.IO", async () => {
    const io = await Io.connect(await person());
    io.line.say(padded('420["nonsense"]'));
    await io.line.receives((text) => text.startsWith("430"));
    io.line.say(`${padded('421["nonsense"]')} `);
    await io.line.closed;
    expect(io.line.received.some((text) => text.startsWith("431"))).toBe(false);
  });

  test("a body of long polling", async () => {
    const { token } = await person();
    const { sid } = JSON.parse((await (await get(POLLING)).text()).slice(1));
    const post = (body: string) => get(`${POLLING}&sid=${sid}`, {}, { method: "POST", body });
    expect((await post(`${padded("40{}")} `)).status).toBe(413);
    expect((await post(padded(`40${JSON.stringify({ token })}`))).status).toBe(200);
    expect(await (await get(`${POLLING}&sid=${sid}`)).text()).toMatch(/^40{"sid"/);
  });

  test("a frame over SignalR", async () => {
    const hub = await Hub.connect(await person());
    const ping = `{"type":6}${RS}`;
    hub.line.say(" ".repeat(LARGEST - ping.length) + ping);
    await hub.line.receives((text) => text === ping);
    hub.line.say(" ".repeat(LARGEST - ping.length + 1) + ping);
    await hub.line.closed;
    expect(hub.line.received.at(-1)).toBe(close("A message is text of at most 64 KiB."));
  });
});

test("an unreadable message closes a SignalR connection without reconnect", async () => {
  for (const [frame, why] of [
    ["nonsense", "A message is incomplete."],
    [`nonsense${RS}`, "A message cannot be read."],
    [`{"type":1,"target":"JoinConversation"}${RS}`, "An invocation cannot be read."],
  ]) {
    const hub = await Hub.connect(await person());
    hub.line.say(frame ?? "");
    await hub.line.closed;
    expect(hub.line.received.at(-1)).toBe(close(`Connection closed with an error: ${why}`));
  }
});

test.each([
  ["no packet of Engine.IO's", "nonsense"],
  ["an event that is not JSON", "42["],
  ["an event of another namespace", '42/admin,["join-chat-room"]'],
  ["a second CONNECT", "40{}"],
  ["a packet of the server's", "2"],
])("an unreadable packet closes a Socket.IO connection: %s", async (_, packet) => {
  const io = await Io.connect(await person());
  io.line.say(packet);
  await io.line.closed;
});

describe("20 commands a second", () => {
  const TWENTY_ONE = Array.from({ length: 21 }, (_, i) => `${i}`);

  test("over Socket.IO", async () => {
    vi.setSystemTime(Date.now());
    const { alice, conversationId: chatId } = await directPair();
    const io = await Io.connect(alice);
    vi.setSystemTime(Date.now() + 1_000);
    const typed = await Promise.all(TWENTY_ONE.map(() => io.ask("typing-stop", chatId)));
    expect(typed.filter(({ success }) => success)).toHaveLength(20);
    expect(typed.at(-1)).toEqual({
      success: false,
      error: expect.any(String),
      code: "rate_limited",
      retryAfterMs: 1_000,
    });
    vi.setSystemTime(Date.now() + 1_000);
    expect(await io.ask("typing-stop", chatId)).toMatchObject({ success: true });
  });

  test("over SignalR", async () => {
    vi.setSystemTime(Date.now());
    const { alice, conversationId } = await directPair();
    const hub = await Hub.connect(alice);
    const typed = await Promise.all(TWENTY_ONE.map(() => hub.ask("StopTyping", conversationId)));
    expect(typed.filter((result) => result === null)).toHaveLength(20);
    expect(typed.at(-1)).toHaveProperty("error");
    vi.setSystemTime(Date.now() + 1_000);
    expect(await hub.ask("StopTyping", conversationId)).toBeNull();
  });
});

test("with REQUEST_LIMITS=off sends are not limited, for load tests", async () => {
  vi.setSystemTime(Date.now());
  const { alice, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  const sends = Array.from({ length: 60 }, (_, i) =>
    hub.ask("SendMessage", conversationId, `${i}`),
  );
  for (const sent of await Promise.all(sends)) expect(sent).toHaveProperty("messageId");
});

test("a connection can join 100 conversations, and another one after leaving one", async () => {
  vi.setSystemTime(Date.now());
  const alice = await person("alice");
  const ids = await Promise.all(Array.from({ length: 101 }, () => channelOf(alice)));
  const [last = ""] = ids.slice(-1);
  const hub = await Hub.connect(alice);
  for (const [i, id] of ids.slice(0, 100).entries()) {
    // Keeps below the limit of commands.
    if (i % 20 === 0) vi.setSystemTime(Date.now() + 1_000);
    expect(await hub.ask("JoinConversation", id)).toMatchObject({ conversationId: id });
  }
  vi.setSystemTime(Date.now() + 1_000);
  expect(await hub.ask("JoinConversation", last)).toEqual({
    error: "At most 100 conversations on one connection; leave one.",
  });
  // Joining a joined conversation again is allowed.
  expect(await hub.ask("JoinConversation", ids[0])).toHaveProperty("rev");
  expect(await hub.ask("LeaveConversation", ids[0])).toBeNull();
  expect(await hub.ask("JoinConversation", last)).toHaveProperty("rev");
});

test("after leaving a conversation no events of it are delivered", async () => {
  const { alice, bob, conversationId: left } = await directPair();
  const kept = await groupOf(alice, bob, await person());
  const [io, hub] = [await Io.connect(alice), await Hub.connect(alice)];
  for (const id of [left, kept]) {
    await io.ask("join-chat-room", { chatId: id });
    await hub.ask("JoinConversation", id);
  }
  expect(await io.ask("leave-chat-room", left)).toEqual({ success: true, data: { chatId: left } });
  expect(await hub.ask("LeaveConversation", left)).toBeNull();
  await send(bob, left, "unheard");
  await send(bob, kept, "heard");
  await io.until("new-message", 1);
  await hub.until("ReceiveMessage", 1);
  expect(io.all("new-message").map(({ message }) => message.content)).toEqual(["heard"]);
  expect(hub.all("ReceiveMessage").map(({ content }) => content)).toEqual(["heard"]);
});

test("a SignalR client that has been silent for 90 seconds is closed, and may reconnect", async () => {
  const { alice, bob, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  vi.setSystemTime(Date.now() + 91_000);
  await send(bob, conversationId, "anybody there?");
  await hub.line.closed;
  expect(hub.line.received.at(-1)).toBe(close("Nothing was heard for 90 seconds.", true));
});

test("the time of a client's last message is kept while the gateway sleeps", async () => {
  vi.setSystemTime(Date.now());
  const { alice, bob, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  for (let said = 0; said < 2; said++) {
    vi.setSystemTime(Date.now() + 60_000);
    // A call, because pings are not stored.
    await hub.ask("StopTyping", conversationId);
    await hub.evict();
  }
  await send(bob, conversationId, "still there?");
  await hub.until("ReceiveMessage", 1);
});

test("the stored time of a client's last message is less than a second old", async () => {
  const { alice, bob, conversationId } = await directPair();
  const began = Date.now();
  vi.setSystemTime(began);
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  vi.setSystemTime(began + 1_000);
  await hub.ask("StopTyping", conversationId);
  await hub.evict();
  vi.setSystemTime(began + 1_000 + 90_000);
  await send(bob, conversationId, "still there?");
  await hub.until("ReceiveMessage", 1);
});

describe("a token may be sent with a Socket.IO connection's first request", () => {
  const connected = async (path: string, headers: Record<string, string>) => {
    const line = new Line(await get(path, { ...UPGRADE, ...headers }));
    await line.receives((text) => text.startsWith("0"));
    line.say("40");
    return line.receives((text) => /^4[04]/.test(text));
  };
  const path = "/socket.io/?EIO=4&transport=websocket";

  test.each([
    ["in Authorization", ({ token }: Caller) => [path, { Authorization: `Bearer ${token}` }]],
    ["in the query", ({ token }: Caller) => [`${path}&token=${token}`, {}]],
  ] as const)("%s", async (_, request) => {
    const [address, headers] = request(await person("alice")) as [string, Record<string, string>];
    expect(await connected(address, { Origin: ORIGIN, ...headers })).toMatch(/^40{"sid"/);
  });

  test("without a token the connection is refused", async () => {
    expect(await connected(path, {})).toContain('"code":"unauthenticated"');
  });
});

test("the hundred joins that a connection has free are counted across sleep", async () => {
  const { alice, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  const join = () => hub.ask("JoinConversation", conversationId);
  await Promise.all(Array.from({ length: 100 }, join));
  await hub.evict();
  vi.setSystemTime(Date.now());
  const answers = await Promise.all(Array.from({ length: 21 }, join));
  expect(answers.filter(({ error }) => error)).toHaveLength(1);
});

test("a SignalR connection id can be used once", async () => {
  const alice = await person("alice");
  const hub = await Hub.connect(alice);
  hub.line.socket.close();
  await hub.line.closed;
  const Authorization = `Bearer ${alice.token}`;
  const again = await get(`/hubs/chat?id=${hub.id}`, { Upgrade: "websocket", Authorization });
  expect(again.status).toBe(409);
});

test("a message sent after a join is delivered as an event, and a leave after a join takes effect, also at the limit of subscribers", async () => {
  const { alice, conversationId } = await directPair();
  const hubs = await Promise.all(Array.from({ length: 12 }, () => Hub.connect(alice)));
  for (const hub of hubs.slice(0, 10)) await hub.ask("JoinConversation", conversationId);
  for (const hub of hubs.slice(0, 2)) await evictDurableObject(hub.object, { webSockets: "close" });
  const [sends, leaves] = hubs.slice(10) as [Hub, Hub];
  const [joined] = await Promise.all([
    sends.ask("JoinConversation", conversationId),
    sends.ask("SendMessage", conversationId, "mine"),
  ]);
  expect(joined).toHaveProperty("rev");
  await sends.until("ReceiveMessage", 1);
  await Promise.all([
    leaves.ask("JoinConversation", conversationId),
    leaves.ask("LeaveConversation", conversationId),
  ]);
  await vi.waitFor(async () => {
    const rows = await runInDurableObject(objectOf(conversationId), (_, { storage }) =>
      storage.sql.exec("SELECT user_id FROM listeners").toArray(),
    );
    expect(rows).toHaveLength(9);
  });
});

test.each([
  ["SignalR", Hub, "JoinConversation"],
  ["Socket.IO", Io, "join-chat-room"],
] as const)("after the token expired no answer is sent: %s", async (_, Client, join) => {
  const { alice, conversationId } = await directPair();
  const client: Hub | Io = await Client.connect(alice);
  await beforeAnswerArrives(client.object, "online", () =>
    runInDurableObject(client.object as Io["object"], (gateway) => {
      // biome-ignore lint/suspicious/noExplicitAny: changes a private field
      const { kept } = gateway as any;
      kept.seat.expiresAt = Date.now() - 1;
    }),
  );
  void client.ask(join, conversationId);
  await client.line.closed;
  expect(client.line.received.filter((text) => text.includes(conversationId))).toEqual([]);
});
