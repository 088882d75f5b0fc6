import { expect, test, vi } from "vitest";
import { acked } from "../live/answer.ts";
import { fireAlarms, openLive, person, someone } from "../support.ts";
import { loseNextCall, openRooms } from "./room-client.ts";

/** A group of 201 members, and two of them. */
async function largeGroup() {
  const admin = await person("admin", { role: "admin" });
  const [alice, bob] = [await person("alice"), await person("bob")];
  const others = Array.from({ length: 199 }, () => someone("crowd"));
  await admin.put("/api/users", { users: others.map((id) => ({ id })) });
  const { body } = await alice.post("/api/v1/chat/conversations/group", {
    ...{ title: "Crowd", participantIds: [bob.userId, ...others] },
  });
  return { alice, bob, conversationId: String(body.conversationId) };
}

test("in a large conversation a person's own reads come, those of others do not", async () => {
  const { alice, bob, conversationId } = await largeGroup();
  const a = await openLive(alice, conversationId);
  const others = await (await openRooms(alice)).open(conversationId);
  const room = await (await openRooms(bob)).open(conversationId);
  const second = await (await openRooms(bob)).open(conversationId);
  const native = await openLive(bob, conversationId);
  for (const text of ["one", "two"]) {
    await acked(a, { op: "send", content: text });
    await room.next("message");
    room.send({ op: "read", id: text });
    const { rev } = await room.next("ack");
    await Promise.all([native.next("read"), second.next("read")]);
    expect(room.events.at(-2)).toMatchObject({ type: "read", rev, userId: bob.userId });
  }
  await acked(a, { op: "send", content: "three" });
  await vi.waitFor(() => expect(room.events.at(-1)).toMatchObject({ type: "message" }));
  expect(second.lines.slice(2)).toEqual(native.frames.slice(1).flatMap((f) => f.split("\n")));
  expect(room.all("sync").length).toBe(1);
  await others.until(() => others.all("message").length === 3);
  expect(others.all("read")).toEqual([]);
  expect(others.all("sync").length).toBe(1);
  expect(room.all("hello")[0]?.online).toBe(2);
});

test("in a large conversation a lost read of one's own is made good", async () => {
  const { alice, bob, conversationId } = await largeGroup();
  const room = await (await openRooms(bob)).open(conversationId);
  const a = await openLive(alice, conversationId);
  await acked(a, { op: "send", content: "one" });
  await room.next("message");
  const native = await openLive(bob, conversationId);
  await loseNextCall(conversationId);
  await acked(native, { op: "read" });
  await acked(a, { op: "send", content: "two" });
  await room.until(() => room.all("sync").length === 2);
  const { reads, messages } = room.all("sync")[1] ?? {};
  expect(reads?.map(({ userId }) => userId)).toEqual([bob.userId]);
  expect(messages?.map(({ content }) => content)).toEqual(["two"]);
  await fireAlarms(conversationId);
  expect(room.all("sync").length).toBe(2);
});
