import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { migrate } from "../../src/conversation/tables/schema.ts";
import {
  countedBefore,
  insertUncounted,
  uncountedAfter,
  uncountedAfterEach,
  uncountedAmong,
} from "../../src/conversation/tables/uncounted.ts";
import { erase } from "../rest/unihub/client.ts";
import { channelOf, directPair, groupOf, objectOf, person, send, unreadOf } from "../support.ts";
import { counting } from "./counters.ts";
import { backToStep } from "./older-schema.ts";
import { seedMembers, seedMessages, seedUncounted } from "./seeds.ts";

describe("counting by blocks has the same result as counting one by one", () => {
  /** Numbers often near the edges of blocks, and runs that fill whole blocks. */
  const edge = fc
    .nat(6)
    .chain((block) => fc.integer({ min: -2, max: 2 }).map((d) => block * 256 + d));
  const number = fc.oneof(edge, fc.nat(1_700)).map((n) => Math.max(1, n));
  const run = fc.tuple(number, fc.nat(600));
  const numbers = fc.array(
    fc.oneof(
      number.map((n) => [n, 0] as const),
      run,
    ),
    { maxLength: 12 },
  );

  test("for random deletions and queries", async () => {
    const { conversationId } = await directPair();
    await runInDurableObject(objectOf(conversationId), (_, { storage }) => {
      const { sql } = storage;
      const property = fc.property(numbers, fc.array(number, { maxLength: 8 }), (runs, asked) => {
        sql.exec("DELETE FROM uncounted");
        sql.exec("DELETE FROM uncounted_blocks");
        const gone = new Set<number>();
        for (const [from, length] of runs) {
          for (let n = from; n <= from + length; n++) gone.add(n);
        }
        for (const n of gone) insertUncounted(sql, n);
        for (const n of [...gone].slice(0, 3)) insertUncounted(sql, n);
        const count = (from: number, to = Number.POSITIVE_INFINITY) =>
          [...gone].filter((n) => n >= from && n <= to).length;
        const each = uncountedAfterEach(sql, [...asked, ...asked, 0]);
        expect(each.size).toBe(new Set([...asked, 0]).size);
        for (const [n, after] of each) expect(after).toBe(count(n + 1));
        for (const from of asked) {
          expect(uncountedAfter(sql, from)).toBe(count(from + 1));
          for (const to of asked) expect(uncountedAmong(sql, from, to)).toBe(count(from, to));
          let before = from - 1;
          while (gone.has(before)) before--;
          expect(countedBefore(sql, from)).toBe(before);
        }
      });
      fc.assert(property, { numRuns: 60 });
    });
  });
});

/** This many messages, of which all but the last were deleted. */
async function deletedHistory(deleted: number) {
  const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
  const group = await groupOf(alice, bob, carol);
  await seedMessages(group, deleted, alice.userId);
  await seedUncounted(group, deleted);
  await send(alice, group, "the last");
  return { alice, bob, group };
}

