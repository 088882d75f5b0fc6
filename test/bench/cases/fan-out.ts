import type { Case } from "../case.ts";
import type { Crowd } from "../crowd.ts";
import { type Goal, median } from "../goals.ts";
import { rateAndCost } from "../processor.ts";
import type { Subject } from "../subjects.ts";

/** The duration of one load measurement. */
const STRETCH_MS = 1_200;
/** Messages sent one after another in a round. */
const ALONE = 100;

/** A subject that broadcasts a message from one socket to all. */
export interface Broadcaster {
  subject: Subject;
  /** Opens the sockets of `size` people in a new conversation. */
  crowd: (size: number) => Promise<Crowd>;
}

/** Opens the sockets at each subject, and warms all up. */
async function gathered(
  subjects: Record<string, Broadcaster>,
  receivers: number,
): Promise<(readonly [name: string, crowd: Crowd, subject: Subject])[]> {
  const crowds = [];
  for (const [name, { subject, crowd }] of Object.entries(subjects)) {
    crowds.push([name, await crowd(receivers), subject] as const);
  }
  for (const [, crowd] of crowds) await crowd.load(32, 500);
  return crowds;
}

/** Deliveries a second, and processor time for each. */
function load(crowd: Crowd, { program }: Subject, inFlight: number) {
  return rateAndCost(program, async () => {
    const { deliveries, ms } = await crowd.load(inFlight, STRETCH_MS);
    return { count: deliveries, ms };
  });
}

const deliveries = (rate: Goal[], processor: Goal[]): Case["quantities"] => ({
  rate: { unit: "deliveries/s", goals: rate },
  processor: { unit: "µs per delivery", goals: processor },
});

/** A conversation of `20`, under load and idle. */
export async function fanOutOf20(subjects: Record<string, Broadcaster>): Promise<Case[]> {
  const crowds = await gathered(subjects, 20);
  const under = (inFlight: number, except: string[] = []) =>
    Object.fromEntries(
      crowds
        .filter(([name]) => !except.includes(name))
        .map(([name, crowd, subject]) => [name, () => load(crowd, subject, inFlight)]),
    );
  const unless = "limit";
  return [
    {
      name: "one send at a time, 20 receivers",
      quantities: {
        "until all have it, p50": {
          unit: "ms",
          goals: [{ of: "parley", beside: "usual", atMost: 1.15, unless }],
        },
      },
      measures: Object.fromEntries(
        crowds.map(([name, crowd]) => [
          name,
          async () => {
            const times: number[] = [];
            for (let i = 0; i < ALONE; i++) times.push(await crowd.one());
            return { "until all have it, p50": median(times) };
          },
        ]),
      ),
    },
    {
      name: "32 sends in flight, 20 receivers",
      quantities: deliveries(
        [
          { of: "parley", beside: "node", atLeast: 3, unless },
          { of: "parley", beside: "usual", atLeast: 4, unless },
        ],
        [{ of: "parley", beside: "node", atMost: 0.5, unless }],
      ),
      measures: under(32),
    },
    {
      name: "128 sends in flight, 20 receivers",
      quantities: deliveries([{ of: "parley", beside: "floor", atLeast: 3, unless }], []),
      measures: under(128, ["usual", "node"]),
    },
  ];
}

/** A conversation of 200 under load. */
export async function fanOutOf200(subjects: Record<string, Broadcaster>): Promise<Case[]> {
  const crowds = await gathered(subjects, 200);
  return [
    {
      name: "16 sends in flight, 200 receivers",
      quantities: deliveries([{ of: "parley", beside: "node", atLeast: 2, unless: "limit" }], []),
      measures: Object.fromEntries(
        crowds.map(([name, crowd, subject]) => [name, () => load(crowd, subject, 16)]),
      ),
    },
  ];
}
