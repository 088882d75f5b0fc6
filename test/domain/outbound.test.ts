import { expect, test } from "vitest";
import type { Commit } from "../../src/conversation/commit/committer.ts";
import { Alarms } from "../../src/conversation/outbound/alarms.ts";
import type { Broadcast } from "../../src/conversation/outbound/broadcast.ts";
import type { Consumer, PushedCommit } from "../../src/conversation/outbound/consumer.ts";
import { Outbound } from "../../src/conversation/outbound/outbound.ts";
import { ok } from "../../src/domain/error.ts";

/** What happens in the turn of a commit, in which order, and whatever throws. */

const CHANGES: Commit["changes"] = [
  { type: "read", ahead: false, read: { userId: "a", rev: 2, from: 1, to: 1, readAt: 0 } },
];

function world(throwing: readonly string[] = []) {
  const steps: string[] = [];
  const failed: string[] = [];
  const step = (name: string) => {
    steps.push(name);
    if (throwing.includes(name)) throw new Error(name);
  };
  const alarms = new Alarms({
    setAlarm: () => step("alarm"),
    clock: () => 0,
    onInterrupted: () => step("interrupted"),
    onFailure: () => step("task"),
  });
  const outbound = new Outbound({
    alarms,
    rev: () => 2,
    prepare: (): Broadcast => {
      step("prepare");
      return {
        large: false,
        departures: [],
        arrivals: [],
        ownEvents: [],
        shownAnew: new Set(),
        visibility: [],
        events: undefined as never,
      };
    },
    acknowledge: () => step("acknowledge"),
    onFailure: (name) => failed.push(name),
  });
  const ranges: number[][] = [];
  const add = (name: string, stage: Consumer["stage"], deliver?: (commit: PushedCommit) => void) =>
    outbound.add({
      ...{ name, stage, cursor: 1 },
      deliver: (commit) => {
        step(name);
        ranges.push([commit.from, commit.to]);
        deliver?.(commit);
      },
      catchUp: () => Promise.resolve(),
    });
  add("projection", "background");
  add("sockets", "live", (commit) => commit.broadcast());
  add("gateways", "live", (commit) => commit.broadcast());
  const commit = (changes: Commit["changes"]): void => {
    const reply = { to: "caller" as const, resolve: () => step("caller") };
    const actor = {
      userId: "a",
      name: null,
      avatarUrl: null,
      role: "user",
      reach: "member",
    } as const;
    const pending = { actor, command: { type: "archive" } as const, reply };
    const outcomes: Commit["outcomes"] = [{ pending, result: ok({ rev: 2, modifiedCount: 0 }) }];
    outbound.committed({ from: 1, to: changes.length > 0 ? 2 : 1, changes, outcomes });
  };
  return { commit, steps, failed, ranges };
}

test("the alarm, sockets, gateways, callers, D1; events are prepared once", () => {
  const { commit, steps, failed, ranges } = world();
  commit(CHANGES);
  expect(steps).toEqual(["alarm", "sockets", "prepare", "gateways", "caller", "projection"]);
  expect(failed).toEqual([]);
  expect(ranges).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
});

test("a commit that changed nothing is answered, and given to no consumer", () => {
  const { commit, steps } = world();
  commit([]);
  expect(steps).toEqual(["acknowledge", "caller"]);
});

test.each([
  [["alarm"], ["alarms"]],
  [["sockets"], ["sockets"]],
  [["gateways"], ["gateways"]],
  [["projection"], ["projection"]],
  [["prepare"], ["sockets", "gateways"]],
  [
    ["sockets", "gateways", "projection"],
    ["sockets", "gateways", "projection"],
  ],
])("where %s throws, everything else takes place", (throwing, expected) => {
  const { commit, steps, failed } = world(throwing);
  commit(CHANGES);
  expect(steps).toEqual(
    expect.arrayContaining(["alarm", "sockets", "gateways", "caller", "projection"]),
  );
  expect(failed).toEqual(expected);
});

test("where the answers to sockets throw, callers have theirs", () => {
  const { commit, steps, failed } = world(["acknowledge"]);
  commit([]);
  expect([steps, failed]).toEqual([["acknowledge", "caller"], ["acknowledgements"]]);
});
