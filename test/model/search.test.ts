import { expect, test } from "vitest";
import { MAX_HITS } from "../../src/conversation/queries/search-api.ts";
import { found } from "../conversation/searching.ts";
import { Random } from "../random.ts";
import { groupOf, person } from "../support.ts";
import { SearchWorld, scanned } from "./search-world.ts";

/**
 * Searches find what a scan of everything finds that the searcher may read, right after the acknowledgement of
 * whatever changed it. To repeat a run: `VITE_SEARCH_SEED=<the seed it printed>`.
 */
const SEED = Number(
  process.env["VITE_SEARCH_SEED"] ?? crypto.getRandomValues(new Uint32Array(1))[0],
);
const STEPS = 120;

async function world(run: number): Promise<SearchWorld> {
  console.log(`VITE_SEARCH_SEED=${SEED}`);
  const people = await Promise.all(
    ["Ann Bee", "Bert", "Annika", "Cyd", "Émile"].map((name) => person("user", { name })),
  );
  const world = new SearchWorld(new Random(SEED + run), await groupOf(...people), people);
  await world.bound();
  return world;
}

test.each([0, 1, 2])(
  "a search equals a scan after every change: run %i",
  async (run) => {
    const searched = await world(run);
    const { random, group } = searched;
    const log: string[] = [];
    for (let step = 1; step <= STEPS; step++) {
      log.push(await searched.change());
      const who = random.pick(searched.present);
      const q = searched.query();
      const at = `seed ${SEED}, run ${run}, step ${step}, ${JSON.stringify(q)}: ${log.join(", ")}`;
      const expected = await scanned(group, who, q);
      const limit = random.pick([1, 3, 50]);
      const hits: number[] = [];
      const texts: string[] = [];
      for (let before: number | undefined, pages = 0; ; pages++) {
        const page = await searched.page(who, q, limit, before);
        if (typeof page === "string") {
          expect([page, expected], at).toEqual(["invalid_query", undefined]);
          break;
        }
        expect(page.numbers.length, at).toBeLessThanOrEqual(limit);
        hits.push(...page.numbers);
        texts.push(...page.texts);
        const { back } = page;
        // All there are so far.
        const soFar = expected?.filter(({ number }) => number >= (back ?? 0));
        expect(hits, at).toEqual(soFar?.map(({ number }) => number));
        expect(texts, at).toEqual(soFar?.map(({ content }) => content));
        if (back === undefined) break;
        expect(back, at).toBeLessThan(before ?? Number.POSITIVE_INFINITY);
        expect(pages, at).toBeLessThan(1_000);
        before = back;
      }
      expect(searched.failures, at).toEqual([]);
    }
  },
  120_000,
);

test.each([0, 1])(
  "a search that runs beside a change equals a scan before it or after it: run %i",
  async (run) => {
    const searched = await world(run + 10);
    const { random, group } = searched;
    const log: string[] = [];
    for (let step = 1; step <= STEPS; step++) {
      const who = random.pick(searched.present);
      const q = searched.query();
      // One answer has no more.
      const numbers = async () =>
        (await scanned(group, who, q))?.slice(0, MAX_HITS).map(({ number }) => number);
      const before = await numbers();
      const [answer, change] = await Promise.all([
        found(group, who.userId, { q }).catch((error: Error) => error.message),
        searched.change({ withEvictions: false }),
      ]);
      log.push(change);
      const at = `seed ${SEED}, run ${run}, step ${step}, ${JSON.stringify(q)}: ${log.join(", ")}`;
      const isPresent = searched.present.includes(who);
      const after = isPresent ? await numbers() : "not_a_member";
      expect([before ?? "invalid_query", after ?? "invalid_query"], at).toContainEqual(answer);
      expect(searched.failures, at).toEqual([]);
    }
  },
  120_000,
);
