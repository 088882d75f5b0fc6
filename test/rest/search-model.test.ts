import { afterEach, expect, test, vi } from "vitest";
import { Conversation } from "../../src/conversation/object.ts";
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
  vi.restoreAllMocks();
});

/** Has conversations stop early, as where their rows are used up: each after fewer hits than it is asked for. */
function stopEarly(random: Random): void {
  const { search } = Conversation.prototype;
  vi.spyOn(Conversation.prototype, "search").mockImplementation(function (
    this: Conversation,
    actor,
    question,
    as,
  ) {
    const limit = random.between(1, question.limit);
    return search.call(this, actor, { ...question, limit }, as);
  });
}

test.each(Array.from({ length: WORLDS }, (_, index) => SEED + index))("seed %i", async (seed) => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  const random = new Random(seed);
  stopEarly(random.fork());
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
