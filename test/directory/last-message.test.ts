import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  archive,
  chatsOf,
  edit,
  groupChat,
  infoOf,
  markRead,
  remove,
  removeFrom,
  send,
  sent,
  statsOf,
} from "../rest/marketplace/chats.ts";
import { type Caller, fireAlarms, objectOf, openLive } from "../support.ts";

let alice: Caller;
let bob: Caller;
let carol: Caller;
let chatId: string;

beforeEach(async () => {
  ({ alice, bob, carol, chatId } = await groupChat());
});
afterEach(() => void vi.restoreAllMocks());

/** The content of the last message in a user's list; null for none. */
async function lastOf(caller: Caller): Promise<string | null> {
  const [chat] = await chatsOf(caller);
  return chat.lastMessage?.content ?? null;
}

/** A user's unread count in the list, the stats and the chat itself, which must agree. */
async function unreadOf(caller: Caller): Promise<number> {
  const [[{ unreadCount }], { totalUnread }, info] = await Promise.all([
    chatsOf(caller),
    statsOf(caller),
    infoOf(caller, chatId),
  ]);
  expect({ unreadCount, totalUnread }).toEqual({
    unreadCount: info.unreadCount,
    totalUnread: info.unreadCount,
  });
  return unreadCount;
}

test("the last message shows its edit", async () => {
  const messageId = await sent(alice, chatId, "as sent");
  await edit(alice, chatId, messageId, "as edited");
  for (const caller of [alice, bob]) {
    expect(await lastOf(caller)).toBe("as edited");
    const [chat] = await chatsOf(caller);
    expect(chat.lastMessage.editedAt).not.toBeNull();
    expect(chat.updatedAt).toBe(chat.lastMessage.createdAt);
  }
});

test("an edit or a deletion of an older message does not change the last one", async () => {
  const old = await sent(alice, chatId, "old");
  const older = await sent(alice, chatId, "older");
  await send(bob, chatId, "last");
  await edit(alice, chatId, old, "edited");
  await remove(alice, chatId, older);
  expect(await lastOf(carol)).toBe("last");
});

test("after a deletion the previous message is the last one, or none", async () => {
  const one = await sent(alice, chatId, "one");
  const two = await sent(bob, chatId, "two");
  await remove(alice, chatId, await sent(alice, chatId, "deleted before"));
  await removeFrom(carol, chatId, carol.userId);
  const three = await sent(alice, chatId, "three");
  await edit(bob, chatId, two, "two, edited");
  expect(await lastOf(bob)).toBe("three");
  await remove(alice, chatId, three);
  expect(await lastOf(bob)).toBe("two, edited");
  await remove(bob, chatId, two);
  expect(await lastOf(bob)).toBe("one");
  await remove(alice, chatId, one);
  const [chat] = await chatsOf(bob);
  expect(chat.lastMessage).toBeNull();
  expect(chat.updatedAt).toBe(chat.createdAt);
});

test("unread totals are right after deletions of messages read in order, out of order, or not at all", async () => {
  const ids = [];
  for (const content of ["a", "b", "c", "d"]) ids.push(await sent(alice, chatId, content));
  const [a, b, c, d] = ids.map(String);
  await markRead(bob, chatId, [a]);
  await markRead(bob, chatId, [c]);
  expect([await unreadOf(bob), await unreadOf(carol)]).toEqual([2, 4]);
  await remove(alice, chatId, String(a));
  expect([await unreadOf(bob), await unreadOf(carol)]).toEqual([2, 3]);
  await remove(alice, chatId, String(c));
  expect([await unreadOf(bob), await unreadOf(carol)]).toEqual([2, 2]);
  await remove(alice, chatId, String(b));
  expect([await unreadOf(bob), await unreadOf(carol)]).toEqual([1, 1]);
  await remove(alice, chatId, String(d));
  expect([await unreadOf(bob), await unreadOf(carol), await unreadOf(alice)]).toEqual([0, 0, 0]);
});

test("unread totals are right after a user deletes their own message above unread ones", async () => {
  await send(alice, chatId, "unread");
  const own = await sent(bob, chatId, "mine");
  expect(await unreadOf(bob)).toBe(1);
  await remove(bob, chatId, own);
  expect(await unreadOf(bob)).toBe(1);
});

test("unread totals are right when a message is marked again after an earlier one was deleted", async () => {
  const first = await sent(alice, chatId, "first");
  const second = await sent(alice, chatId, "second");
  await markRead(bob, chatId, [second]);
  await remove(alice, chatId, first);
  await markRead(bob, chatId, [second]);
  expect(await unreadOf(bob)).toBe(0);
  await remove(alice, chatId, second);
  expect(await unreadOf(bob)).toBe(0);
});

test("edits and deletions over a socket appear in the lists", async () => {
  const edited = await sent(alice, chatId, "as sent");
  const deleted = await sent(alice, chatId, "to be deleted");
  const socket = await openLive(alice, chatId);
  socket.send({ op: "edit", id: 1, messageId: edited, content: "as edited" });
  socket.send({ op: "delete", id: 2, messageId: deleted });
  await socket.next("ack", ({ id }) => id === 2);
  // Waits until the lists show this message, and everything before it.
  await archive(carol, chatId);
  expect(await lastOf(bob)).toBe("as edited");
  expect(await unreadOf(bob)).toBe(1);
});

test("edits, deletions and read marks during a D1 outage are projected by the alarms after it", async () => {
  const edited = await sent(alice, chatId, "as sent");
  const deleted = await sent(alice, chatId, "to be deleted");
  await markRead(carol, chatId, [deleted]);
  vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1_ERROR: out of order"));
  await edit(alice, chatId, edited, "as edited");
  await remove(alice, chatId, deleted);
  await markRead(carol, chatId);
  expect(await lastOf(bob)).toBe("to be deleted");
  vi.restoreAllMocks();
  await fireAlarms(chatId);
  expect(await lastOf(bob)).toBe("as edited");
  expect([await unreadOf(bob), await unreadOf(carol)]).toEqual([1, 0]);
});

test("projecting everything again changes nothing", async () => {
  const ids = [];
  for (const content of ["a", "b", "c"]) ids.push(String(await sent(alice, chatId, content)));
  await markRead(bob, chatId, [ids[1]]);
  await remove(alice, chatId, String(ids[2]));
  await removeFrom(alice, chatId, carol.userId);
  const before = [await chatsOf(alice), await chatsOf(bob), await chatsOf(carol)];
  await runInDurableObject(objectOf(chatId), (_, { storage }) => {
    storage.sql.exec("UPDATE counters SET projected_rev = 0");
  });
  await evictDurableObject(objectOf(chatId));
  await archive(alice, chatId);
  await archive(alice, chatId);
  expect([await chatsOf(alice), await chatsOf(bob), await chatsOf(carol)]).toEqual(before);
  expect(await unreadOf(bob)).toBe(1);
});
