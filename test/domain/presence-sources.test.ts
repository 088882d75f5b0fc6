import fc from "fast-check";
import { expect, test } from "vitest";
import {
  arrived,
  CONFIRMED_MS,
  confirmed,
  hasConnection,
  left,
  MAX_ENDED,
  MAX_SOURCES,
  type PresenceSource,
  type Sources,
  unconfirmed,
} from "../../src/domain/presence-sources.ts";

const A: PresenceSource = ["conversation", "a"];
const B: PresenceSource = ["signalr", "b"];
const NONE: Sources = new Map();

/** The sources with a connection. */
function connected(sources: Sources): PresenceSource[] {
  return [...sources.values()].flatMap((one) => (one.isConnected ? [one.source] : []));
}

test("a report that is repeated, or older than another of its source, changes nothing", () => {
  const sources = arrived(NONE, A, 2);
  expect(arrived(sources, A, 2)).toBe(sources);
  expect(left(sources, A, 1)).toBe(sources);
  expect(hasConnection(left(sources, A, 3))).toBe(false);
  expect(hasConnection(arrived(left(NONE, A, 3), A, 2))).toBe(false);
});

const report = fc.record({
  source: fc.constantFrom<PresenceSource>(A, B, ["socketio", "c"]),
  isConnected: fc.boolean(),
});

test("property: the order in which reports arrive does not matter", () => {
  const reports = fc.array(report, { maxLength: 20 }).chain((made) => {
    const timed = made.map((one, at) => ({ ...one, at }));
    return fc.tuple(
      fc.constant(timed),
      fc.shuffledSubarray(timed, { minLength: timed.length, maxLength: timed.length }),
    );
  });
  const apply = (
    sources: Sources,
    { source, isConnected, at }: { source: PresenceSource; isConnected: boolean; at: number },
  ) => (isConnected ? arrived : left)(sources, source, at);
  fc.assert(
    fc.property(reports, ([inOrder, shuffled]) => {
      const expected = connected(inOrder.reduce(apply, NONE));
      expect(connected(shuffled.reduce(apply, NONE)).sort()).toEqual(expected.sort());
    }),
  );
});

test("the newest 2,000 with a connection are kept, and the newest 200 that have ended", () => {
  let sources: Sources = new Map();
  for (let i = 0; i <= MAX_ENDED; i++) sources = left(sources, ["socketio", `${i}`], i);
  expect(sources.size).toBe(MAX_ENDED);
  expect(sources.has("socketio 0")).toBe(false);
  for (let i = 0; i < MAX_SOURCES; i++) sources = arrived(sources, ["signalr", `${i}`], 2 + i);
  expect(sources.size).toBe(MAX_ENDED + MAX_SOURCES);
  expect(connected(sources)).toHaveLength(MAX_SOURCES);
  sources = arrived(sources, B, 10_000);
  expect(connected(sources)).toHaveLength(MAX_SOURCES);
  expect(connected(sources)).not.toContainEqual(["signalr", "0"]);
  expect(connected(sources)).toContainEqual(B);
});

test("the newest is asked, once none was confirmed for five minutes", () => {
  const sources = arrived(arrived(NONE, A, 0), B, 1_000);
  expect(unconfirmed(NONE, CONFIRMED_MS)).toBeUndefined();
  expect(unconfirmed(sources, CONFIRMED_MS)).toBeUndefined();
  const now = CONFIRMED_MS + 1_000;
  expect(unconfirmed(sources, now)).toEqual(B);
  expect(unconfirmed(left(sources, B, now), now)).toEqual(A);
  const asked = confirmed(sources, A, now);
  expect(unconfirmed(asked, now)).toBeUndefined();
  expect(unconfirmed(asked, now + CONFIRMED_MS)).toEqual(A);
  // A clock that was set back.
  expect(unconfirmed(sources, -CONFIRMED_MS)).toEqual(B);
  expect(confirmed(sources, ["signalr", "unknown"], now)).toBe(sources);
});
