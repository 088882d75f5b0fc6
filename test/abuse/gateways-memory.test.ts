import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Conversation } from "../../src/conversation/object.ts";
import type { Batch } from "../../src/conversation/outbound/subscribers/gateway-api.ts";
import { ok } from "../../src/domain/error.ts";
import { CatchUpPace } from "../../src/gateway/catch-up-pace.ts";
import { get, Hub, Io, Line } from "../gateway/line.ts";
import { type Caller, directPair, groupOf, person, send } from "../support.ts";
import { completions, frameOf, Polled } from "./gateway-calls.ts";

/** What one connection can hold in memory, and for how long. */

let alice: Caller;
let conversationId: string;

beforeEach(async () => {
  ({ alice, conversationId } = await directPair());
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("a client that never polls is disconnected before two megabytes wait for it", async () => {
  const one = await Polled.connect(alice);
  await one.post(`420["join-chat-room","${conversationId}",{"since":0}]`);
  await one.until((packet) => packet.startsWith("430"));
  const gateway = env.SOCKETIO.getByName(one.sid.split(".")[0] ?? "");
  const { waiting, rev } = await runInDurableObject(gateway, (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: reads a private field
    const { polling, rooms } = object as any;
    return { waiting: polling, rev: rooms.rooms.get(conversationId).rev as number };
  });
  const readAt = new Date(0).toISOString();
  let largest = 0;
  let to = rev;
  for (; to < rev + 500; to++) {
    const read = { type: "read", rev: to + 1, userId: "somebody", from: 1, to: 500, readAt };
    const lines = [JSON.stringify(read)];
    const batch: Batch = { conversationId, from: to, to: to + 1, lines, notes: [] };
    if (!(await gateway.deliver(batch))) break;
    largest = Math.max(largest, waiting.size);
  }
  expect(to).toBeLessThan(rev + 500);
  expect(largest).toBeGreaterThan(1024 * 1024);
  expect(largest).toBeLessThan(2 * 1024 * 1024);
  expect(waiting.size).toBe(0);
  expect((await one.poll()).packets).toEqual(["1"]);
});

test("while a join is pending, only the latest event of each kind and user is held", async () => {
  const hub = await Hub.connect(alice);
  await runInDurableObject(hub.object as Io["object"], async (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: calls private methods in one turn
    const gateway = object as any;
    const joined = gateway.rooms.join(conversationId);
    const lastSeenAt = new Date(0).toISOString();
    for (let i = 0; i < 5_000; i++) {
      const userId = `person-${i % 500}`;
      const about = { userId, online: i % 2 === 0, lastSeenAt };
      gateway.deliverEphemeral(conversationId, JSON.stringify({ type: "presence", ...about }));
    }
    const { held } = gateway.rooms.rooms.get(conversationId);
    expect(held.size).toBe(400);
    const last = { userId: "person-499", online: false };
    expect([...held.values()].at(-1)).toMatchObject({ event: last });
    expect((await joined).value).toHaveProperty("rev");
  });
  await hub.until("UserOffline", 200);
  expect(hub.all("UserOnline").length + hub.all("UserOffline").length).toBe(400);
});

test("at most 256 commands wait for conversations that do not answer", async () => {
  vi.setSystemTime(Date.now());
  const { promise, resolve } = Promise.withResolvers<void>();
  const { submit } = Conversation.prototype;
  vi.spyOn(Conversation.prototype, "submit").mockImplementation(async function (
    this: Conversation,
    ...parameters
  ) {
    await promise;
    return submit.apply(this, parameters);
  });
  const hub = await Hub.connect(alice);
  const twenty = Array.from({ length: 20 }, (_, i): [string, string, string] => [
    "SendMessage",
    conversationId,
    `${i}`,
  ]);
  for (let second = 0; second < 13; second++) {
    hub.line.say(frameOf(twenty));
    // A frame is processed in one turn; the next one arrives a second later.
    await hub.line.until(() => hub.messages().length > second);
    hub.line.say('{"type":6}\x1e{"type":77}\x1e');
    await hub.line.until(() => hub.messages().filter(({ type }) => type === 6).length > second);
    vi.setSystemTime(Date.now() + 2_000);
  }
  const unavailable = "This cannot be answered right now; try again soon.";
  expect(completions(hub).map(({ error }) => error)).toEqual(Array(4).fill(unavailable));
  resolve();
  await hub.line.until(() => completions(hub).length === 260);
});

test("a connection catches up with 2 MiB at once and then half a megabyte a second, at most eight pages at a time", async () => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout"] });
  const began = Date.now();
  const pace = new CatchUpPace();
  const lines = ["x".repeat(256 * 1024)];
  const page: Batch = { conversationId, from: 0, to: 1, lines, notes: [] };
  let asking = 0;
  let most = 0;
  const times: number[] = [];
  const pages = Array.from({ length: 100 }, () =>
    pace.page(async () => {
      asking++;
      most = Math.max(most, asking);
      await Promise.resolve();
      asking--;
      times.push(Date.now() - began);
      return ok(page);
    }),
  );
  await vi.runAllTimersAsync();
  await Promise.all(pages);
  expect(most).toBeLessThanOrEqual(8);
  expect(times.filter((time) => time === 0).length).toBeGreaterThanOrEqual(8);
  // 100 pages, minus those of the first burst and those requested in the meantime.
  expect(times.at(-1)).toBeGreaterThan(((100 - 8 - 16) / 2) * 1_000);
});

test("over all rooms of a connection, at most eight pages are requested at a time", async () => {
  const members = [alice, await person(), await person()];
  const ids = await Promise.all(Array.from({ length: 12 }, () => groupOf(...members)));
  const { promise, resolve } = Promise.withResolvers<void>();
  const { eventsSince } = Conversation.prototype;
  let asked = 0;
  // biome-ignore lint/suspicious/noExplicitAny: the mock is async, the method need not be
  vi.spyOn(Conversation.prototype as any, "eventsSince").mockImplementation(async function (
    this: unknown,
    ...parameters
  ) {
    asked++;
    await promise;
    return eventsSince.apply(this as Conversation, parameters as Parameters<typeof eventsSince>);
  });
  await Promise.all(ids.map((id) => send(alice, id, "missed")));
  const hub = await Hub.connect(alice);
  await Promise.all(ids.map((id) => hub.ask("JoinConversation", id, 0)));
  await vi.waitFor(() => expect(asked).toBe(8));
  await hub.ask("Nonsense");
  expect(asked).toBe(8);
  resolve();
  await hub.until("ReceiveMessage", 12);
});

describe("a frame over 64 KiB closes a connection at once", () => {
  const LARGEST = 64 * 1024;

  test.each([
    ["text", "4".padEnd(LARGEST + 1, "x")],
    ["text of few characters and many bytes", `4${"\u{1f986}".repeat(LARGEST / 4)}`],
    ["bytes", new Uint8Array(LARGEST + 1).buffer as ArrayBuffer],
  ])("%s", async (_, frame) => {
    const clients = [await Io.open(), await Io.connect(alice), await Hub.open(alice)];
    clients.push(await Hub.connect(alice));
    for (const { line } of clients) line.say(frame);
    await Promise.all(clients.map(({ line }) => line.closed));
  });

  test("a socket of an upgrade from polling is closed too, and the polling session continues", async () => {
    const one = await Polled.connect(alice);
    const upgrade = `/socket.io/?EIO=4&transport=websocket&sid=${one.sid}`;
    const probe = () => get(upgrade, { Upgrade: "websocket" }).then((answer) => new Line(answer));
    const large = await probe();
    large.say("2probe".padEnd(LARGEST + 1, "x"));
    await large.closed;
    await one.post('420["nonsense"]');
    await one.until((packet) => packet.startsWith("430"));
  });

  test("a client that has used up its rate by polling can still upgrade", async () => {
    const { alice, conversationId } = await directPair();
    const one = await Polled.connect(alice);
    const upgrade = `/socket.io/?EIO=4&transport=websocket&sid=${one.sid}`;
    const probe = new Line(await get(upgrade, { Upgrade: "websocket" }));
    const emit = (id: number) =>
      `42${id}${JSON.stringify(["mark-read", { chatId: conversationId }])}`;
    await one.post(...Array.from({ length: 30 }, (_, id) => emit(id)));
    probe.say("2probe");
    await probe.receives((text) => text === "3probe");
    await one.poll();
    probe.say("5");
    await probe.receives((text) => text.startsWith("43"));
  });

  test("too many probes close the socket", async () => {
    const one = await Polled.connect(alice);
    const upgrade = `/socket.io/?EIO=4&transport=websocket&sid=${one.sid}`;
    const probe = new Line(await get(upgrade, { Upgrade: "websocket" }));
    for (let i = 0; i < 300; i++) probe.say("2probe");
    await probe.closed;
    expect(probe.received.length).toBeLessThanOrEqual(40);
  });
});
