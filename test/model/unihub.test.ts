import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { compareAll, compareOne } from "./compare.ts";
import { type Step, step } from "./steps.ts";
import { World } from "./world.ts";

/**
 * Random calls, valid and invalid, are made to the server and to a plain model of it, which must
 * agree after each. To repeat a run: `VITE_MODEL_SEED=<the seed it printed>`.
 */
const SEED = Number(process.env["VITE_MODEL_SEED"] ?? crypto.getRandomValues(new Int32Array(1))[0]);
const WORLDS = 12;
const STEPS = 100;
/** Steps after which everything is compared. */
const ALL_EVERY = 50;
/** How long a failure is shortened before it is reported. */
const SHORTEN_MS = 30_000;

afterEach(() => {
  vi.useRealTimers();
});

interface Failure {
  /** The steps up to the failure. */
  taken: number;
  log: readonly string[];
  message: string;
}

/** Executes steps in a new world, and compares after each, or only at the end. */
async function failureOf(
  steps: readonly Step[],
  compare: "each step" | "at the end",
): Promise<Failure | undefined> {
  const world = await World.begin();
  const { people, conversations, log } = world;
  let taken = 0;
  try {
    for (const step of steps) {
      taken++;
      const touched = await world.take(step);
      const all = compare === "each step" ? taken % ALL_EVERY === 0 : taken === steps.length;
      if (all) await compareAll(people, conversations);
      else if (compare === "each step")
        await compareOne(people, conversations, touched, step.viewer);
    }
    return undefined;
  } catch (error) {
    return { taken, log, message: told(error) };
  }
}

/** An error with the complete difference, which its own message would truncate. */
function told(error: unknown): string {
  if (!(error instanceof Error) || !("actual" in error) || !("expected" in error)) {
    return String(error);
  }
  const { message, actual, expected } = error;
  return `${message}\nserver: ${JSON.stringify(actual)}\nmodel:  ${JSON.stringify(expected)}`;
}

/** A failure after fewer steps, as few as are found within the time limit. */
async function shortened(steps: readonly Step[], first: Failure): Promise<Failure> {
  const end = performance.now() + SHORTEN_MS;
  let fewest = steps.slice(0, first.taken);
  let shortest = first;
  for (let size = fewest.length; size > 0; size >>= 1) {
    for (let from = 0; from < fewest.length && performance.now() < end; ) {
      const fewer = fewest.toSpliced(from, size);
      const failure = await failureOf(fewer, "at the end");
      if (failure) {
        shortest = failure;
        fewest = fewer.slice(0, failure.taken);
      } else {
        from += size;
      }
    }
  }
  return shortest;
}

const runs = fc.sample(fc.array(step, { minLength: STEPS, maxLength: STEPS }), {
  seed: SEED,
  numRuns: WORLDS,
});

test.each(runs.map((steps, i) => ({ world: i + 1, steps })))(
  "the server and the model agree: world $world",
  async ({ world, steps }) => {
    console.log(`VITE_MODEL_SEED=${SEED}`);
    const failure = await failureOf(steps, "each step");
    if (!failure) return;
    const { log, message } = await shortened(steps, failure);
    expect.unreachable(
      `VITE_MODEL_SEED=${SEED}, world ${world}, step ${failure.taken}: ${failure.message}\n` +
        `Shortened:\n${log.join("\n")}\n${message}`,
    );
  },
  SHORTEN_MS * 4,
);
