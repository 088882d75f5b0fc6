import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MAX_BLOCKS } from "../../src/domain/block.ts";
import { Random } from "../random.ts";
import { BLOCKS, block, blocksIn, outcomeOf, pair, unblock } from "../rest/blocked.ts";
import { type Caller, directPair, groupOf, person } from "../support.ts";
import { blockedInD1, restartInbox, throughCalls, untilEverywhere } from "./blocking.ts";
import { inboxOf } from "./replica.ts";
import { evictInbox, rowsOf, stopClock, usedBy } from "./watching.ts";

/** A user's inbox as the writer of their blocks: durable, bounded, in order. */

beforeEach(() => stopClock());
afterEach(() => {
  vi.restoreAllMocks();
});

/** Whether an answer says that something is not everywhere yet. */
const put = async (caller: Caller, other: Caller) => {
  const { status, headers } = await caller.put(BLOCKS, { userId: other.userId });
  expect(status).toBe(204);
  return headers.get("Warning");
};

const quiet = () => vi.spyOn(console, "log").mockReturnValue(undefined);

describe("a block that was accepted gets everywhere", () => {
  test("although D1 cannot be written and the inbox ends", async () => {
    const { alice, bob, conversationId } = await directPair();
    quiet();
    const failing = vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1_ERROR: down"));
    expect(await put(alice, bob)).toMatch(/^199 /);
    expect((await alice.get(BLOCKS)).body.items).toMatchObject([{ userId: bob.userId }]);
    await restartInbox(alice);
    failing.mockRestore();
    expect(await blocksIn(conversationId)).toEqual([]);
    await untilEverywhere(alice);
    expect(await blocksIn(conversationId)).toEqual([pair(alice, bob)]);
    expect(await blockedInD1(alice)).toEqual([bob.userId]);
  });

  test("although the inbox ends while D1 is written: D1 comes first", async () => {
    const { alice, bob, conversationId } = await directPair();
    const stuck = vi.spyOn(env.DB, "batch").mockReturnValue(new Promise(() => undefined));
    const answer = alice.put(BLOCKS, { userId: bob.userId }).catch(() => undefined);
    await vi.waitFor(() => expect(stuck).toHaveBeenCalled());
    expect(await blocksIn(conversationId)).toEqual([]);
    await restartInbox(alice);
    await answer;
    stuck.mockRestore();
    await untilEverywhere(alice);
    expect(await blocksIn(conversationId)).toEqual([pair(alice, bob)]);
  });

  test("although conversations cannot be reached: the others have it at once, those when they can", async () => {
    const { alice, bob, conversationId } = await directPair();
    const carol = await person("carol");
    const [down, up] = [await groupOf(alice, bob, carol), await groupOf(alice, bob, carol)];
    const away = new Set([down, conversationId]);
    quiet();
    const calls = await throughCalls(async (id) => {
      if (away.has(id)) throw new Error("not there");
    });
    expect(await put(alice, bob)).toMatch(/^199 /);
    expect(await blocksIn(up)).toEqual([pair(alice, bob)]);
    expect([await blocksIn(down), await blocksIn(conversationId)]).toEqual([[], []]);
    // Neither repeated before its time, nor what was done again.
    expect(calls.called).toHaveLength(3);
    await evictInbox(alice);
    away.delete(conversationId);
    await vi.waitFor(async () => {
      const [row] = await rowsOf(alice, "blocks");
      expect(JSON.parse(String(row?.["progress"]))).toMatchObject({ stage: "unreached" });
    });
    away.delete(down);
    await untilEverywhere(alice);
    expect(await blocksIn(down)).toEqual([pair(alice, bob)]);
    expect(await blocksIn(conversationId)).toEqual([pair(alice, bob)]);
    expect(calls.called.filter((id) => id === up)).toHaveLength(1);
  });

  test("while conversations do not answer: D1 has it, and the caller is answered after some seconds", async () => {
    const { alice, bob } = await directPair();
    const held = Promise.withResolvers<void>();
    await throughCalls(() => held.promise);
    const before = performance.now();
    expect(await put(alice, bob)).toMatch(/^199 /);
    expect(performance.now() - before).toBeLessThan(6_000);
    expect(await blockedInD1(alice)).toEqual([bob.userId]);
    held.resolve();
    await untilEverywhere(alice);
  });

  test("in pages, with twenty calls at a time, each conversation once", async () => {
    const [alice, bob] = [await person("alice"), await person("bob")];
    const ids = Array.from({ length: 230 }, () => crypto.randomUUID()).sort();
    const rows = JSON.stringify(
      [alice, bob].flatMap(({ userId }) => ids.map((id) => [userId, id])),
    );
    await env.DB.prepare(
      `INSERT INTO members (user_id, conversation_id, role, joined_at, archived, read_up_to, read_beyond, epoch, rev)
       SELECT value ->> 0, value ->> 1, 'member', 0, 0, 0, 0, '', 1 FROM json_each(?)`,
    )
      .bind(rows)
      .run();
    const held = Promise.withResolvers<void>();
    const calls = await throughCalls(() => held.promise);
    expect(await put(alice, bob)).toMatch(/^199 /);
    expect(calls.called).toHaveLength(20);
    held.resolve();
    await untilEverywhere(alice);
    expect([...calls.called].sort()).toEqual(ids);
    expect(calls.most).toBe(20);
  });
});

