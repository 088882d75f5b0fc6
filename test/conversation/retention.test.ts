import { env } from "cloudflare:workers";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { RETAINING } from "../../src/conversation/decide/purge.ts";
import {
  countedBefore,
  uncountedAfter,
  uncountedAfterEach,
  uncountedAmong,
} from "../../src/conversation/tables/uncounted.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { inboxRows } from "../../src/directory/inbox-rows.ts";
import { messageIdOf, parseMessageId } from "../../src/domain/id.ts";
import { clientOf } from "../inbox/cuttable-client.ts";
import { Random } from "../random.ts";
import {
  channelOf,
  evict,
  fireAlarms,
  groupOf,
  open,
  openLive,
  person,
  send,
  unreadOf,
} from "../support.ts";
import { counting, tellInboxes } from "./counters.ts";
import { backToStep } from "./older-schema.ts";
import { age, purge, removeDue, retain } from "./retaining.ts";
import { within } from "./searching.ts";
import { seedMembers, seedMessages, seedReaders } from "./seeds.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const SEED = Number(
  process.env["VITE_RETENTION_SEED"] ?? crypto.getRandomValues(new Uint32Array(1))[0],
);

/** A group of two with `count` messages by the owner, whose texts are `text 1`, `text 2` and so on. */
async function groupWith(count: number) {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const group = await groupOf(alice, bob);
  const before = await within(group, ({ memory }) => memory.counters.lastNumber);
  for (let i = before + 1; i <= count; i++) await send(alice, group, `text ${i}.`);
  return { alice, bob, group, idOf: (number: number) => messageIdOf(group, number) };
}

const numbersIn = (messages: readonly { number: number }[]) => messages.map(({ number }) => number);
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe("counts of what is left", () => {
  test("of uncounted numbers and their blocks, wherever messages are gone up to", async () => {
    console.log(`VITE_RETENTION_SEED=${SEED}`);
    const random = new Random(SEED);
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const channel = await channelOf(alice, [bob]);
    const last = 1_500;
    await seedMessages(channel, last, alice.userId);
    const deleted = new Set(range(1, last).filter(() => random.chance(0.4)));
    for (let number = 500; number < 900; number++) deleted.add(number);
    await within(channel, ({ sql, memory }) => {
      const list = JSON.stringify([...deleted]);
      sql.exec(
        `UPDATE messages SET deleted_at = 1, content = '' WHERE number IN (SELECT value FROM json_each(?))`,
        list,
      );
      sql.exec("INSERT INTO uncounted SELECT value FROM json_each(?)", list);
      sql.exec(
        "UPDATE members SET read_beyond = 0, read_up_to = 1500 WHERE user_id = ?",
        alice.userId,
      );
      memory.members.clear();
    });
    let purgedTo = 0;
    while (purgedTo < last) {
      purgedTo = Math.min(last, purgedTo + random.pick([1, 7, 200, 255, 256, 257, 300]));
      await purge(channel, purgedTo);
      const left = [...deleted].filter((number) => number > purgedTo).sort((a, b) => a - b);
      const at = `seed ${SEED}, purged to ${purgedTo}`;
      await within(channel, ({ sql }) => {
        const wrong = sql.exec(
          `SELECT block FROM uncounted_blocks b WHERE count <>
             (SELECT count(*) FROM uncounted WHERE number / 256 = b.block)`,
        );
        expect(wrong.toArray(), at).toEqual([]);
        const asked = range(1, 12).map(() => purgedTo + random.below(last - purgedTo + 1));
        const after = uncountedAfterEach(sql, asked);
        for (const number of asked) {
          const behind = left.filter((one) => one > number).length;
          expect(uncountedAfter(sql, number), at).toBe(behind);
          expect(after.get(number), at).toBe(behind);
          const to = number + random.below(600);
          const among = left.filter((one) => one > number && one <= to).length;
          expect(uncountedAmong(sql, number + 1, to), at).toBe(among);
          const counted = range(1, number - 1).findLast(
            (one) => one > purgedTo && !deleted.has(one),
          );
          if (counted !== undefined) expect(countedBefore(sql, number), at).toBe(counted);
        }
      });
      const unread = last - purgedTo - left.length;
      expect(await unreadOf(bob, channel), at).toBe(unread);
    }
  });

  test("the newest message is a pinned one where all others are deleted or gone", async () => {
    const { alice, bob, group, idOf } = await groupWith(12);
    await alice.put(`/api/v1/chat/conversations/${group}/pins/${idOf(4)}`);
    await purge(group, 10);
    for (const number of [12, 11]) await alice.delete(`/api/v1/chat/messages/${idOf(number)}`);
    const { rows } = await inboxRows(directoryOf(env.DB), bob.userId, undefined);
    expect(rows[0]).toMatchObject({ unread: 0, lastMessage: { number: 4 } });
    expect(await within(group, ({ memory }) => memory.counters)).toMatchObject({
      ...{ counted: 1, lastCounted: 4, lastNumber: 12 },
    });
    await alice.delete(`/api/v1/chat/conversations/${group}/pins/${idOf(4)}`);
    await fireAlarms(group);
    await vi.waitFor(async () => {
      const { rows } = await inboxRows(directoryOf(env.DB), bob.userId, undefined);
      expect(rows[0]).toMatchObject({ unread: 0, lastMessage: null });
    });
    expect(await within(group, ({ memory }) => memory.counters.counted)).toBe(0);
  });

  test("a client that has not loaded all that was unread has the server's count", async () => {
    const { alice, bob, group } = await groupWith(0);
    // Sends have a limit: these are of before.
    await seedMessages(group, 150, alice.userId);
    await within(group, ({ sql }) => sql.exec("UPDATE messages SET created_at = ?", Date.now()));
    const { parley, cut } = clientOf(bob);
    const conversation = parley.conversation(group);
    onTestFinished(() => conversation.close());
    await conversation.connect().live();
    expect(conversation.messages.length).toBe(50);
    const expected = () => unreadOf(bob, group);
    for (const to of [30, 60, 99, 100, 101, 140]) {
      await purge(group, to);
      await vi.waitFor(async () => expect(conversation.unread, `${to}`).toBe(await expected()));
      expect(conversation.unread).toBe(150 - to);
      if (to === 60) cut();
    }
    expect(numbersIn(conversation.messages)).toEqual(range(141, 150));
  });
});

