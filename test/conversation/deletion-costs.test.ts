import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { PREVIEWED_MEMBERS } from "../../src/domain/inbox.ts";
import {
  groupChat,
  history,
  infoOf,
  markRead,
  remove,
  send,
  sent,
} from "../rest/marketplace/chats.ts";
import { type Caller, objectOf, openLive } from "../support.ts";
import { counting } from "./counters.ts";

/** A group in which all members have read, in order, the three messages by alice. */
async function groupOf(size: number) {
  const { alice, bob, carol, chatId } = await groupChat();
  const ids: string[] = [];
  for (const content of ["a", "b", "c"]) ids.push(await sent(alice, chatId, content));
  await markRead(bob, chatId);
  await markRead(carol, chatId);
  const [, messageId] = ids;
  if (!messageId) throw new Error("three messages");
  await join(chatId, size - 3);
  return { alice, bob, chatId, messageId };
}

/** Adds this many members who have read all three messages, and projects everything to D1. */
async function join(chatId: string, count: number): Promise<void> {
  await runInDurableObject(objectOf(chatId), (_, { storage }) => {
    storage.sql.exec(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?)
       INSERT INTO members (user_id, role, joined_at, archived, read_up_to, read_beyond, rev)
       SELECT 'member-' || i, 'member', 0, 0, 3, 0, 100 FROM n`,
      count,
    );
    storage.sql.exec(
      `INSERT INTO reads (rev, user_id, from_number, to_number, read_at, ahead)
       SELECT 100 + row_number() OVER (), user_id, 1, 3, 0, 0 FROM members WHERE rev = 100`,
    );
    storage.sql.exec(
      "UPDATE counters SET rev = ?1, projected_rev = ?1, member_count = member_count + ?2",
      100 + count,
      count,
    );
  });
  await evictDurableObject(objectOf(chatId));
}

type Group = Awaited<ReturnType<typeof groupOf>>;

/** The cost of a deletion in a group of three and in one of 10,000. */
async function costs(deletion: (group: Group, caller: Caller) => Promise<() => Promise<unknown>>) {
  const costs = [];
  for (const size of [3, 10_000]) {
    const group = await groupOf(size);
    const action = await deletion(group, group.alice);
    // Excludes the cost of waking up.
    await history(group.bob, group.chatId);
    const { rowsRead, rowsWritten, d1RowsWritten } = await counting(group.chatId, action);
    const [, message] = (await history(group.bob, group.chatId)).body.data.messages;
    expect(message).toMatchObject({ _id: group.messageId, content: "" });
    costs.push({ rowsRead, rowsWritten, d1RowsWritten });
  }
  const [small, large] = costs;
  if (!small || !large) throw new Error("two sizes");
  expect(small.rowsRead).toBeGreaterThan(0);
  expect(small.rowsWritten).toBeGreaterThan(0);
  return { small, large };
}

test("deleting a message that 10,000 have read costs the same as with two readers: over a socket", async () => {
  const { small, large } = await costs(async ({ chatId, messageId }, caller) => {
    const socket = await openLive(caller, chatId);
    return () => {
      socket.send({ op: "delete", id: "d", messageId });
      return socket.next("ack");
    };
  });
  expect(large.rowsRead).toBeLessThanOrEqual(small.rowsRead + PREVIEWED_MEMBERS);
  expect(large.rowsWritten).toBe(small.rowsWritten);
});

test("deleting a message that 10,000 have read costs the same as with two readers: over REST", async () => {
  const { small, large } = await costs(
    async ({ chatId, messageId }, caller) =>
      () =>
        remove(caller, chatId, messageId),
  );
  const { rowsRead, ...written } = large;
  expect(written).toEqual({ rowsWritten: small.rowsWritten, d1RowsWritten: small.d1RowsWritten });
  expect(rowsRead).toBeLessThanOrEqual(small.rowsRead + PREVIEWED_MEMBERS);
});

test("the read positions of 10,000 are unchanged after the deletion", async () => {
  const { alice, chatId, messageId } = await groupOf(10_000);
  await remove(alice, chatId, messageId);
  const { unreadCounts } = await infoOf(alice, chatId);
  expect(new Set(Object.values(unreadCounts))).toEqual(new Set([0]));
});

test("sending costs no more in a group of 10,000 than in one of three: over REST", async () => {
  const rowsRead = [];
  for (const size of [3, 10_000]) {
    const { bob, chatId } = await groupOf(size);
    await send(bob, chatId, "before");
    rowsRead.push((await counting(chatId, () => send(bob, chatId, "counted"))).rowsRead);
  }
  const [small, large] = rowsRead;
  expect(small).toBeGreaterThan(0);
  expect(large).toBeLessThanOrEqual(Number(small) + PREVIEWED_MEMBERS);
});
