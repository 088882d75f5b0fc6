import { evictDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Caller, directPair, objectOf, openLive, type Socket, send } from "../support.ts";
import { acked, answerTo } from "./answer.ts";

let alice: Caller;
let bob: Caller;
let conversationId: string;
let a: Socket;

beforeEach(async () => {
  ({ alice, bob, conversationId } = await directPair());
  vi.setSystemTime(Date.now());
  a = await openLive(alice, conversationId);
});
afterEach(() => void vi.useRealTimers());

function pass(milliseconds: number): void {
  vi.setSystemTime(Date.now() + milliseconds);
}

/** Sends over the socket and waits until all are answered; resolves to how many were refused. */
async function sendMany(count: number): Promise<number> {
  const answered = () => a.all("ack").length + a.all("error").length;
  const [before, refused] = [answered(), a.all("error").length];
  for (let i = 0; i < count; i++) a.send({ op: "send", content: `${i}` });
  await a.until(() => answered() === before + count);
  return a.all("error").length - refused;
}

/** One more message is refused over the socket and over REST, with this wait. */
async function expectRefused(retryAfterMs: number) {
  expect(await answerTo(a, { op: "send", content: "one more" })).toMatchObject({
    ...{ type: "error", code: "rate_limited", retryAfterMs },
  });
  const answer = await send(alice, conversationId, "one more");
  expect(answer).toMatchObject({ status: 429, body: { code: "rate_limited" } });
  expect(answer.headers.get("Retry-After")).toBe(`${Math.ceil(retryAfterMs / 1_000)}`);
}

test("the 101st message within 60 s is refused, socket and REST counted together", async () => {
  const rest = Array.from({ length: 60 }, (_, i) => send(alice, conversationId, `rest ${i}`));
  const refused = await sendMany(60);
  const statuses = (await Promise.all(rest)).map(({ status }) => status);
  expect(refused + statuses.filter((status) => status === 429).length).toBe(20);
  expect(statuses.filter((status) => status === 201).length).toBeGreaterThan(0);
  await a.until(() => a.all("message").length === 100);
  expect(a.all("message").map(({ message }) => message.number)).toEqual(
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
  await expectRefused(60_000);
  const b = await openLive(bob, conversationId);
  expect(await acked(b, { op: "send", content: "mine are my own" })).toMatchObject({
    remaining: 99,
  });
});

test("the limit holds after the object slept", async () => {
  await sendMany(99);
  await evictDurableObject(objectOf(conversationId));
  expect(await acked(a, { op: "send", content: "the last" })).toMatchObject({ remaining: 0 });
  await evictDurableObject(objectOf(conversationId));
  pass(10_000);
  await expectRefused(50_000);
});

test("a message is allowed as soon as the window has moved on, and not a millisecond before", async () => {
  expect(await sendMany(100)).toBe(0);
  pass(59_999);
  await expectRefused(1);
  pass(1);
  expect(await sendMany(101)).toBe(1);
  await expectRefused(60_000);
});

test("the window slides: each message leaves it 60 s after it was sent", async () => {
  await sendMany(60);
  pass(30_000);
  await sendMany(40);
  await expectRefused(30_000);
  pass(30_000);
  expect(await acked(a, { op: "send", content: "room" })).toMatchObject({ remaining: 59 });
  expect(await sendMany(60)).toBe(1);
  await evictDurableObject(objectOf(conversationId));
  await expectRefused(30_000);
  pass(30_000);
  expect(await sendMany(60)).toBe(20);
});

test("refused messages and retries do not count against the limit", async () => {
  const kept = { op: "send", content: "kept", clientMessageId: "k" };
  await acked(a, kept);
  for (let i = 0; i < 30; i++) await answerTo(a, { op: "send", content: " " });
  for (let i = 0; i < 30; i++) await acked(a, kept);
  expect(await sendMany(99)).toBe(0);
  await expectRefused(60_000);
  // A retry is still answered at the limit, because its message is stored.
  expect(await acked(a, kept)).toMatchObject({ deduplicated: true });
});

test("deleting a message does not free its place in the window", async () => {
  await sendMany(100);
  await acked(a, { op: "delete", messageId: a.all("ack")[0]?.messageId });
  await evictDurableObject(objectOf(conversationId));
  await expectRefused(60_000);
});

test("a clock that is set back does not extend the wait", async () => {
  await sendMany(100);
  pass(-3_600_000);
  await expectRefused(60_000);
  pass(3_660_000);
  expect(await sendMany(1)).toBe(0);
});
