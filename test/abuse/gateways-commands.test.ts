import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { counting } from "../conversation/counters.ts";
import { Hub, Io } from "../gateway/line.ts";
import { type Caller, directPair, objectOf, person } from "../support.ts";
import { callsOf, completions, count, frameOf, Polled } from "./gateway-calls.ts";

/** What one gateway connection can cause: 20 commands a second, of any kind. */

const LARGEST = 64 * 1024;
/** For what a busy machine needs longer than a second. */
const PATIENTLY = { timeout: 10_000 };

let alice: Caller;
let bob: Caller;
let conversationId: string;

beforeEach(async () => {
  ({ alice, bob, conversationId } = await directPair());
  // The clock stands still except where a test advances it.
  vi.setSystemTime(Date.now());
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The texts sent to the conversation, in order. */
function sentTexts(): Promise<string[]> {
  return runInDurableObject(objectOf(conversationId), (_, { storage }) =>
    storage.sql
      .exec<{ content: string }>("SELECT content FROM messages WHERE sender_id IS NOT NULL")
      .toArray()
      .map(({ content }) => content),
  );
}

const numbers = (length: number) => Array.from({ length }, (_, i) => `${i}`);

/** Repeats an item as often as fits into the largest frame. */
function fill<T>(make: (i: number) => T, sizeOf: (one: T) => number): T[] {
  const all: T[] = [];
  for (let size = 0; ; ) {
    const one = make(all.length);
    size += sizeOf(one);
    if (size > LARGEST) return all;
    all.push(one);
  }
}

describe("a frame of 64 KiB full of sends causes at most three calls, and closes the connection", () => {
  test("over SignalR", async () => {
    const hub = await Hub.connect(alice);
    await hub.ask("JoinConversation", conversationId);
    const calls = callsOf(conversationId);
    const sends = fill(
      (i): [string, ...unknown[]] => ["SendMessage", conversationId, `${i}`],
      (one) => frameOf([one]).length + 3,
    );
    expect(sends.length).toBeGreaterThan(400);
    hub.line.say(frameOf(sends));
    await hub.line.closed;
    await vi.waitFor(async () => expect(await sentTexts()).toEqual(numbers(20)), PATIENTLY);
    expect(count(calls, "submit", "submitAll")).toBeLessThanOrEqual(3);
    expect(hub.line.received.at(-1)).toBe(
      `{"type":7,"error":"Too many requests; wait before you try again.","allowReconnect":true}\x1e`,
    );
    expect(completions(hub)).toHaveLength(1);
  });

  test("over Socket.IO, by a POST", async () => {
    const one = await Polled.connect(alice);
    await one.post(`420["join-chat-room","${conversationId}"]`);
    await one.until((packet) => packet.startsWith("430"));
    vi.setSystemTime(Date.now() + 1_000);
    const calls = callsOf(conversationId);
    const sends = fill(
      (i) => `42${i}["send-message",{"chatId":"${conversationId}","content":"${i}"}]`,
      (packet) => packet.length + 1,
    );
    expect(sends.length).toBeGreaterThan(600);
    expect(await one.post(...sends)).toBe(200);
    expect(await one.poll()).toEqual({ status: 200, packets: ["1"] });
    expect((await one.poll()).status).toBe(400);
    await vi.waitFor(async () => expect(await sentTexts()).toEqual(numbers(20)), PATIENTLY);
    expect(count(calls, "submit", "submitAll")).toBeLessThanOrEqual(3);
  });

  test("over Socket.IO, frame by frame", async () => {
    const io = await Io.connect(alice);
    await io.ask("join-chat-room", conversationId);
    const calls = callsOf(conversationId);
    for (let i = 0; i < 600; i++) {
      const send = ["send-message", { chatId: conversationId, content: `${i}` }];
      io.line.say(`42${JSON.stringify(send)}`);
    }
    await io.line.closed;
    await vi.waitFor(
      async () => expect((await sentTexts()).length).toBeGreaterThanOrEqual(18),
      PATIENTLY,
    );
    expect((await sentTexts()).length).toBeLessThanOrEqual(20);
    expect(count(calls, "submit", "submitAll")).toBeLessThanOrEqual(20);
  });
});

test("over the rate, the first command in a second is refused; 101 violations close the connection", async () => {
  const hub = await Hub.connect(alice);
  const sends = numbers(120).map((text): [string, string, string] => [
    "SendMessage",
    conversationId,
    text,
  ]);
  hub.line.say(frameOf(sends));
  await hub.line.until(() => completions(hub).length === 21);
  vi.setSystemTime(Date.now() + 999);
  // One violation of a hundred is removed after a second, and 19.98 commands are free again.
  hub.line.say(frameOf(sends.slice(0, 19)));
  await hub.line.until(() => completions(hub).length === 40);
  const errors = completions(hub).flatMap(({ error }) => error ?? []);
  expect(errors).toEqual(["Too many requests; wait before you try again."]);
  vi.setSystemTime(Date.now() + 1);
  hub.line.say(frameOf(sends.slice(0, 4)));
  await hub.line.closed;
  expect(completions(hub).flatMap(({ error }) => error ?? [])).toHaveLength(2);
});

test("a client that sends 20 a second is never refused", async () => {
  const hub = await Hub.connect(alice);
  for (let second = 0; second < 5; second++) {
    const texts = await Promise.all(
      numbers(20).map((text) => hub.ask("SendMessage", conversationId, text)),
    );
    expect(texts.filter(({ messageId }) => messageId)).toHaveLength(20);
    vi.setSystemTime(Date.now() + 1_000);
  }
  expect(await sentTexts()).toHaveLength(100);
});

test("sends to conversations of which the user is not a member count, also while a join is pending", async () => {
  const mallory = await Hub.connect(await person("mallory"));
  const calls = callsOf(conversationId);
  mallory.line.say(
    frameOf([
      ["JoinConversation", conversationId],
      ...numbers(200).map((text): [string, string, string] => [
        "SendMessage",
        conversationId,
        text,
      ]),
    ]),
  );
  await mallory.line.closed;
  expect(count(calls, "submit", "submitAll")).toBeLessThanOrEqual(3);
  expect(await sentTexts()).toEqual([]);
});

test("repeated joining and leaving is limited, and so are the rows that it writes", async () => {
  const hub = await Hub.connect(bob);
  const calls = callsOf(conversationId);
  const both: [string, string][] = numbers(250).flatMap((): [string, string][] => [
    ["JoinConversation", conversationId],
    ["LeaveConversation", conversationId],
  ]);
  const { rowsWritten } = await counting(conversationId, async () => {
    hub.line.say(frameOf(both));
    await hub.line.closed;
    await vi.waitFor(() => expect(count(calls, "unsubscribe")).toBeGreaterThanOrEqual(21));
  });
  // A hundred joins are free, and a burst of twenty leaves is allowed; the end of the connection is
  // one more.
  expect(count(calls, "subscribe")).toBeLessThanOrEqual(100);
  expect(count(calls, "unsubscribe")).toBe(21);
  expect(rowsWritten).toBeLessThanOrEqual(130);
});

describe("all other items in a frame or request count", () => {
  const message = (more: object) => `${JSON.stringify(more)}\x1e`;
  const PING = message({ type: 6 });
  const pongs = (hub: Hub) => hub.messages().filter(({ type }) => type === 6).length;

  test("SignalR: several pings in a frame have one answer, and too many close the connection", async () => {
    const hub = await Hub.connect(alice);
    hub.line.say(PING.repeat(20));
    await hub.line.until(() => pongs(hub) === 1);
    hub.line.say(PING.repeat(102));
    await hub.line.closed;
    expect(pongs(hub)).toBe(1);
  });

  test.each([
    ["unknown methods", message({ type: 1, target: "Nonsense", arguments: [] })],
    ["streams", message({ type: 4, target: "SendMessage", arguments: [], invocationId: "s" })],
    ["cancellations", message({ type: 5, invocationId: "s" })],
    ["an unknown message type", message({ type: 77 })],
  ])("SignalR: %s", async (_, text) => {
    const hub = await Hub.connect(alice);
    hub.line.say(text.repeat(900));
    await hub.line.closed;
    // The handshake, twenty answers, a refusal and the close message.
    expect(hub.messages().length).toBeLessThanOrEqual(23);
  });

  test("SignalR: a frame of more than a thousand messages is not processed", async () => {
    const hub = await Hub.connect(alice);
    hub.line.say(PING.repeat(1_001));
    await hub.line.closed;
    expect(hub.messages().slice(1)).toMatchObject([
      { type: 7, error: "Connection closed with an error: There are too many messages." },
    ]);
  });

  const POSTED = [
    ["unknown events", '420["nonsense"]'],
    ["events that ask for no answer", '42["nonsense"]'],
    ["acknowledgements", "430[]"],
    ["other namespaces", "40/admin,"],
    ["pongs", "3"],
    ["packets that mean nothing", "6"],
  ] as const;

  test.each(POSTED)("Socket.IO, by a POST: %s", async (_, packet) => {
    const one = await Polled.connect(alice);
    await one.post(...Array.from({ length: 900 }, () => packet));
    expect(await one.poll()).toEqual({ status: 200, packets: ["1"] });
  });

  test.each(POSTED)("Socket.IO, over a socket: %s", async (_, packet) => {
    const io = await Io.connect(alice);
    // While the gateway sleeps, only pongs are answered.
    const text = packet === "3" ? "3 " : packet;
    for (let i = 0; i < 300; i++) io.line.say(text);
    await io.line.closed;
    expect(io.line.received.length).toBeLessThanOrEqual(25);
  });

  test("Socket.IO: a request of more than a thousand packets is not processed", async () => {
    const one = await Polled.connect(alice);
    expect(await one.post(...Array.from({ length: 1_001 }, () => "6"))).toBe(400);
    expect((await one.poll()).packets).toEqual(["1"]);
  });

  test("Socket.IO: invalid tokens, before the connection is authenticated", async () => {
    const io = await Io.open();
    for (let i = 0; i < 300; i++) io.line.say('40{"token":"nonsense"}');
    await io.line.closed;
    expect(io.line.received.length).toBeLessThanOrEqual(25);
  });
});
