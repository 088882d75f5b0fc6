import { afterEach, test, vi } from "vitest";
import { fireAlarms, groupOf, person } from "../support.ts";
import { expectCounts, UnreadWorld } from "./unread-world.ts";

/**
 * Unread messages and mentions of random people who block each other, counted by the object, by D1 and by a plain
 * model that looks at every message. To repeat a run: `VITE_BLOCKS_SEED=<the seed it printed>`.
 */
const SEED = Number(
  process.env["VITE_BLOCKS_SEED"] ?? crypto.getRandomValues(new Uint32Array(1))[0],
);
const STEPS = 90;
afterEach(() => {
  vi.restoreAllMocks();
});

test.each([0, 1, 2, 3])(
  "object, D1 and a model that knows the blocks count the same: run %i",
  async (run) => {
    const seed = SEED + run;
    console.log(`VITE_BLOCKS_SEED=${SEED}`);
    const people = await Promise.all(["a", "b", "c", "d"].map((name) => person(name)));
    const group = await groupOf(...people);
    const world = new UnreadWorld(seed, people, group);
    const log: string[] = [];
    for (let step = 1; step <= STEPS; step++) {
      log.push(await world.step());
      if (step % 15 !== 0 && step !== STEPS) continue;
      await fireAlarms(group);
      await expectCounts(world, `seed ${SEED}, run ${run}, step ${step}: ${log.join(", ")}`);
    }
  },
  60_000,
);
