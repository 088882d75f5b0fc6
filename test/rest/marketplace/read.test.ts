import { beforeEach, describe, expect, test } from "vitest";
import { type Caller, openLive, person } from "../../support.ts";
import {
  addTo,
  CHATS,
  directChat,
  entryOf,
  expectInvalid,
  expectRefusal,
  FOREIGN,
  groupChat,
  history,
  ISO_TIME,
  infoOf,
  markRead,
  NOBODYS,
  remove,
  removeFrom,
  sent,
} from "./chats.ts";

let alice: Caller;
let bob: Caller;
let carol: Caller;
let chatId: string;
let ids: string[];

/** Alice has sent a, b and c, then Bob d; Carol has sent nothing. */
beforeEach(async () => {
  ({ alice, bob, carol, chatId } = await groupChat());
  ids = [];
  for (const content of ["a", "b", "c"]) ids.push(await sent(alice, chatId, content));
  ids.push(await sent(bob, chatId, "d"));
});

async function modified(caller: Caller, messageIds?: unknown): Promise<number> {
  const answer = await markRead(caller, chatId, messageIds);
  expect(answer.status).toBe(200);
  const { modifiedCount } = answer.body.data;
  expect(answer.body).toStrictEqual({ success: true, data: { modifiedCount } });
  return modifiedCount;
}

async function unreadCounts() {
  const { unreadCounts } = await infoOf(alice, chatId);
  return [alice, bob, carol].map(({ userId }) => unreadCounts[userId]);
}

/** The readers of each message, oldest first. */
async function readers(): Promise<string[][]> {
  const { messages } = (await history(alice, chatId, "?order=asc")).body.data;
  return messages.map(({ readBy }: { readBy: { userId: string }[] }) =>
    readBy.map(({ userId }) => userId),
  );
}

describe("PATCH /api/chat/:id/messages/read", () => {
  test.each([
    ["no body", undefined],
    ["an empty object", {}],
    ["no ids", { messageIds: [] }],
  ])("200 with %s marks all; a second time changes nothing", async (_, body) => {
    const mark = () => bob.patch(`${CHATS}/${chatId}/messages/read`, body);
    expect((await mark()).body).toStrictEqual({ success: true, data: { modifiedCount: 3 } });
    expect((await mark()).body.data.modifiedCount).toBe(0);
    expect(await unreadCounts()).toEqual([1, 0, 4]);
    expect(await entryOf(bob, chatId)).toMatchObject({ unreadCount: 0 });
  });

  test("200 with ids marks these messages, each once", async () => {
    expect(await modified(carol, [ids[2], ids[0], ids[2], ids[0]?.toUpperCase()])).toBe(2);
    expect(await unreadCounts()).toEqual([1, 3, 2]);
    expect(await modified(carol, [ids[0], ids[1]])).toBe(1);
    expect(await modified(carol)).toBe(1);
    expect(await unreadCounts()).toEqual([1, 3, 0]);
    expect(await entryOf(carol, chatId)).toMatchObject({ unreadCount: 0 });
  });

  test("200 with ids of the caller's own messages, deleted ones and announcements, which are not counted", async () => {
    await removeFrom(carol, chatId, carol.userId);
    await remove(alice, chatId, String(ids[1]));
    const { messages } = (await history(bob, chatId)).body.data;
    const all = messages.map((message: { _id: string }) => message._id);
    expect(all).toHaveLength(5);
    expect(await modified(bob, all)).toBe(2);
    expect(await readers()).toEqual([[bob.userId], [], [bob.userId], [], []]);
    expect((await unreadCounts()).slice(0, 2)).toEqual([1, 0]);
  });

  test("200 and marking all creates receipts only where marking one does", async () => {
    await removeFrom(carol, chatId, carol.userId);
    await remove(alice, chatId, String(ids[1]));
    expect(await modified(bob)).toBe(2);
    expect(await readers()).toEqual([[bob.userId], [], [bob.userId], [], []]);
  });

  test("200 and all participants see who read what and when, in that order", async () => {
    await modified(carol, [ids[0]]);
    await modified(bob);
    await modified(carol);
    expect(await readers()).toEqual([
      [carol.userId, bob.userId],
      [bob.userId, carol.userId],
      [bob.userId, carol.userId],
      [carol.userId],
    ]);
    const { messages } = (await history(carol, chatId, "?order=asc&limit=1")).body.data;
    const [first, second] = messages[0].readBy;
    expect(first.readAt).toMatch(ISO_TIME);
    expect(Date.parse(second.readAt)).toBeGreaterThanOrEqual(Date.parse(first.readAt));
  });

  test("200 and sockets receive an event", async () => {
    const socket = await openLive(alice, chatId);
    await modified(bob, [ids[1]]);
    const first = await socket.next("read");
    expect(first).toMatchObject({ userId: bob.userId, from: 2, to: 2 });
    await modified(bob);
    await socket.until(() => socket.all("read").length === 3);
    expect(socket.all("read").map(({ from, to }) => [from, to])).toEqual([
      [2, 2],
      [1, 1],
      [3, 4],
    ]);
  });

  test("200 for a new participant, for whom earlier messages are not unread", async () => {
    const dave = await person("dave");
    await addTo(alice, chatId, dave.userId);
    expect(await modified(dave)).toBe(0);
    await sent(bob, chatId, "e");
    expect(await modified(dave)).toBe(1);
  });

  test("200 and a message that is deleted after it was read is in no count", async () => {
    await modified(carol, [ids[1]]);
    await remove(alice, chatId, String(ids[1]));
    await remove(alice, chatId, String(ids[0]));
    expect(await unreadCounts()).toEqual([1, 1, 2]);
    expect(await modified(carol)).toBe(2);
  });

  test.each([
    [["no-id"], "messageIds.0"],
    ["all", "messageIds"],
    [Array(501).fill(NOBODYS), "messageIds"],
  ])("400 with an invalid body, case %#", async (messageIds, path) => {
    expectInvalid(await markRead(bob, chatId, messageIds), path);
  });

  test("400 with an id of another chat or an unknown one, and nothing is marked", async () => {
    const other = await directChat();
    const foreign = await sent(other.alice, other.chatId, "elsewhere");
    const never = `${chatId.slice(0, -10)}00000000ff`;
    for (const wrong of [foreign, never, FOREIGN, NOBODYS, chatId]) {
      const answer = await markRead(carol, chatId, [ids[0], wrong, ids[1]]);
      expectRefusal(answer, 400, "unknown_messages");
    }
    expect(await unreadCounts()).toEqual([1, 3, 4]);
    expect((await readers()).flat()).toEqual([]);
  });

  test("403 for users who are not participants, regardless of roles", async () => {
    for (const role of ["user", "support", "resolver", "admin"]) {
      const mallory = await person(role, { role });
      expectRefusal(await markRead(mallory, chatId), 403, "not_a_member");
      expectRefusal(await markRead(mallory, chatId, [ids[0]]), 403, "not_a_member");
    }
  });

  test("404 for an id that names no chat", async () => {
    for (const id of [NOBODYS, FOREIGN, "no-id"]) {
      expectRefusal(await markRead(bob, id), 404, "conversation_not_found");
    }
  });
});
