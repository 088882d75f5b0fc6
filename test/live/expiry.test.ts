import { evictDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { Caller, directPair, objectOf, openLive, send, tokenFor } from "../support.ts";
import { acked } from "./answer.ts";

afterEach(() => void vi.useRealTimers());

/** Alice with a token that is valid for 60 seconds, and Bob, who observes the conversation. */
async function brief() {
  vi.setSystemTime(Math.ceil(Date.now() / 1_000) * 1_000);
  const { alice, bob, conversationId } = await directPair();
  const token = await tokenFor(alice.userId, { expiresIn: 60 });
  const b = await openLive(bob, conversationId);
  const a = await openLive(new Caller(alice.userId, token), conversationId);
  await b.next("presence");
  return { alice, bob, conversationId, a, b };
}

function pass(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1_000);
}

test("a token is valid to its last millisecond; the next frame is not executed and closes the socket with 4401", async () => {
  const { a, b } = await brief();
  pass(59.999);
  await acked(a, { op: "send", content: "in time" });
  pass(0.001);
  a.send({ op: "send", id: "late", content: "too late" });
  expect((await a.closed).code).toBe(4401);
  expect(await b.next("presence")).toMatchObject({ online: false });
  expect(a.events.at(-1)).toMatchObject({ type: "ack", remaining: 99 });
  await acked(b, { op: "send", content: "next" });
  expect(b.all("message").map(({ message }) => message.content)).toEqual(["in time", "next"]);
});

test.each([
  ["binary", new ArrayBuffer(1)],
  ["nonsense", "nonsense"],
  ["typing", '{"op":"typing","active":true}'],
  ["history", '{"op":"history"}'],
  ["sync", '{"op":"sync","since":0}'],
])(
  "a frame of %s after the token expired closes the socket with 4401 and has no answer",
  async (_, frame) => {
    const { a, b } = await brief();
    pass(61);
    const heard = a.events.length;
    a.send(frame);
    expect((await a.closed).code).toBe(4401);
    expect(a.events.length).toBe(heard);
    await acked(b, { op: "send", content: "next" });
    expect(b.all("typing")).toEqual([]);
  },
);

test("after the token expired an event closes the socket with 4401 instead of being delivered; others receive it", async () => {
  const { bob, conversationId, a, b } = await brief();
  pass(61);
  const heard = a.events.length;
  await send(bob, conversationId, "not for Alice");
  expect((await a.closed).code).toBe(4401);
  expect(a.events.length).toBe(heard);
  expect((await b.next("presence")).online).toBe(false);
  await b.until(() => b.all("message").length === 1);
});

test.each(["typing", "presence"])(
  "after the token expired not even %s is delivered",
  async (type) => {
    const { bob, conversationId, a, b } = await brief();
    pass(61);
    const heard = a.events.length;
    if (type === "typing") b.send({ op: "typing", active: true });
    else b.close();
    expect((await a.closed).code).toBe(4401);
    expect(a.events.length).toBe(heard);
    expect((await openLive(bob, conversationId)).all("hello")[0]?.online).toEqual([bob.userId]);
  },
);

test("the expiry of a token is kept while the object sleeps", async () => {
  const { conversationId, a, b } = await brief();
  await evictDurableObject(objectOf(conversationId));
  pass(61);
  await acked(b, { op: "send", content: "good morning" });
  expect((await a.closed).code).toBe(4401);
  expect(a.all("message")).toEqual([]);
});

test("a socket with a new token resumes where the expired one stopped", async () => {
  const { alice, conversationId, a, b } = await brief();
  pass(61);
  await acked(b, { op: "send", content: "missed" });
  await a.closed;
  const token = await tokenFor(alice.userId);
  const back = await openLive(new Caller(alice.userId, token), conversationId, "?since=3");
  expect(back.all("sync")[0]?.messages.map(({ content }) => content)).toEqual(["missed"]);
});
