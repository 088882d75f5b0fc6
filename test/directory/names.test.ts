import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { peopleByName, type Searching } from "../../src/directory/contacts.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import type { FoundNames, NamePage, NamePlace } from "../../src/directory/names.ts";
import { upsertUsers } from "../../src/directory/users.ts";
import { haveAll, personWords, searchedWords } from "../../src/domain/name-words.ts";
import { Random } from "../random.ts";
import { someone } from "../support.ts";

/** Searches by name, compared with a naive filter. */

const directory = directoryOf(env.DB);
const PARTS = [
  ...["Ada", "ada", "Adams", "Okafor", "O'Kelly", "Müller", "Muller-Lüdke", "Łukasz", "Élodie"],
  ...[
    "Юрий",
    "Семён",
    "نور",
    "عَلِيّ",
    "דוד",
    "สมชาย",
    "王芳",
    "芳王",
    "김민준",
    "さくら",
    "C++",
    "#dev",
    "%",
    "🎉",
  ],
];

function seededRandom(): { random: Random; seed: number } {
  const seed = Math.floor(Math.random() * 2 ** 32);
  return { random: new Random(seed), seed };
}

function nameOf(random: Random, mark: string): string {
  const parts = Array.from({ length: random.between(1, 4) }, () => random.pick(PARTS));
  // So that tests do not find the people of other tests.
  return [...parts, mark].join(random.pick([" ", "  "]));
}

function queryOf(random: Random, mark: string): string {
  const words = Array.from({ length: random.below(3) }, () => {
    const letters = Array.from(random.pick(PARTS));
    return letters.slice(0, random.between(1, letters.length)).join("");
  });
  return [...words, mark].join(" ");
}

/** All pages of a search, which must not repeat anything. */
async function allOf<Item>(
  search: (page: NamePage) => Promise<FoundNames<Item>>,
  limit: number,
): Promise<Item[]> {
  const items: Item[] = [];
  let after: NamePlace | undefined;
  for (;;) {
    const found = await search({ after, limit });
    expect(found.items.length).toBeLessThanOrEqual(limit);
    items.push(...found.items);
    if (!found.next) return items;
    after = found.next;
  }
}

describe("people by name", () => {
  test("are those whom a naive filter finds, each once, also after their names have changed", async () => {
    const { random, seed } = seededRandom();
    const mark = `zz${random.below(1_000_000)}q`;
    const ids = Array.from({ length: 60 }, () => someone());
    const names = new Map<string, string>();
    const caller = someone();
    for (let round = 0; round < 4; round++) {
      const changed = ids.filter(() => round === 0 || random.chance(0.3));
      for (const id of changed) names.set(id, nameOf(random, mark));
      await upsertUsers(
        directory,
        changed.map((userId) => ({ userId, name: names.get(userId) })),
        random.pick([null, 1]),
      );
      for (let i = 0; i < 25; i++) {
        const query = queryOf(random, mark);
        const searched = searchedWords(query);
        const naive = ids.filter((id) => haveAll(personWords(names.get(id) ?? ""), searched));
        const searching: Searching = { userId: caller, among: "everyone" };
        const found = await allOf(
          (page) => peopleByName(directory, searched, searching, page),
          random.between(1, 30),
        );
        expect(found.map(({ userId }) => userId).sort(), `seed ${seed}, "${query}"`).toEqual(
          naive.sort(),
        );
      }
    }
  });
});
