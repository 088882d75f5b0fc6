import { afterEach, expect, test, vi } from "vitest";
import { Random } from "../random.ts";
import { SearchWorld } from "./search-world.ts";

/**
 * Random conversations with texts in many scripts, edits, deletions, blocks, removals and additions, over REST and
 * sockets. What the pages of a search have together must be what a look at every message finds that the caller may
 * read. To repeat a run: `VITE_SEARCH_SEED=<the seed it printed>`.
 */
const SEED = Number(
  process.env["VITE_SEARCH_SEED"] ?? crypto.getRandomValues(new Int32Array(1))[0],
);
const WORLDS = 3;
const STEPS = 40;

afterEach(() => {
  vi.useRealTimers();
});

test.each(Array.from({ length: WORLDS }, (_, index) => SEED + index))("seed %i", async (seed) => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  const random = new Random(seed);
  const world = await SearchWorld.begin(random);
  try {
    for (let step = 0; step < STEPS; step++) {
      await world.change();
      if (step % 2 === 1) await world.compare();
    }
    await world.compareOne();
  } catch (error) {
    throw new Error(`seed ${seed}: ${world.log.join("\n")}`, { cause: error });
  }
  expect(world.found).toBeGreaterThan(0);
});