describe("changes of one block", () => {
  test("a block that is lifted while it is on its way does not stay anywhere", async () => {
    const { alice, bob, conversationId } = await directPair();
    const group = await groupOf(alice, bob, await person());
    const [held, called] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await throughCalls((id) => {
      if (id !== group) return undefined;
      called.resolve();
      return held.promise;
    });
    const blocking = alice.put(BLOCKS, { userId: bob.userId });
    await called.promise;
    const lifting = alice.delete(BLOCKS, { userId: bob.userId });
    await vi.waitFor(async () => expect(await blockedInD1(alice)).toEqual([]));
    held.resolve();
    expect([(await blocking).status, (await lifting).status]).toEqual([204, 204]);
    await untilEverywhere(alice);
    expect([await blocksIn(conversationId), await blocksIn(group)]).toEqual([[], []]);
    expect(await rowsOf(alice, "blocks")).toEqual([]);
  });

  test("versions rise, also over a restart, and when the clock is set back", async () => {
    const { alice, bob } = await directPair();
    const versions: number[] = [];
    for (let i = 0; i < 3; i++) {
      await block(alice, bob);
      versions.push(Number((await rowsOf(alice, "blocks"))[0]?.["version"]));
      await evictInbox(alice);
      vi.setSystemTime(Date.now() - 60_000);
      await unblock(alice, bob);
    }
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  });

  test("whatever fails and ends meanwhile, D1 and all conversations have the last state", async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = new Random(seed);
    const everybody = await Promise.all([person("a"), person("b"), person("c"), person("d")]);
    const [a, b, c, d] = everybody;
    const groups = [await groupOf(a, b, c, d), await groupOf(b, c, d), await groupOf(d, a, b)];
    const members = [[a, b, c, d], [b, c, d], [d, a, b]]; // biome-ignore format: as it is
    quiet();
    const batch = env.DB.batch.bind(env.DB);
    let isFailing = true;
    vi.spyOn(env.DB, "batch").mockImplementation(async (statements) => {
      const kind = isFailing ? random.below(4) : 3;
      if (kind === 0) throw new Error("D1_ERROR: before");
      const results = await batch<never>(statements);
      if (kind === 1) throw new Error("D1_ERROR: after");
      return results;
    });
    await throughCalls(async () => {
      if (isFailing && random.chance(0.3)) throw new Error("not there");
    });
    const expected = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const one = random.pick(everybody);
      const other = random.pick(everybody.filter((caller) => caller !== one));
      const isBlock = random.chance(0.6);
      if (random.chance(0.2)) await restartInbox(one);
      const set = await inboxOf(one).setBlock(other.userId, isBlock);
      expect(set.ok, `seed ${seed}`).toBe(true);
      if (isBlock) expected.add(pair(one, other));
      else expected.delete(pair(one, other));
    }
    isFailing = false;
    for (const one of everybody) await untilEverywhere(one);
    for (const [index, group] of groups.entries()) {
      const ids = new Set((members[index] ?? []).map(({ userId }) => userId));
      const within = [...expected].filter((text) => text.split(" ").every((id) => ids.has(id)));
      expect(await blocksIn(group), `seed ${seed}`).toEqual(within.sort());
    }
    for (const one of everybody) {
      const own = [...expected].filter((text) => text.startsWith(`${one.userId} `));
      const blocked = own.map((text) => text.split(" ")[1]).sort();
      expect(await blockedInD1(one), `seed ${seed}`).toEqual(blocked);
      const listed = (await one.get(BLOCKS)).body.items.map(
        ({ userId }: { userId: string }) => userId,
      );
      expect(listed.sort(), `seed ${seed}`).toEqual(blocked);
    }
  });
});

describe("bounds", () => {
  test("1,000 people; one more is refused until another is unblocked", async () => {
    const { alice, bob } = await directPair();
    const carol = await person("carol");
    await block(alice, carol);
    await runInDurableObject(inboxOf(alice), (_, { storage: { sql } }) => {
      for (let i = 1; i < MAX_BLOCKS; i++) {
        sql.exec("INSERT INTO blocks VALUES (?, 1, ?, 0, NULL)", `somebody ${i}`, i);
      }
    });
    await evictInbox(alice);
    const answer = await alice.put(BLOCKS, { userId: bob.userId });
    expect(outcomeOf(answer)).toEqual([400, "too_many_blocks"]);
    // What holds already is no change.
    await block(alice, carol);
    expect((await alice.get(BLOCKS)).body.items).toHaveLength(MAX_BLOCKS);
    await unblock(alice, carol);
    await block(alice, bob);
  });

  test("100 changes at once, and one in two seconds", async () => {
    const [alice, bob] = [await person("alice"), await person("bob")];
    for (let i = 0; i < 50; i++) {
      await inboxOf(alice).setBlock(bob.userId, true);
      await inboxOf(alice).setBlock(bob.userId, false);
    }
    const answer = await alice.put(BLOCKS, { userId: bob.userId });
    expect(outcomeOf(answer)).toEqual([429, "rate_limited"]);
    expect(answer.body.limit).toBe("block_changes");
    expect(answer.headers.get("Retry-After")).toBe("2");
    vi.setSystemTime(Date.now() + 2_000);
    await block(alice, bob);
  });

  test("what a change costs: rows of the inbox, calls", async () => {
    const { alice, bob } = await directPair();
    await groupOf(alice, bob, await person());
    await block(alice, await person());
    const calls = await throughCalls();
    const blocking = await usedBy(alice, () => block(alice, bob));
    const lifting = await usedBy(alice, () => unblock(alice, bob));
    expect([blocking.rowsWritten, lifting.rowsWritten]).toEqual([4, 4]);
    expect(calls.called).toHaveLength(4);
    const repeated = await usedBy(alice, () => unblock(alice, bob));
    expect([repeated.rowsWritten, repeated.alarms]).toEqual([0, 0]);
  });
});
