import { evictDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { directPair, groupOf, objectOf, open, openLive, person, type Socket } from "../support.ts";
import { acked } from "./answer.ts";

function received(socket: Socket) {
  return socket.all("presence").map(({ userId, online }) => [userId, online]);
}

test("others receive presence for a person's first socket and for the last one closed", async () => {
  const { alice, bob, conversationId } = await directPair();
  const b = await openLive(bob, conversationId);
  const one = await openLive(alice, conversationId);
  const two = await openLive(alice, conversationId);
  await acked(two, { op: "send", content: "from the second" });
  await b.next("message");
  expect(received(b)).toEqual([[alice.userId, true]]);
  one.close();
  await evictDurableObject(objectOf(conversationId));
  await acked(two, { op: "send", content: "still here" });
  await b.next("message");
  expect(received(b)).toEqual([[alice.userId, true]]);
  two.close();
  await b.next("presence", ({ online }) => !online);
  const three = await openLive(alice, conversationId);
  await acked(three, { op: "send", content: "back" });
  await b.next("message", ({ message }) => message.content === "back");
  expect(received(b)).toEqual([
    [alice.userId, true],
    [alice.userId, false],
    [alice.userId, true],
  ]);
  for (const socket of [one, two, three]) expect(received(socket)).toEqual([]);
});

test("lastSeenAt is the time of the presence change", async () => {
  const { alice, bob, conversationId } = await directPair();
  const b = await openLive(bob, conversationId);
  const before = Date.now();
  await openLive(alice, conversationId);
  const { lastSeenAt } = await b.next("presence");
  expect(Date.parse(lastSeenAt)).toBeGreaterThanOrEqual(before);
  expect(Date.parse(lastSeenAt)).toBeLessThanOrEqual(Date.now());
});

test("hello lists every online user once, including the user", async () => {
  const people = [await person("alice"), await person("bob"), await person("carol")] as const;
  const [alice, bob, carol] = people;
  const group = await groupOf(...people);
  await openLive(alice, group);
  await openLive(alice, group);
  await openLive(bob, group);
  const c = await openLive(carol, group);
  const everyone = people.map(({ userId }) => userId).sort();
  expect([c.all("hello")[0]?.online].flat().sort()).toEqual(everyone);
  await evictDurableObject(objectOf(group));
  const again = await openLive(carol, group);
  expect([again.all("hello")[0]?.online].flat().sort()).toEqual(everyone);
});

test("typing is delivered to the others, not to the user's own devices", async () => {
  const people = [await person("alice"), await person("bob"), await person("carol")] as const;
  const group = await groupOf(...people);
  const [alice] = people;
  const [a, phone, b, c] = await Promise.all([
    openLive(alice, group),
    openLive(alice, group),
    openLive(people[1], group),
    openLive(people[2], group),
  ]);
  a.send({ op: "typing", id: 1, active: true });
  a.send({ op: "typing", active: false });
  await acked(a, { op: "send", content: "typed" });
  const typed = [
    { type: "typing", userId: alice.userId, active: true, expiresInMs: 6_000 },
    { type: "typing", userId: alice.userId, active: false, expiresInMs: 0 },
  ];
  for (const socket of [b, c]) {
    await socket.next("message");
    expect(socket.all("typing")).toEqual(typed);
  }
  await phone.next("message");
  for (const socket of [a, phone]) {
    expect(socket.all("typing")).toEqual([]);
    expect(socket.all("error")).toEqual([]);
  }
});

test("typing has no revision and is not stored", async () => {
  const { alice, bob, conversationId } = await directPair();
  const a = await openLive(alice, conversationId);
  a.send({ op: "typing", active: true });
  expect((await acked(a, { op: "send", content: "first" })).rev).toBe(4);
  const b = await openLive(bob, conversationId, "?since=3");
  expect(b.events.map(({ type }) => type)).toEqual(["hello", "sync"]);
});

test("presence changes during catch-up are delivered when it is complete", async () => {
  const people = [await person("alice"), await person("bob"), await person("carol")] as const;
  const [alice, bob, carol] = people;
  const group = await groupOf(...people);
  const a = await openLive(alice, group);
  for (let i = 0; i < 50; i++) await acked(a, { op: "send", content: "€".repeat(2_000) });
  const returning = await open(bob, group, "?since=0");
  const first = await returning.next("sync");
  expect(first.more).toBe(true);
  const c = await openLive(carol, group);
  a.close();
  await c.next("presence", ({ userId, online }) => userId === alice.userId && !online);
  expect(received(returning)).toEqual([]);
  returning.send({ op: "sync", since: first.to });
  await returning.next("presence", ({ online }) => !online);
  expect(received(returning)).toEqual([
    [carol.userId, true],
    [alice.userId, false],
  ]);
  expect(returning.all("sync").at(-1)?.more).toBe(false);
});
