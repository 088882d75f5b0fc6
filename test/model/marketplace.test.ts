import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { expectHistory, expectInfo, expectList, expectStats } from "./marketplace-compare.ts";
import { steps } from "./marketplace-steps.ts";
import { World } from "./marketplace-world.ts";

/** 25 worlds, in each of which 60 steps are executed. */
const WORLDS = 18;
const STEPS = 60;

/** `VITE_MODEL_SEED=…` repeats the run that printed it, and shrinks it if it fails. */
const repeated = process.env["VITE_MODEL_SEED"];
const seed = Number(repeated ?? Date.now() % 2 ** 31);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  // Staff access is logged, and would hide the failure's message.
  vi.spyOn(console, "log").mockReturnValue();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Compares a chat's figures and one user's lists with the model. */
async function compareFigures(world: World, chatIndex: number, personIndex: number) {
  const chat = world.chat(chatIndex);
  const asked = { type: null, archived: null, limit: 100, page: 1 };
  await Promise.all([
    expectInfo(world.insider(chat), chat),
    expectList(world.chats, world.person(personIndex), asked),
  ]);
}

/** Compares a chat's messages and one user's totals with the model. */
async function compareMessages(world: World, chatIndex: number, personIndex: number) {
  const chat = world.chat(chatIndex);
  const asked = { before: null, oldestFirst: false, limit: 100, page: 1 };
  await Promise.all([
    expectHistory(world.insider(chat), chat, asked),
    expectStats(world.chats, world.person(personIndex)),
  ]);
}

test("after random calls every answer is that of a plain model", async () => {
  console.info(`VITE_MODEL_SEED=${seed}`);
  let taken = 0;
  const property = fc.asyncProperty(steps(STEPS), async (run) => {
    const world = await World.create();
    for (const [index, step] of run.entries()) {
      taken++;
      try {
        await world.take(step);
        const asked = step.call.do === "list" || step.call.do === "history";
        // In turns, and all of it at the end: what is wrong stays wrong.
        const compare = index % 2 === 0 ? compareFigures : compareMessages;
        if (!asked) await compare(world, step.chat, index);
      } catch (cause) {
        throw new Error(`after step ${index}, ${JSON.stringify(step)}`, { cause });
      }
    }
    for (const index of world.people.keys()) {
      await compareFigures(world, index, index);
      await compareMessages(world, index, index);
    }
  });
  await fc.assert(property, {
    seed,
    numRuns: WORLDS,
    endOnFailure: repeated === undefined,
    interruptAfterTimeLimit: 150_000,
  });
  expect(taken).toBeGreaterThanOrEqual(1_000);
}, 180_000);
