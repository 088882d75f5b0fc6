import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { MAX_COMMANDS_PER_SECOND } from "../../src/live/version.ts";
import { openRooms } from "../inbox/room-client.ts";
import { type Caller, directPair, groupOf, person, send } from "../support.ts";

/** Limits of an inbox socket over which conversations are open: those of a native socket, for all of them. */

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const numbers = (length: number) => Array.from({ length }, (_, i) => i);

test("a conversation can be opened 30 times a minute, however: sockets of its own count as well", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openRooms(alice);
  const limit = vi.spyOn(env.LIMIT_UPGRADES, "limit");
  expect((await socket.open(conversationId)).isLive).toBe(true);
  expect(limit.mock.calls).toEqual([[{ key: `${alice.userId} ${conversationId}` }]]);
  limit.mockResolvedValue({ success: false });
  const refused = await socket.open(conversationId);
  expect(refused.events).toMatchObject([{ type: "error", code: "rate_limited" }]);
  expect(refused.end).toMatchObject({ id: `open ${conversationId}`, code: 1_013 });
});

test("20 commands a second over all conversations: one more is refused, and a hundred close the socket", async () => {
  const { alice, bob, conversationId } = await directPair();
  const group = await groupOf(alice, bob);
  const socket = await openRooms(alice);
  const [one, two] = [await socket.open(conversationId), await socket.open(group)];
  vi.setSystemTime(Date.now() + 60_000);
  for (const i of numbers(MAX_COMMANDS_PER_SECOND / 2)) {
    one.send({ op: "history", id: i, limit: 1 });
    two.send({ op: "history", id: i, limit: 1 });
  }
  two.send({ op: "read", id: "too many" });
  one.send({ op: "read", id: "ignored" });
  // A send has the conversation's limit.
  one.send({ op: "send", id: "sent", content: "hello" });
  await one.next("ack", ({ id }) => id === "sent");
  expect(await two.next("error")).toMatchObject({ id: "too many", code: "rate_limited" });
  expect(one.all("error")).toEqual([]);
  for (const i of numbers(100)) one.send({ op: "typing", id: i, active: true });
  expect(await socket.closed).toMatchObject({ code: 4_400 });
});

test("opening a hundred conversations at once is free, as after a reconnect; beyond the rate, each is answered", async () => {
  const alice = await person("alice");
  const socket = await openRooms(alice);
  vi.setSystemTime(Date.now());
  const closed = (code: number) =>
    socket.lines.filter((line) => line.includes(`"code":${code}`)).length;
  for (const i of numbers(100)) socket.send({ op: "open", conversationId: `nowhere ${i}` });
  for (const _ of numbers(MAX_COMMANDS_PER_SECOND)) socket.send({ op: "list" });
  await socket.until(() => closed(4_404) === 100);
  const { conversationId } = await directPair();
  for (const _ of numbers(3)) socket.send({ op: "open", conversationId });
  await socket.until(() => closed(1_013) === 3);
});

test("a hundred sends that a conversation refuses close the socket", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openRooms(alice);
  const room = await socket.open(conversationId);
  vi.setSystemTime(Date.now());
  for (const i of numbers(250)) room.send({ op: "send", id: i, content: `${i}` });
  expect(await socket.closed).toMatchObject({ code: 4_400 });
  expect(room.all("ack").length).toBe(100);
});

test("a frame full of sends makes few calls, and what waits is bounded", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openRooms(alice);
  const room = await socket.open(conversationId);
  const frame = (i: number) =>
    JSON.stringify({ op: "send", id: i, conversationId, content: "", clientMessageId: `k${i}` });
  // What is empty is refused without counting.
  for (const part of numbers(4)) {
    socket.send(
      numbers(400)
        .map((i) => frame(part * 400 + i))
        .join("\n"),
    );
  }
  await socket.closed;
  const errors = room.all("error");
  const waited = errors.filter(({ code }) => code === "rate_limited").length;
  expect(waited).toBeGreaterThan(0);
  expect(waited).toBeLessThanOrEqual(101);
});

test("a socket that leaves 4 MiB of answers unread is closed", async () => {
  const { alice, bob, conversationId } = await directPair();
  await fill(bob, conversationId, 90);
  const socket = await openRooms(alice);
  const room = await socket.open(conversationId, { since: 0 });
  const pages = room.all("sync").length;
  expect(pages).toBeGreaterThan(3);
  let asked = 0;
  const ask = () => {
    vi.setSystemTime(Date.now() + 1_000);
    room.send({ op: "history", id: asked++, limit: 100 });
  };
  for (const _ of numbers(18)) ask();
  expect(await socket.closed).toMatchObject({ code: 1_012 });
});

/** Sends messages of 12 KB, the largest without files. */
async function fill(caller: Caller, conversationId: string, count: number): Promise<void> {
  for (const _ of numbers(count)) {
    await send(caller, conversationId, "€".repeat(2_000), {
      metadata: { fat: "m".repeat(8_000) },
    });
  }
}
