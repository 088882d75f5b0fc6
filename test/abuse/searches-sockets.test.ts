import { expect, test } from "vitest";
import { openRooms } from "../inbox/room-client.ts";
import { directPair, openLive, person, send } from "../support.ts";

test("a person searches 30 times a minute, over sockets and REST together", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(alice, conversationId, "hello");
  const native = await openLive(alice, conversationId);
  const room = await (await openRooms(alice)).open(conversationId);
  for (let id = 1; id <= 15; id++) {
    native.send({ op: "search", id, q: "hello" });
    await native.next("found");
    room.send({ op: "search", id, q: "hello" });
    expect((await room.next("found")).hits).toHaveLength(1);
  }
  const refused = { id: 16, code: "rate_limited", retryAfterMs: 60_000 };
  native.send({ op: "search", id: 16, q: "hello" });
  expect(await native.next("error")).toMatchObject(refused);
  room.send({ op: "search", id: 16, q: "hello" });
  expect(await room.next("error")).toMatchObject(refused);
  const rest = await alice.get("/api/v1/chat/messages/search?q=hello");
  expect([rest.status, rest.body.limit]).toEqual([429, "searches_per_minute"]);
  const other = await openLive(bob, conversationId);
  other.send({ op: "search", id: 1, q: "hello" });
  expect((await other.next("found")).hits).toHaveLength(1);
});

test("admins are not limited", async () => {
  const admin = await person("admin", { role: "admin" });
  const bob = await person("bob");
  const { body } = await admin.post("/api/v1/chat/conversations/direct", {
    otherUserId: bob.userId,
  });
  // One socket has 20 commands a second.
  for (let socket = 1; socket <= 2; socket++) {
    const native = await openLive(admin, body.conversationId);
    for (let id = 1; id <= 16; id++) {
      native.send({ op: "search", id, q: "hello" });
      expect((await native.next("found")).id).toBe(id);
    }
  }
});
