import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { writeBlocks } from "../../src/directory/blocks.ts";
import { peopleByName, type Searching } from "../../src/directory/contacts.ts";
import { type Candidate, foundAmong, LOOKED_AT_MAX } from "../../src/directory/names.ts";
import { upsertUsers } from "../../src/directory/users.ts";
import { haveAll, personWords, searchedWords } from "../../src/domain/name-words.ts";
import type { Random } from "../random.ts";
import { someone } from "../support.ts";
import {
  allOf,
  countingDirectory,
  directory,
  nameOf,
  queryOf,
  seeded,
  seedGroup,
} from "./naming.ts";

/** People by name, compared with a naive filter. */

const idsOf = (people: readonly { userId: string }[]) => people.map(({ userId }) => userId);

async function people(names: ReadonlyMap<string, string>, seenAt: number | null = null) {
  const profiles = Array.from(names, ([userId, name]) => ({ userId, name }));
  await upsertUsers(directory, profiles, seenAt);
}

async function compare(
  random: Random,
  { names, mark, of }: { names: ReadonlyMap<string, string>; mark: string; of: Searching },
  isVisible: (userId: string) => boolean,
  about: string,
): Promise<void> {
  const query = queryOf(random, mark);
  const searched = searchedWords(query);
  const naive = [...names.keys()].filter(
    (id) => isVisible(id) && haveAll(personWords(names.get(id) ?? ""), searched),
  );
  const found = await allOf(
    (page) => peopleByName(directory, searched, of, page),
    random.between(1, 30),
  );
  expect(idsOf(found).sort(), `${about}, "${query}"`).toEqual(naive.sort());
}

describe("everyone", () => {
  test("is found whom a naive filter finds, each once, also after names and blocks have changed", async () => {
    const { random, seed, mark } = seeded();
    const ids = Array.from({ length: 60 }, () => someone());
    const names = new Map<string, string>();
    const caller = someone();
    const hidden = new Set<string>();
    for (let round = 0; round < 4; round++) {
      const changed = ids.filter(() => round === 0 || random.chance(0.3));
      for (const id of changed) names.set(id, nameOf(random, mark));
      await people(new Map(changed.map((id) => [id, names.get(id) ?? ""])), random.pick([null, 1]));
      const [blocked, blocker] = [random.pick(ids), random.pick(ids)];
      const block = { blocked: true, version: round + 1, at: 1 };
      await writeBlocks(directory, caller, [{ ...block, blockedId: blocked }]);
      await writeBlocks(directory, blocker, [{ ...block, blockedId: caller }]);
      hidden.add(blocked).add(blocker);
      for (let i = 0; i < 20; i++) {
        const of: Searching = { userId: caller, among: "everyone" };
        await compare(random, { names, mark, of }, (id) => !hidden.has(id), `seed ${seed}`);
      }
    }
  });

  test("in order: names that begin with what is searched, then others", async () => {
    const { mark } = seeded();
    const ids = ["c", "a", "b"].map((name) => someone(name));
    const names = ["Zed Ann", "Ann Zed", "Ann Bee"].map((name) => `${name} ${mark}`);
    await people(new Map(ids.map((id, i) => [id, names[i] ?? ""])));
    const of: Searching = { userId: someone(), among: "everyone" };
    const search = (q: string) =>
      peopleByName(directory, searchedWords(q), of, { after: undefined, limit: 50 });
    const found = (await search(`ann`)).items.map(({ name }) => name);
    expect(found.filter((name) => name?.endsWith(mark))).toEqual([names[2], names[1], names[0]]);
  });

  test("a word that all have costs bounded rows, in pages that reach the last of them", async () => {
    const { mark } = seeded();
    const names = new Map(
      Array.from({ length: 3 * LOOKED_AT_MAX }, (_, i) => [
        someone(),
        `${mark} ${i === 1_400 ? "zebra" : "more"} ${String(i).padStart(5, "0")}`,
      ]),
    );
    await people(names);
    const of: Searching = { userId: someone(), among: "everyone" };
    for (const [q, most, count] of [
      [mark, 250, 20],
      [`${mark} zebra`, 15 * LOOKED_AT_MAX, 0],
    ] as const) {
      const counting = countingDirectory();
      const page = { after: undefined, limit: 20 };
      const found = await peopleByName(counting, searchedWords(q), of, page);
      expect(found.items).toHaveLength(count);
      expect(found.next).toBeDefined();
      expect(counting.rows.read).toBeGreaterThan(count);
      expect(counting.rows.read).toBeLessThan(most);
    }
    const all = await allOf(
      (page) => peopleByName(directory, searchedWords(`${mark} zebra`), of, page),
      20,
    );
    expect(all).toHaveLength(1);
  });
});

