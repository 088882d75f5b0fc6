import { env } from "cloudflare:workers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  type BlockChange,
  blockedBy,
  blockedEitherWay,
  blocksAmong,
  deleteOldLiftedBlocks,
  sharedConversations,
  writeBlocks,
} from "../../src/directory/blocks.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import type { Block } from "../../src/domain/block.ts";
import { Random } from "../random.ts";
import { channelOf, groupOf, person, someone } from "../support.ts";

const directory = directoryOf(env.DB);
const change = (blockedId: string, version: number, blocked = true): BlockChange => ({
  ...{ blockedId, blocked, version },
  at: version * 1_000,
});

function shuffled<Item>(random: Random, items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

describe("changes of a user's blocks", () => {
  test("written in any order, together or apart, repeatedly: the newest about each person holds", async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = new Random(seed);
    for (let round = 0; round < 20; round++) {
      const [user, others] = [someone("user"), Array.from({ length: 4 }, () => someone("other"))];
      const all = Array.from({ length: 15 }, (_, i) =>
        change(random.pick(others), i + 1, random.below(2) === 0),
      );
      const newest = new Map(all.map((one) => [one.blockedId, one]));
      const order = shuffled(random, [...all, ...all.slice(0, 5)]);
      while (order.length > 0) {
        await writeBlocks(directory, user, order.splice(0, 1 + random.below(3)));
      }
      const holding = new Set(
        [...newest.values()].filter(({ blocked }) => blocked).map(({ blockedId }) => blockedId),
      );
      expect(await blockedBy(directory, user), `seed ${seed}`).toEqual(holding);
      expect(await blockedEitherWay(directory, user, others)).toEqual(holding);
      for (const other of others) {
        const either = await blockedEitherWay(directory, other, [user]);
        expect(either.size).toBe(holding.has(other) ? 1 : 0);
      }
    }
  });

  test("an older block that comes late does not hold again", async () => {
    const [user, other] = [someone(), someone()];
    await writeBlocks(directory, user, [change(other, 2, false)]);
    await writeBlocks(directory, user, [change(other, 1)]);
    expect(await blockedBy(directory, user)).toEqual(new Set());
    await writeBlocks(directory, user, [change(other, 3)]);
    await writeBlocks(directory, user, [change(other, 2, false)]);
    expect(await blockedBy(directory, user)).toEqual(new Set([other]));
  });

  test("a block writes two rows, lifting one four, repeating nothing", async () => {
    const [user, other] = [someone(), someone()];
    const batch = env.DB.batch.bind(env.DB);
    let written = 0;
    const counted = vi.spyOn(env.DB, "batch").mockImplementation(async (statements) => {
      const results = await batch(statements);
      written = results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
      return results as never;
    });
    onTestFinished(() => counted.mockRestore());
    const rowsWritten = async (one: BlockChange) => {
      await writeBlocks(directory, user, [one]);
      return written;
    };
    expect(await rowsWritten(change(other, 1))).toBe(2);
    expect(await rowsWritten(change(other, 1))).toBe(0);
    expect(await rowsWritten(change(other, 2, false))).toBe(4);
    expect(await rowsWritten(change(other, 2, false))).toBe(0);
  });

  test("what was lifted is forgotten after thirty days", async () => {
    const [user, other] = [await person(), await person()];
    const group = await groupOf(user, other, await person());
    const at = Date.now();
    await writeBlocks(directory, user.userId, [{ ...change(other.userId, 1, false), at }]);
    const days = 24 * 60 * 60_000;
    await deleteOldLiftedBlocks(directory, at + 30 * days - 1);
    expect(await blocksAmong(directory, group, [user.userId])).toHaveLength(1);
    await deleteOldLiftedBlocks(directory, at + 30 * days);
    expect(await blocksAmong(directory, group, [user.userId])).toEqual([]);
  });
});

describe("blocks among people of a conversation", () => {
  test("equal a naive look, whoever enters: both directions, members, former ones and each other", async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = new Random(seed);
    const everybody = await Promise.all(Array.from({ length: 6 }, () => person()));
    const [owner, one, two, former, ...outside] = everybody;
    if (!owner || !one || !two || !former) throw new Error("six people");
    const channel = await channelOf(owner, [one, two, former]);
    await former.post(`/api/v1/chat/channels/${channel}/leave`);
    const inside = new Set([owner, one, two, former].map(({ userId }) => userId));
    const facts: Block[] = [];
    for (const { userId } of everybody) {
      for (const { userId: blockedId } of everybody) {
        if (userId === blockedId || random.below(3) === 0) continue;
        const fact = {
          userId,
          blockedId,
          blocked: random.below(2) === 0,
          version: facts.length + 1,
        };
        facts.push(fact);
        await writeBlocks(directory, userId, [{ ...fact, at: Date.now() }]);
      }
    }
    for (let i = 0; i < 30; i++) {
      const entering = new Set(
        shuffled(
          random,
          everybody.map(({ userId }) => userId),
        ).slice(0, 1 + random.below(3)),
      );
      const concerns = ({ userId, blockedId }: Block) =>
        (entering.has(userId) && (inside.has(blockedId) || entering.has(blockedId))) ||
        (entering.has(blockedId) && inside.has(userId));
      const found = await blocksAmong(directory, channel, [...entering]);
      const byVersion = (a: Block, b: Block) => a.version - b.version;
      expect(found.sort(byVersion), `seed ${seed}`).toEqual(facts.filter(concerns));
    }
    expect(outside).toHaveLength(2);
  });

  test("shared conversations by pages, in order; former membership of the user only where asked for", async () => {
    const [alice, bob] = [await person("alice"), await person("bob")];
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push(await channelOf(bob, [alice]));
    await channelOf(alice);
    const [left = ""] = ids;
    await alice.post(`/api/v1/chat/channels/${left}/leave`);
    const pages = async (isPresent: boolean) => {
      const found: string[] = [];
      for (;;) {
        const page = await sharedConversations(directory, [alice.userId, bob.userId], {
          ...{ isPresent, after: found.at(-1) ?? "", limit: 2 },
        });
        found.push(...page);
        if (page.length < 2) return found;
      }
    };
    expect(await pages(false)).toEqual([...ids].sort());
    expect(await pages(true)).toEqual(ids.filter((id) => id !== left).sort());
  });
});
