import { type Case, median } from "../case.ts";
import type { Crowd } from "../crowd.ts";
import { processorMs } from "../processor.ts";
import { crowdOf, parleyCrowd, type Subject } from "../subjects.ts";

/** The duration of one load measurement. */
const STRETCH_MS = 1_500;
/** Messages sent one after another in a round. */
const ALONE = 100;

/** The subjects that broadcast a message from one socket to all. */
export interface Broadcasters {
  parley: Subject;
  floor: Subject;
  usual: Subject;
  node: Subject;
}

type Crowds = Record<keyof Broadcasters, Crowd>;

/** Opens the sockets of `receivers` people at each subject, and warms all up. */
async function gathered(subjects: Broadcasters, receivers: number): Promise<Crowds> {
  const crowds: Crowds = {
    parley: await parleyCrowd(subjects.parley, receivers),
    floor: await crowdOf(subjects.floor, `/floor?${receivers}`, receivers),
    usual: await crowdOf(subjects.usual, `/usual?${receivers}`, receivers),
    node: await crowdOf(subjects.node, "/socket.io/?EIO=4&transport=websocket", receivers),
  };
  for (const crowd of Object.values(crowds)) await crowd.load(32, 500);
  return crowds;
}

async function deliveriesPerSecond(crowd: Crowd, inFlight: number): Promise<number> {
  const { deliveries, ms } = await crowd.load(inFlight, STRETCH_MS);
  return (deliveries * 1_000) / ms;
}

const each = <T>(crowds: Crowds, of: (crowd: Crowd, name: keyof Crowds) => T) =>
  Object.fromEntries(
    (Object.keys(crowds) as (keyof Crowds)[]).map((name) => [name, of(crowds[name], name)]),
  ) as Record<keyof Crowds, T>;

/** A conversation of `20`, under load and idle. */
export async function fanOutOf20(subjects: Broadcasters): Promise<Case[]> {
  const crowds = await gathered(subjects, 20);
  const under = (inFlight: number) =>
    each(crowds, (crowd) => () => deliveriesPerSecond(crowd, inFlight));
  return [
    {
      name: "one send at a time, until all 20 have it, p50",
      unit: "ms",
      measures: each(crowds, (crowd) => async () => {
        const times: number[] = [];
        for (let i = 0; i < ALONE; i++) times.push(await crowd.one());
        return median(times);
      }),
      goals: [
        { of: "parley", beside: "floor", atMost: 1.8 },
        { of: "parley", beside: "usual", atMost: 1.1 },
      ],
    },
    {
      name: "32 sends in flight, 20 receivers",
      unit: "deliveries/s",
      measures: under(32),
      goals: [
        { of: "parley", beside: "floor", atLeast: 2.5 },
        { of: "parley", beside: "usual", atLeast: 5 },
        { of: "parley", beside: "node", atLeast: 3.5 },
      ],
    },
    {
      name: "128 sends in flight, 20 receivers",
      unit: "deliveries/s",
      measures: under(128),
      goals: [{ of: "parley", beside: "floor", atLeast: 3 }],
    },
    {
      name: "processor time per delivered message, 32 in flight",
      unit: "µs",
      measures: each(crowds, (crowd, name) => async () => {
        const before = processorMs(subjects[name].program);
        const { deliveries } = await crowd.load(32, STRETCH_MS);
        return ((processorMs(subjects[name].program) - before) * 1_000) / deliveries;
      }),
      goals: [
        { of: "parley", beside: "floor", atMost: 0.35 },
        { of: "parley", beside: "node", atMost: 0.5 },
      ],
    },
  ];
}

/** A conversation of 200 under load. */
export async function fanOutOf200(subjects: Broadcasters): Promise<Case[]> {
  const crowds = await gathered(subjects, 200);
  return [
    {
      name: "16 sends in flight, 200 receivers",
      unit: "deliveries/s",
      measures: each(crowds, (crowd) => () => deliveriesPerSecond(crowd, 16)),
      goals: [
        { of: "parley", beside: "floor", atLeast: 3 },
        { of: "parley", beside: "node", atLeast: 2 },
      ],
    },
  ];
}
