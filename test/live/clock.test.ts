import { evictDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Caller, directPair, objectOf, openLive, type Socket } from "../support.ts";
import { acked, answerTo } from "./answer.ts";

/**
 * After a server clock that was half an hour fast is corrected, times never decrease and no user is
 * blocked.
 */

const MINUTE = 60_000;
/** Shorter than the hour for which tokens of tests are valid. */
const AHEAD = 30 * MINUTE;

let alice: Caller;
let conversationId: string;
let a: Socket;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  ({ alice, conversationId } = await directPair());
  pass(AHEAD);
  a = await openLive(alice, conversationId);
  await acked(a, { op: "send", content: "while it was ahead" });
  pass(-AHEAD);
});
afterEach(() => void vi.useRealTimers());

function pass(milliseconds: number): void {
  vi.setSystemTime(Date.now() + milliseconds);
}

/** Sends `count` messages; resolves to how many were refused. */
async function sendMany(count: number): Promise<number> {
  const answered = () => a.all("ack").length + a.all("error").length;
  const [before, refused] = [answered(), a.all("error").length];
  for (let i = 0; i < count; i++) a.send({ op: "send", content: `${i}` });
  await a.until(() => answered() === before + count);
  return a.all("error").length - refused;
}

test("sends are allowed at their full rate after the clock is corrected, before and after the object sleeps", async () => {
  expect(await sendMany(99)).toBe(0);
  expect(await sendMany(1)).toBe(1);
  for (const sleeps of [true, false, true]) {
    pass(MINUTE);
    if (sleeps) await evictDurableObject(objectOf(conversationId));
    expect(await sendMany(101)).toBe(1);
  }
  await evictDurableObject(objectOf(conversationId));
  expect(await answerTo(a, { op: "send", content: "one more" })).toMatchObject({
    code: "rate_limited",
    retryAfterMs: MINUTE,
  });
  const times = a.all("message").map(({ message }) => message.createdAt);
  expect(times).toEqual(times.toSorted());
});

test("an edit is allowed directly after its message, and until 15 minutes later", async () => {
  const [ahead] = a.all("ack");
  const { messageId } = await acked(a, { op: "send", content: "after that" });
  const edit = (id: string | undefined) => ({ op: "edit", messageId: id, content: "edited" });
  await acked(a, edit(messageId));
  await acked(a, edit(ahead?.messageId));
  await evictDurableObject(objectOf(conversationId));
  pass(15 * MINUTE);
  await acked(a, edit(messageId));
  pass(1);
  expect(await answerTo(a, edit(messageId))).toMatchObject({ code: "edit_window_closed" });
  // The true time of the first message is unknown: it stays editable for as long as the clock was
  // fast.
  pass(AHEAD - 1);
  await acked(a, edit(ahead?.messageId));
  pass(1);
  expect(await answerTo(a, edit(ahead?.messageId))).toMatchObject({ code: "edit_window_closed" });
});
