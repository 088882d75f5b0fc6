import { expect, test } from "vitest";
import { directPair, openLive, send } from "../support.ts";
import { openRooms } from "./room-client.ts";

test("an opened conversation starts as a native socket does, and its events follow", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(bob, conversationId, "before");
  const socket = await openRooms(alice);
  const room = await socket.open(conversationId);
  expect(room.events.map(({ type }) => type)).toEqual(["hello", "sync"]);
  expect(room.ids).toEqual([`open ${conversationId}`, undefined]);
  expect(room.events[0]).toMatchObject({
    you: { userId: alice.userId, unread: 1 },
    online: [alice.userId],
  });
  const native = await openLive(alice, conversationId);
  expect(room.events[1]).toEqual(native.events[1]);
  await send(bob, conversationId, "after");
  await Promise.all([room.next("message"), native.next("message")]);
  expect(room.events.at(-1)).toEqual(native.events.at(-1));
});

test("commands of each kind are carried out and answered as on a native socket", async () => {
  const { alice, conversationId } = await directPair();
  const room = await (await openRooms(alice)).open(conversationId);
  room.send({ op: "send", id: 1, content: "hello", clientMessageId: "k" });
  const { messageId } = await room.next("ack");
  room.send({ op: "send", id: 2, content: "hello", clientMessageId: "k" });
  expect(await room.next("ack")).toMatchObject({ id: 2, messageId, deduplicated: true });
  room.send({ op: "edit", id: 3, messageId, content: "hello you" });
  room.send({ op: "react", id: 4, messageId, emoji: "👍" });
  room.send({ op: "unreact", id: 5, messageId, emoji: "👍" });
  room.send({ op: "history", id: 6 });
  room.send({ op: "delete", id: 7, messageId });
  room.send({ op: "read", id: 8 });
  room.send({ op: "sync", id: 9, since: 0 });
  const { messages } = await room.next("sync", ({ id }) => id === 6);
  expect(messages.at(-1)).toMatchObject({ content: "hello you", reactions: [] });
  await room.next("sync", ({ id }) => id === 9);
  const answers = room.events.flatMap((event) =>
    event.type === "ack" || (event.type === "sync" && event.id) ? [event.id] : [],
  );
  expect(answers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  room.send({ op: "edit", id: 10, messageId, content: "too late" });
  expect(await room.next("error")).toMatchObject({ id: 10, code: "message_deleted" });
});
