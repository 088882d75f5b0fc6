import { beforeAll, expect, test } from "vitest";
import { type Caller, openLive, person, someone } from "../support.ts";
import { acked } from "./answer.ts";

let alice: Caller;
let bob: Caller;
let large: string;
let notQuite: string;

/** A group of 201 members, and one of 200. */
beforeAll(async () => {
  const admin = await person("admin", { role: "admin" });
  [alice, bob] = [await person("alice"), await person("bob")];
  const others = Array.from({ length: 199 }, () => someone("crowd"));
  await admin.put("/api/users", { users: others.map((id) => ({ id })) });
  const create = async (participantIds: string[]) => {
    const answer = await alice.post("/api/v1/chat/conversations/group", {
      ...{ title: "Crowd", participantIds },
    });
    return answer.body.conversationId;
  };
  large = await create([bob.userId, ...others]);
  notQuite = await create([bob.userId, ...others.slice(1)]);
});

test("over 200 members: no presence, typing or reads of others are sent; `online` is a number", async () => {
  const a = await openLive(alice, large);
  const b = await openLive(bob, large);
  const phone = await openLive(bob, large);
  expect(b.all("hello")[0]?.online).toBe(2);
  expect(b.all("sync")[0]?.members.length).toBe(200);
  await acked(a, { op: "send", content: "hello, all" });
  await b.next("message");
  b.send({ op: "typing", active: true });
  await acked(b, { op: "read" });
  // The user's other devices still receive it.
  expect((await phone.next("read")).userId).toBe(bob.userId);
  phone.close();
  await acked(a, { op: "send", content: "anybody?" });
  await b.next("message", ({ message }) => message.number === 2);
  expect(new Set(a.events.map(({ type }) => type))).toEqual(
    new Set(["hello", "sync", "message", "ack"]),
  );
  expect(phone.all("typing")).toEqual([]);
});

test("over 200 members: a resumed client receives its own reads and none of others", async () => {
  const a = await openLive(alice, large);
  const b = await openLive(bob, large);
  await acked(a, { op: "send", content: "again" });
  const { rev } = await acked(b, { op: "read" });
  const since = `?since=${rev - 1}`;
  const [back, own] = [await openLive(alice, large, since), await openLive(bob, large, since)];
  expect(back.all("sync")).toMatchObject([{ to: rev, reads: [], more: false }]);
  expect(own.all("sync")[0]?.reads.map(({ userId }) => userId)).toEqual([bob.userId]);
});

test("with 200 members, presence, typing and reads are delivered", async () => {
  const a = await openLive(alice, notQuite);
  const b = await openLive(bob, notQuite);
  expect(b.all("hello")[0]?.online).toEqual([alice.userId, bob.userId]);
  await acked(a, { op: "send", content: "hello, all" });
  b.send({ op: "typing", active: true });
  await acked(b, { op: "read" });
  b.close();
  await a.next("presence", ({ online }) => !online);
  expect(a.all("typing").length).toBe(1);
  expect(a.all("read").length).toBe(1);
});