describe("contacts", () => {
  test("are found whom a naive filter finds, each once", async () => {
    const { random, seed, mark } = seeded();
    const [caller, ids] = [someone(), Array.from({ length: 40 }, () => someone())];
    const names = new Map(ids.map((id) => [id, nameOf(random, mark)]));
    await people(names);
    const contacts = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const present = ids.filter(() => random.chance(0.2));
      const former = ids.filter((id) => !present.includes(id) && random.chance(0.1));
      await seedGroup([caller, ...present], former, i === 0 ? 100_000 : undefined);
      for (const id of [...present, ...former]) contacts.add(id);
    }
    // One that the caller has left, and one of others.
    await seedGroup(ids.slice(0, 9), [caller]);
    await seedGroup(ids.slice(10, 20));
    const of: Searching = { userId: caller, among: "contacts" };
    for (let i = 0; i < 40; i++) {
      await compare(random, { names, mark, of }, (id) => contacts.has(id), `seed ${seed}`);
    }
  });
});

test("contacts of a user with large groups, among many strangers of that name, cost bounded rows", async () => {
  const { mark } = seeded();
  const [caller, ids] = [someone(), Array.from({ length: 900 }, () => someone())];
  const strangers = Array.from({ length: 1_500 }, () => someone());
  await people(new Map([...ids, ...strangers].map((id, i) => [id, `${mark} ${i}`])));
  for (let i = 0; i < 7; i++) await seedGroup([caller, ...ids]);
  const counting = countingDirectory();
  const of: Searching = { userId: caller, among: "contacts" };
  const page = { after: undefined, limit: 20 };
  const found = await peopleByName(counting, searchedWords(mark), of, page);
  expect(found.items).toHaveLength(20);
  console.log(counting.rows);
  expect(counting.rows.read).toBeLessThan(50_000);
});

test("pages of candidates have each that is found once, in order, and tell no place that is not visible", async () => {
  const flag = fc.constantFrom(0, 1);
  const candidates = fc.array(fc.record({ isFound: flag, isVisible: flag }), { maxLength: 1_500 });
  await fc.assert(
    fc.asyncProperty(candidates, fc.integer({ min: 1, max: 50 }), async (flags, limit) => {
      const rows = flags.map((row, i) => ({ ...row, word: String(i).padStart(5, "0"), id: "x" }));
      const read = async (after: { word: string } | undefined, count: number) =>
        rows.filter(({ word }) => !after || word > after.word).slice(0, count);
      const found: Candidate[] = [];
      let after: Parameters<typeof foundAmong>[1]["after"];
      do {
        const page = await foundAmong<Candidate>(read, { after, limit });
        found.push(...page.items);
        after = page.next;
        const place = rows.find(({ word }) => word === after?.word);
        expect(place?.isVisible ?? 1).toBe(1);
      } while (after);
      // More than this many in a row that are not visible end a search.
      const isDense = flags.every((_, i) =>
        flags.slice(i, i + LOOKED_AT_MAX).some(({ isVisible }) => isVisible === 1),
      );
      const expected = rows.filter((row) => row.isFound === 1 && row.isVisible === 1);
      if (isDense || flags.length <= LOOKED_AT_MAX) expect(found).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});