describe("history", () => {
  test("pages pass over what is gone, and end", async () => {
    const { alice, bob, group, idOf } = await groupWith(40);
    for (const number of [5, 9]) {
      await alice.put(`/api/v1/chat/conversations/${group}/pins/${idOf(number)}`);
    }
    await purge(group, 20);
    const page = async (page: number) => {
      const path = `/api/v1/chat/messages?conversationId=${group}&pageSize=8&page=${page}`;
      const { body } = await bob.get(path);
      const numbers = body.items.map(
        (one: { messageId: string }) => parseMessageId(one.messageId)?.number,
      );
      return [numbers, body.totalCount, body.totalPages];
    };
    expect(await page(1)).toEqual([range(33, 40).reverse(), 22, 3]);
    expect(await page(2)).toEqual([range(25, 32).reverse(), 22, 3]);
    expect(await page(3)).toEqual([[24, 23, 22, 21, 9, 5], 22, 3]);
    expect((await page(4))[0]).toEqual([]);
    // Also of an object that has no memory of them.
    await evict(group);
    expect(await page(3)).toEqual([[24, 23, 22, 21, 9, 5], 22, 3]);
    const socket = await openLive(bob, group);
    const ask = async (place: object) => {
      socket.send({ op: "history", id: "h", ...place });
      const { messages, more } = await socket.next("sync", ({ id }) => id === "h");
      return [numbersIn(messages), more];
    };
    expect(await ask({ before: idOf(23), limit: 3 })).toEqual([[9, 21, 22], true]);
    expect(await ask({ before: idOf(21), limit: 5 })).toEqual([[5, 9], false]);
    expect(await ask({ before: idOf(15), limit: 5 })).toEqual([[5, 9], false]);
    expect(await ask({ before: idOf(5), limit: 5 })).toEqual([[], false]);
    expect(await ask({ after: idOf(5), limit: 3 })).toEqual([[9, 21, 22], true]);
    expect(await ask({ after: idOf(12), limit: 2 })).toEqual([[21, 22], true]);
    expect(await ask({ around: idOf(9), limit: 4 })).toEqual([[5, 9, 21], false]);
    socket.send({ op: "history", id: "gone", around: idOf(10) });
    expect(await socket.next("error")).toMatchObject({ id: "gone", code: "message_not_found" });
  });

  test("the marketplace's pages, oldest first", async () => {
    const { alice, bob, group, idOf } = await groupWith(30);
    await alice.put(`/api/v1/chat/conversations/${group}/pins/${idOf(7)}`);
    await purge(group, 22);
    const { body } = await bob.get(`/api/chat/${group}/messages?order=asc&limit=5`);
    const numbers = body.data.messages.map(
      (one: { _id: string }) => parseMessageId(one._id)?.number,
    );
    expect(numbers).toEqual([7, 23, 24, 25, 26]);
  });

  test("a client loads older messages across what is gone", async () => {
    const { alice, bob, group, idOf } = await groupWith(0);
    await seedMessages(group, 90, alice.userId);
    for (const number of [3, 8]) {
      await alice.put(`/api/v1/chat/conversations/${group}/pins/${idOf(number)}`);
    }
    const conversation = clientOf(bob).parley.conversation(group);
    onTestFinished(() => conversation.close());
    await conversation.connect().live();
    await purge(group, 20);
    await vi.waitFor(() => expect(conversation.info?.purgedTo).toBe(20));
    expect(await conversation.loadOlder(15)).toBe(true);
    expect(await conversation.loadOlder(15)).toBe(false);
    expect(numbersIn(conversation.messages)).toEqual([3, 8, ...range(21, 90)]);
    await alice.delete(`/api/v1/chat/conversations/${group}/pins/${idOf(3)}`);
    await vi.waitFor(() => expect(numbersIn(conversation.messages)).toEqual([8, ...range(21, 90)]));
  });

  test("a client that was away drops what is gone, and learns of what is left", async () => {
    const { alice, bob, group, idOf } = await groupWith(12);
    const socket = await open(bob, group, "?since=3");
    const { messages } = await socket.next("sync");
    expect(numbersIn(messages).length).toBe(12);
    await alice.put(`/api/v1/chat/conversations/${group}/pins/${idOf(6)}`);
    await purge(group, 10);
    for (const since of [0, 3, 8]) {
      const later = await open(bob, group, `?since=${since}`);
      const sync = await later.next("sync");
      expect(sync, `${since}`).toMatchObject({ unread: 2, conversation: { purgedTo: 10 } });
      expect(numbersIn(sync.messages).sort((a, b) => a - b)).toEqual([6, 11, 12]);
    }
  });
});

