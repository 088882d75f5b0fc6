import { evictDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { Caller, directPair, objectOf, open, openLive, tokenFor } from "../support.ts";

afterEach(() => void vi.useRealTimers());

const TEN = Array.from({ length: 10 }, (_, i) => i);

test("an eleventh socket of one person is refused with rate_limited; the ten and those of others stay open", async () => {
  const { alice, bob, conversationId } = await directPair();
  const ten = await Promise.all(TEN.map(() => openLive(alice, conversationId)));
  const eleventh = await open(alice, conversationId);
  expect((await eleventh.closed).code).toBe(4400);
  expect(eleventh.events.map((event) => event.type)).toEqual(["error"]);
  expect((await eleventh.next("error")).code).toBe("rate_limited");
  const other = await openLive(bob, conversationId);
  other.send({ op: "send", content: "all here?" });
  for (const socket of ten) {
    expect((await socket.next("message")).message.content).toBe("all here?");
  }
});

test("a closed socket frees its place, also when the object slept in between", async () => {
  const { alice, bob, conversationId } = await directPair();
  const watching = await openLive(bob, conversationId);
  const ten = await Promise.all(TEN.map(() => openLive(alice, conversationId)));
  await evictDurableObject(objectOf(conversationId));
  expect((await (await open(alice, conversationId)).closed).code).toBe(4400);
  for (const socket of ten) socket.close();
  await watching.next("presence", (event) => !event.online);
  const back = await openLive(alice, conversationId);
  expect(back.all("hello")[0]?.you.userId).toBe(alice.userId);
});

test("sockets whose token has expired do not count", async () => {
  const { alice, conversationId } = await directPair();
  const brief = new Caller(alice.userId, await tokenFor(alice.userId, { expiresIn: 30 }));
  await Promise.all(TEN.map(() => openLive(brief, conversationId)));
  vi.setSystemTime(Date.now() + 31_000);
  const fresh = await open(alice, conversationId);
  expect(await Promise.race([fresh.next("hello"), fresh.closed])).toMatchObject({ type: "hello" });
});

test("sockets that have been silent for 90 seconds do not count", async () => {
  const { alice, conversationId } = await directPair();
  await Promise.all(TEN.map(() => openLive(alice, conversationId)));
  vi.setSystemTime(Date.now() + 91_000);
  const fresh = await open(alice, conversationId);
  expect(await Promise.race([fresh.next("hello"), fresh.closed])).toMatchObject({ type: "hello" });
});

test("a socket that has been silent for 90 seconds is closed with 1012; an active one is not", async () => {
  const { alice, bob, conversationId } = await directPair();
  const silent = await openLive(alice, conversationId);
  const speaking = await openLive(bob, conversationId);
  vi.setSystemTime(Date.now() + 60_000);
  speaking.send({ op: "send", content: "still here" });
  await silent.next("message");
  vi.setSystemTime(Date.now() + 31_000);
  speaking.send({ op: "send", content: "and you?" });
  expect((await silent.closed).code).toBe(1012);
  await speaking.next("ack", (event) => event.remaining === 98);
  expect(silent.all("message").map(({ message }) => message.content)).toEqual(["still here"]);
});

test("a socket that was silent before the object slept is closed with 1012 too", async () => {
  const { alice, bob, conversationId } = await directPair();
  const silent = await openLive(alice, conversationId);
  const speaking = await openLive(bob, conversationId);
  vi.setSystemTime(Date.now() + 80_000);
  await evictDurableObject(objectOf(conversationId));
  speaking.send({ op: "send", content: "awake?" });
  await silent.next("message");
  vi.setSystemTime(Date.now() + 31_000);
  speaking.send({ op: "send", content: "and you?" });
  expect((await silent.closed).code).toBe(1012);
});
