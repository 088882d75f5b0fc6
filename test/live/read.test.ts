import { expect, test } from "vitest";
import { directPair, groupOf, openLive, person, type Socket, send } from "../support.ts";
import { acked, answerTo } from "./answer.ts";

/** Sockets of two people, and six messages: 1, 2, 3, 5 by Alice, 4 and 6 by Bob. */
async function sixMessages() {
  const { alice, bob, conversationId } = await directPair();
  const a = await openLive(alice, conversationId);
  const b = await openLive(bob, conversationId);
  const ids: string[] = [];
  for (const socket of [a, a, a, b, a, b]) {
    ids.push((await acked(socket, { op: "send", content: "x" })).messageId ?? "");
  }
  const unread = async (caller: typeof alice) => {
    const socket = await openLive(caller, conversationId);
    const hello = socket.all("hello")[0];
    socket.close();
    return hello?.you.unread;
  };
  return { alice, bob, conversationId, a, b, ids, unread };
}

/** The reads that a socket has received: user ids and numbers. */
function readsReceived(socket: Socket) {
  return socket.all("read").map(({ userId, from, to }) => [userId, from, to]);
}

test("single messages are marked as read; the rest stay unread", async () => {
  const { bob, a, b, ids, unread } = await sixMessages();
  expect(await unread(bob)).toBe(4);
  const ack = await acked(b, { op: "read", messageIds: [ids[4], ids[1], ids[1]] });
  await a.until(() => a.all("read").length === 2);
  expect(readsReceived(a)).toEqual([
    [bob.userId, 2, 2],
    [bob.userId, 5, 5],
  ]);
  expect(readsReceived(b)).toEqual(readsReceived(a));
  expect(ack.rev).toBe(a.all("read")[1]?.rev);
  expect(await unread(bob)).toBe(2);
});

test("upTo marks everything up to a message, once", async () => {
  const { alice, bob, a, b, ids, unread } = await sixMessages();
  await acked(b, { op: "read", upTo: ids[2]?.toUpperCase() });
  expect(await unread(bob)).toBe(1);
  expect(await unread(alice)).toBe(2);
  await acked(b, { op: "read", upTo: ids[1] });
  await acked(b, { op: "read", upTo: ids[2] });
  await acked(a, { op: "send", content: "behind the acks" });
  expect(readsReceived(a)).toEqual([[bob.userId, 1, 3]]);
});

test.each([
  ["absent", {}],
  ["empty", { messageIds: [] }],
])("messageIds %s: all of them are marked", async (_, fields) => {
  const { bob, a, b, unread } = await sixMessages();
  await acked(b, { op: "read", ...fields });
  expect(await unread(bob)).toBe(0);
  await acked(b, { op: "read", ...fields });
  await acked(a, { op: "send", content: "behind the acks" });
  expect(a.all("read").map(({ userId, to }) => [userId, to])).toEqual([[bob.userId, 6]]);
  expect(await unread(bob)).toBe(1);
});

test("one unknown id among known ones is rejected, and nothing is marked", async () => {
  const { alice, bob, conversationId, a, b, ids, unread } = await sixMessages();
  const group = await groupOf(alice, bob, await person("carol"));
  const { body } = await send(alice, group, "elsewhere");
  const future = `${conversationId.slice(0, -2)}ff`;
  for (const unknown of [future, body.messageId, conversationId, "nothing", ""]) {
    for (const fields of [{ messageIds: [ids[0], unknown] }, { upTo: unknown }]) {
      expect(await answerTo(b, { op: "read", ...fields })).toMatchObject({
        type: "error",
        code: "unknown_messages",
      });
    }
  }
  await acked(a, { op: "send", content: "behind the answers" });
  expect(readsReceived(a)).toEqual([]);
  expect(await unread(bob)).toBe(5);
});

test("500 messages can be named, and 501 are rejected", async () => {
  const { b, ids } = await sixMessages();
  const named = (count: number) => Array.from({ length: count }, () => ids[0]);
  expect(await answerTo(b, { op: "read", messageIds: named(500) })).toMatchObject({
    type: "ack",
  });
  expect(await answerTo(b, { op: "read", messageIds: named(501) })).toMatchObject({
    code: "invalid_frame",
    details: [{ path: "messageIds" }],
  });
});

test("the user's own and deleted messages can be named, and are not marked", async () => {
  const { bob, a, b, ids, unread } = await sixMessages();
  await acked(a, { op: "delete", messageId: ids[0] });
  const { rev } = await acked(b, { op: "read", messageIds: [ids[0], ids[3], ids[5]] });
  expect(await unread(bob)).toBe(3);
  expect((await acked(b, { op: "read", messageIds: [ids[3]] })).rev).toBe(rev);
  expect(readsReceived(a)).toEqual([]);
});

test("a person's other devices receive their read marks", async () => {
  const { bob, conversationId, b } = await sixMessages();
  const phone = await openLive(bob, conversationId);
  await acked(b, { op: "read" });
  expect((await phone.next("read")).userId).toBe(bob.userId);
});