test("an object of before retention is brought up to date, and forgets by its first commit", async () => {
  const { alice, bob, group } = await groupWith(12);
  await within(group, ({ sql }) => backToStep(sql, 13));
  await evict(group);
  expect(await unreadOf(bob, group)).toBe(12);
  await purge(group, 5);
  expect(await unreadOf(bob, group)).toBe(7);
  expect((await send(alice, group, "goes on")).status).toBe(201);
});

describe("costs", () => {
  test("a send writes as many rows with retention as without, and its alarm once more", async () => {
    const cost = async (days: number | null) => {
      const { alice, group } = await groupWith(3);
      if (days !== null) await retain(group, days);
      await tellInboxes(group);
      const sent = await counting(group, () => send(alice, group, "counted"));
      const checked = await counting(group, () => tellInboxes(group));
      return { sent, checked };
    };
    const [without, withRetention] = [await cost(null), await cost(30)];
    console.log("send without retention", without, "with", withRetention);
    expect(withRetention.sent.rowsWritten).toBe(without.sent.rowsWritten);
    expect(withRetention.sent.rowsRead).toBe(without.sent.rowsRead);
    expect(without.checked.alarms).toBe(0);
    expect(withRetention.checked.alarms).toBeLessThanOrEqual(2);
    expect(withRetention.checked.rowsWritten).toBe(without.checked.rowsWritten);
    expect(withRetention.checked.rowsRead).toBeLessThanOrEqual(without.checked.rowsRead + 8);
  });

  test.each([3, 5_000])("1,000 messages, of a channel with %i members more", async (size) => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const channel = await channelOf(alice, [bob]);
    await seedMembers(channel, size);
    await seedMessages(channel, 2_000, alice.userId);
    await retain(channel, 30_000);
    // 1,000 of them are older than that.
    await within(channel, ({ sql, memory }) => {
      sql.exec("UPDATE messages SET created_at = ? WHERE number > 1000", Date.now());
      memory.members.clear();
    });
    await fireAlarms(channel);
    const before = await within(channel, ({ memory }) => memory.conversation.purgedTo ?? 0);
    expect(before).toBe(0);
    await within(channel, ({ sql }) => {
      sql.exec("UPDATE messages SET created_at = number WHERE number <= 1000");
    });
    await retain(channel, 19_000);
    const counted = await counting(channel, async () => {
      expect(await removeDue(channel)).toBe(1_000);
    });
    console.log(`1,000 messages among ${size} members`, counted);
    expect(counted.rowsWritten).toBeLessThanOrEqual(1_000 + 40);
    expect(counted.rowsRead).toBeLessThanOrEqual(4 * 1_000 + 6 * size + 600);
    expect(await unreadOf(bob, channel)).toBe(1_000);
  });

  test("read marks of what is gone go with it, in parts", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const channel = await channelOf(alice, [bob]);
    await seedMembers(channel, 2_500);
    await seedMessages(channel, 10, alice.userId);
    await seedReaders(channel, 2_500);
    await retain(channel, 1);
    await removeDue(channel);
    const left = await within(channel, ({ sql }) =>
      sql.exec<{ left: number }>("SELECT count(*) AS left FROM reads").one(),
    );
    expect(left).toEqual({ left: 0 });
  });
});