describe("100,000 deleted messages", () => {
  test("/info of 1,000 members reads each of them once", async () => {
    const { alice, group } = await deletedHistory(100_000);
    await seedMembers(group, 997);
    // At different positions, spread over the whole history.
    await runInDurableObject(objectOf(group), (_, { storage }) => {
      storage.sql.exec(
        "UPDATE members SET read_up_to = 100 * rowid FROM (SELECT user_id AS u, row_number() OVER () AS rowid FROM members) WHERE u = user_id AND user_id LIKE 'seed-%'",
      );
    });
    await evictDurableObject(objectOf(group));
    const info = () => alice.get(`/api/chat/${group}/info`);
    const { rowsRead } = await counting(group, async () => {
      const { unreadCounts } = (await info()).body.data.chat;
      expect(Object.keys(unreadCounts)).toHaveLength(1_000);
      const { [alice.userId]: own, ...others } = unreadCounts;
      expect(own).toBe(0);
      expect(new Set(Object.values(others))).toEqual(new Set([1]));
    });
    // Each deletion once, and each member's reads; 100 million before blocks.
    expect(rowsRead).toBeLessThanOrEqual(100_000 + 400 + 10 * 1_000);
  });

  test("a member's greeting and a read mark read one row for 256 deleted messages", async () => {
    const { bob, group } = await deletedHistory(100_000);
    const hello = await counting(group, async () => expect(await unreadOf(bob, group)).toBe(1));
    expect(hello.rowsRead).toBeLessThanOrEqual(100_000 / 256 + 256 + 120);
    const mark = await counting(group, async () => {
      const { body } = await bob.patch(`/api/chat/${group}/messages/read`);
      expect(body.data.modifiedCount).toBe(1);
    });
    expect(mark.rowsRead).toBeLessThanOrEqual(100_000 / 256 + 512 + 40);
    expect(await unreadOf(bob, group)).toBe(0);
  });

  test("deleting the newest message finds the previous one in as few rows", async () => {
    const { alice, group } = await deletedHistory(100_000);
    const { body } = await send(alice, group, "one more");
    const [first, second] = [body.messageId, `${group.slice(0, -5)}186a1`];
    for (const id of [first, second]) {
      const { rowsRead } = await counting(group, async () => {
        expect((await erase(alice, group, id)).status).toBe(200);
      });
      // Once for the previous message, and once for the unread count in the inboxes' rows.
      expect(rowsRead).toBeLessThanOrEqual(2 * (100_000 / 256) + 512 + 60);
    }
    expect((await alice.get(`/api/chat/${group}/info`)).body.data.chat.lastMessage).toBeNull();
  });
});

test("the tables of an older object are migrated, including its deleted messages", async () => {
  const [owner, member] = await Promise.all([person("owner"), person("member")]);
  const id = await channelOf(owner, [member]);
  await seedMessages(id, 5_000, owner.userId);
  await runInDurableObject(objectOf(id), (_, { storage }) => {
    const { sql } = storage;
    // Back to the state after step 3, with 2,500 deleted messages.
    backToStep(sql, 3);
    sql.exec("UPDATE messages SET deleted_at = 1, content = '' WHERE number % 2 = 0");
    sql.exec("INSERT INTO uncounted SELECT number FROM messages WHERE deleted_at IS NOT NULL");
  });
  const { rowsRead, rowsWritten } = await counting(id, async () => {
    await runInDurableObject(objectOf(id), (_, { storage }) =>
      storage.transactionSync(() => migrate(storage.sql)),
    );
  });
  // Proportional to the deleted messages, not to all messages.
  expect(rowsRead).toBeLessThan(2 * 2_500 + 200);
  expect(rowsWritten).toBeLessThan(100);
  await evictDurableObject(objectOf(id));
  expect(await unreadOf(member, id)).toBe(2_500);
  expect((await send(owner, id, "goes on")).status).toBe(201);
  expect(await unreadOf(member, id)).toBe(2_501);
  await runInDurableObject(objectOf(id), (_, { storage }) => {
    const wrong = storage.sql.exec(
      `SELECT block FROM uncounted_blocks b WHERE count <>
         (SELECT count(*) FROM uncounted WHERE number / 256 = b.block)`,
    );
    expect(wrong.toArray()).toEqual([]);
  });
});

test("rows written by the previous version, which has no blocks, are counted", async () => {
  const [owner, member] = await Promise.all([person("owner"), person("member")]);
  const id = await channelOf(owner, [member]);
  await seedMessages(id, 600, owner.userId);
  await runInDurableObject(objectOf(id), (_, { storage }) => {
    // After a rollback, or during a gradual deployment.
    for (const number of [1, 255, 256, 300, 300, 512]) {
      storage.sql.exec("INSERT OR IGNORE INTO uncounted (number) VALUES (?)", number);
    }
    expect(uncountedAfter(storage.sql, 0)).toBe(5);
  });
  expect(await unreadOf(member, id)).toBe(595);
});