describe("members", () => {
  test("more than one commit may adjust are adjusted in several, and lose nothing", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const channel = await channelOf(alice, [bob]);
    await seedMembers(channel, 1_200);
    await seedMessages(channel, 40, alice.userId);
    // Each of them has read the messages 5 and 30.
    await within(channel, ({ sql, memory }) => {
      for (const [index, number] of [5, 30].entries()) {
        sql.exec(
          `INSERT INTO reads (rev, user_id, from_number, to_number, read_at, ahead)
           SELECT ?1 + row_number() OVER (), user_id, ?2, ?2, 0, 1 FROM members WHERE user_id LIKE 'seed-%'`,
          ...[100_000 * (index + 1), number],
        );
      }
      sql.exec("UPDATE members SET read_beyond = 2 WHERE user_id LIKE 'seed-%'");
      sql.exec("UPDATE counters SET rev = 300000, projected_rev = 300000");
      memory.members.clear();
    });
    await evict(channel);
    const commits = await within(channel, async (open) => {
      const revisions = new Set<number>();
      for (let i = 0; i < 4; i++) {
        const [result] = await open.submitAll(RETAINING, [{ type: "purge", upTo: 20 }]);
        if (result?.ok) revisions.add(result.value.rev);
      }
      return revisions.size;
    });
    expect(commits).toBe(3);
    const rows = await within(channel, ({ sql }) =>
      sql
        .exec("SELECT DISTINCT read_up_to, read_beyond FROM members WHERE user_id LIKE 'seed-%'")
        .toArray(),
    );
    expect(rows).toEqual([{ read_up_to: 20, read_beyond: 1 }]);
  });
});

test("retention goes on by the alarm: what becomes due later, and what is unpinned", async () => {
  const { alice, group, idOf } = await groupWith(8);
  await alice.put(`/api/v1/chat/conversations/${group}/pins/${idOf(2)}`);
  await retain(group, 1);
  await age(group, 5);
  await within(group, ({ retention }) => retention.check());
  await fireAlarms(group);
  const numbers = () =>
    within(group, ({ sql }) =>
      numbersIn(sql.exec<{ number: number }>("SELECT number FROM messages ORDER BY 1").toArray()),
    );
  expect(await numbers()).toEqual([2, 6, 7, 8]);
  await alice.delete(`/api/v1/chat/conversations/${group}/pins/${idOf(2)}`);
  await fireAlarms(group);
  expect(await numbers()).toEqual([6, 7, 8]);
  const alarm = await within(group, (_, storage) => storage.getAlarm());
  expect(alarm).toBeGreaterThan(Date.now() + 20 * 60 * 60_000);
});
