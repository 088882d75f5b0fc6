import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reduce } from "../../src/gateway/room-reducer.ts";
import {
  hold,
  LEFT,
  type PendingJoin,
  type RoomEffect,
  type RoomEvent,
  type RoomState,
} from "../../src/gateway/room-state.ts";
import type { Step } from "../../src/gateway/room-steps.ts";
import { batchOf, World } from "./gateway-room-world.ts";

/** One conversation on one gateway connection: every state with every event, and any order of events. */

const typing = (userId: string) => ({
  event: { type: "typing", userId, active: true, expiresInMs: 1 } as const,
  messages: [userId],
});
const pending = (id: number, more: Partial<PendingJoin> = {}): PendingJoin => {
  return { id, since: undefined, superseded: false, removedAt: undefined, ...more };
};
const held = hold(new Map(), typing("held"));

const EVENTS = {
  join: { type: "join", id: 9, since: undefined },
  joined: { type: "joined", id: 2, rev: 9 },
  refused: { type: "joinRefused", id: 2 },
  failed: { type: "joinFailed", id: 2 },
  answered: { type: "answered", generation: 1 },
  answeredEarlier: { type: "answered", generation: 0 },
  leave: { type: "leave" },
  oldBatch: { type: "batch", batch: batchOf({ from: 3, to: 5 }) },
  nextBatch: { type: "batch", batch: batchOf({ from: 4, to: 7 }) },
  laterBatch: { type: "batch", batch: batchOf({ from: 9, to: 10 }) },
  oldRemoval: { type: "removed", batch: batchOf({ from: 3, to: 5 }), removal: 5 },
  nextRemoval: { type: "removed", batch: batchOf({ from: 5, to: 12 }), removal: 12 },
  betweenRemoval: { type: "removed", batch: batchOf({ from: 6, to: 8 }), removal: 8 },
  laterRemoval: { type: "removed", batch: batchOf({ from: 11, to: 12 }), removal: 12 },
  emptyRemoval: { type: "removed", batch: batchOf({ from: 12, to: 12 }), removal: undefined },
  typing: { type: "ephemeral", event: typing("typist") },
  page: { type: "page", generation: 1, batch: batchOf({ from: 5, to: 8 }) },
  lastPage: { type: "page", generation: 1, batch: batchOf({ from: 5, to: 9 }) },
  emptyPage: { type: "page", generation: 1, batch: batchOf({ from: 5, to: 5 }) },
  earlierPage: { type: "page", generation: 0, batch: batchOf({ from: 5, to: 9 }) },
  pageRefused: { type: "pageRefused", generation: 1 },
  pageFailed: { type: "pageFailed", generation: 1 },
} satisfies Record<string, RoomEvent>;

/** What happens; an event that is not named changes nothing. */
type Row = Partial<Record<keyof typeof EVENTS, string>>;

const TABLE: [name: string, state: RoomState, row: Row][] = [
  ["left", LEFT, { join: "joining [9]" }],
  [
    "left, with the answer to a join outstanding",
    { phase: "left", joins: [pending(2, { since: 5, superseded: true })] },
    {
      join: "joining [(2@5) 9]",
      joined: "left; answer 5",
      refused: "left",
      failed: "left",
    },
  ],
  [
    "joining for the first time",
    { phase: "joining", joins: [pending(2)], resume: undefined, target: 0, held },
    {
      join: "joining [2 9]",
      joined: "answering 9 holds 1; await the answer; answer 9",
      refused: "left",
      failed: "left",
      leave: "left [(2)]",
      oldBatch: "joining [2] to 5 holds 1",
      nextBatch: "joining [2] to 7 holds 1",
      laterBatch: "joining [2] to 10 holds 1",
      oldRemoval: "joining [2!5] to 5 holds 1; expel at 5",
      nextRemoval: "joining [2!12] to 12 holds 1; expel at 12",
      betweenRemoval: "joining [2!8] to 8 holds 1; expel at 8",
      laterRemoval: "joining [2!12] to 12 holds 1; expel at 12",
      emptyRemoval: "joining [2!12] to 12 holds 1; expel at 12",
      typing: "joining [2] holds 2",
    },
  ],
  [
    "joining again, at 5 of 6",
    {
      phase: "joining",
      joins: [pending(2)],
      resume: { rev: 5, target: 6, subscribedAt: 5 },
      target: 0,
      held,
    },
    {
      join: "joining [2 9] resumes 5/6",
      joined: "answering 5/9 holds 1; await the answer; answer 5",
      refused: "left",
      failed: "catchingUp 5/6; ephemeral held; page since 5 known 5",
      leave: "left [(2@5)]",
      oldBatch: "joining [2] to 5 resumes 5/6 holds 1",
      nextBatch: "joining [2] to 7 resumes 5/6 holds 1",
      laterBatch: "joining [2] to 10 resumes 5/6 holds 1",
      oldRemoval: "joining [2@5!5] to 5 holds 1; expel at 5",
      nextRemoval: "joining [2@5!12] to 12 holds 1; expel at 5",
      betweenRemoval: "joining [2@5!8] to 8 holds 1; expel at 5",
      laterRemoval: "joining [2@5!12] to 12 holds 1; expel at 5",
      emptyRemoval: "joining [2@5!12] to 12 holds 1; expel at 5",
      typing: "joining [2] resumes 5/6 holds 2",
    },
  ],
  [
    "joining, removed in 10 meanwhile",
    {
      ...{ phase: "joining", joins: [pending(2, { since: 5, removedAt: 10 })] },
      ...{ resume: undefined, target: 10, held },
    },
    {
      join: "joining [2@5!10 9] to 10",
      joined: "left",
      refused: "left",
      failed: "left",
      leave: "left [(2@5!10)]",
      nextRemoval: "joining [2@5!12] to 12 holds 1; expel at 5",
      laterRemoval: "joining [2@5!12] to 12 holds 1; expel at 5",
      emptyRemoval: "joining [2@5!12] to 12 holds 1; expel at 5",
      typing: "joining [2@5!10] to 10 holds 2",
    },
  ],
  [
    "joining, removed, and joining again",
    {
      ...{ phase: "joining", joins: [pending(2, { since: 5, removedAt: 8 }), pending(3)] },
      ...{ resume: undefined, target: 10, held: new Map() },
    },
    {
      join: "joining [2@5!8 3 9] to 10",
      joined: "joining [3] to 10 resumes 5/10; answer 5",
      refused: "joining [3] to 10",
      failed: "joining [3] to 10",
      leave: "left [(2@5!8) (3)]",
      nextRemoval: "joining [2@5!12 3!12] to 12; expel at 12",
      laterRemoval: "joining [2@5!12 3!12] to 12; expel at 12",
      emptyRemoval: "joining [2@5!12 3!12] to 12; expel at 12",
      typing: "joining [2@5!8 3] to 10 holds 1",
    },
  ],
  [
    "left, and joining again",
    {
      ...{ phase: "joining", joins: [pending(2, { since: 5, superseded: true }), pending(3)] },
      ...{ resume: undefined, target: 0, held: new Map() },
    },
    {
      join: "joining [(2@5) 3 9]",
      joined: "joining [3]; answer 5",
      refused: "joining [3]",
      failed: "joining [3]",
      leave: "left [(2@5) (3)]",
      oldBatch: "joining [(2@5) 3] to 5",
      nextBatch: "joining [(2@5) 3] to 7",
      laterBatch: "joining [(2@5) 3] to 10",
      oldRemoval: "joining [(2@5) 3!5] to 5; expel at 5",
      nextRemoval: "joining [(2@5) 3!12] to 12; expel at 12",
      betweenRemoval: "joining [(2@5) 3!8] to 8; expel at 8",
      laterRemoval: "joining [(2@5) 3!12] to 12; expel at 12",
      emptyRemoval: "joining [(2@5) 3!12] to 12; expel at 12",
      typing: "joining [(2@5) 3] holds 1",
    },
  ],
  [
    "two joins at 5 of 6, and something newer than the answer",
    {
      ...{ phase: "joining", joins: [pending(2), pending(3)] },
      ...{ resume: { rev: 5, target: 6, subscribedAt: 5 }, target: 12, held: new Map() },
    },
    {
      join: "joining [2 3 9] to 12 resumes 5/6",
      joined: "joining [3] to 12 resumes 5/12; answer 5",
      refused: "joining [3@5] to 12",
      failed: "joining [3@5] to 12 resumes 5/6",
      leave: "left [(2@5) (3@5)]",
      typing: "joining [2 3] to 12 resumes 5/6 holds 1",
    },
  ],
  [
    "two joins, the second with a revision",
    {
      ...{ phase: "joining", joins: [pending(2), pending(3, { since: 4 })] },
      ...{ resume: undefined, target: 0, held: new Map() },
    },
    {
      join: "joining [2 3@4 9]",
      joined: "joining [3@4] to 9 resumes 9/9; answer 9",
      refused: "joining [3@4]",
      failed: "joining [3@4]",
      leave: "left [(2) (3@4)]",
      oldBatch: "joining [2 3@4] to 5",
      nextBatch: "joining [2 3@4] to 7",
      laterBatch: "joining [2 3@4] to 10",
      oldRemoval: "joining [2!5 3@4!5] to 5; expel at 4",
      nextRemoval: "joining [2!12 3@4!12] to 12; expel at 4",
      betweenRemoval: "joining [2!8 3@4!8] to 8; expel at 4",
      laterRemoval: "joining [2!12 3@4!12] to 12; expel at 4",
      emptyRemoval: "joining [2!12 3@4!12] to 12; expel at 4",
      typing: "joining [2 3@4] holds 1",
    },
  ],
  [
    "answering, at 5 of 9",
    { phase: "answering", joins: [], generation: 1, rev: 5, target: 9, subscribedAt: 9, held },
    {
      join: "joining [9] resumes 5/9",
      answered: "catchingUp 5/9; ephemeral held; page since 5 known 5",
      leave: "left",
      oldBatch: "catchingUp 5/9; ephemeral held; page since 5 known 5",
      nextBatch: "catchingUp 5/9; ephemeral held; page since 5 known 5",
      laterBatch: "catchingUp 5/10; ephemeral held; page since 5 known 5",
      oldRemoval: "catchingUp 5/9; ephemeral held; page since 5 known 5",
      nextRemoval: "left; ephemeral held; page since 5 known 5; expel at 5",
      betweenRemoval: "catchingUp 5/9; ephemeral held; page since 5 known 5",
      laterRemoval: "left; ephemeral held; page since 5 known 5; expel at 5",
      emptyRemoval: "left; ephemeral held; page since 5 known 5; expel at 5",
      typing: "catchingUp 5/9; ephemeral held; page since 5 known 5; ephemeral typist",
    },
  ],
  [
    "answering, at the newest",
    {
      phase: "answering",
      joins: [],
      generation: 1,
      rev: 5,
      target: 5,
      subscribedAt: 5,
      held: new Map(),
    },
    {
      join: "joining [9] resumes 5/5",
      answered: "live 5",
      leave: "left",
      oldBatch: "live 5",
      nextBatch: "live 7; send 5-7",
      laterBatch: "catchingUp 5/10; page since 5 known 5",
      oldRemoval: "live 5",
      nextRemoval: "left; send 5-12",
      betweenRemoval: "left; expel at 5",
      laterRemoval: "left; expel at 5",
      emptyRemoval: "left; expel at 5",
      typing: "live 5; ephemeral typist",
    },
  ],
  [
    "live at 5",
    { phase: "live", joins: [], generation: 1, rev: 5, subscribedAt: 5 },
    {
      join: "joining [9] resumes 5/5",
      leave: "left",
      nextBatch: "live 7; send 5-7",
      laterBatch: "catchingUp 5/10; page since 5 known 5",
      nextRemoval: "left; send 5-12",
      betweenRemoval: "left; expel at 5",
      laterRemoval: "left; expel at 5",
      emptyRemoval: "left; expel at 5",
      typing: "live 5; ephemeral typist",
    },
  ],
  [
    "live at 5, by a page that ends after a removal in 4",
    { phase: "live", joins: [], generation: 1, rev: 5, subscribedAt: 3 },
    {
      join: "joining [9] resumes 5/5",
      leave: "left",
      nextBatch: "live 7; send 5-7",
      laterBatch: "catchingUp 5/10; page since 5 known 5",
      oldRemoval: "left; expel at 5",
      nextRemoval: "left; send 5-12",
      betweenRemoval: "left; expel at 5",
      laterRemoval: "left; expel at 5",
      emptyRemoval: "left; expel at 5",
      typing: "live 5; ephemeral typist",
    },
  ],
  [
    "live, with the answer to an earlier join outstanding",
    {
      phase: "live",
      joins: [pending(2, { superseded: true })],
      generation: 1,
      rev: 5,
      subscribedAt: 5,
    },
    {
      join: "joining [(2) 9] resumes 5/5",
      joined: "live 5; answer 9",
      refused: "live 5",
      failed: "live 5",
      leave: "left [(2)]",
      nextBatch: "live [(2)] 7; send 5-7",
      laterBatch: "catchingUp [(2)] 5/10; page since 5 known 5",
      nextRemoval: "left [(2)]; send 5-12",
      betweenRemoval: "left [(2)]; expel at 5",
      laterRemoval: "left [(2)]; expel at 5",
      emptyRemoval: "left [(2)]; expel at 5",
      typing: "live [(2)] 5; ephemeral typist",
    },
  ],
  [
    "catching up, at 5 of 9",
    { phase: "catchingUp", joins: [], generation: 1, rev: 5, target: 9, subscribedAt: 9, known: 2 },
    {
      join: "joining [9] resumes 5/9",
      leave: "left",
      laterBatch: "catchingUp 5/10",
      nextRemoval: "left; expel at 5",
      laterRemoval: "left; expel at 5",
      emptyRemoval: "left; expel at 5",
      typing: "catchingUp 5/9; ephemeral typist",
      page: "catchingUp 8/9; send 5-8; page since 8 known 2",
      lastPage: "live 9; send 5-9",
      emptyPage: "live 5; send 5-5",
      pageRefused: "left; expel at 5",
      pageFailed: "catchingUp 5/9; disconnect",
    },
  ],
];

describe.each(TABLE)("%s", (_, state, row) => {
  test.each(Object.keys(EVENTS) as (keyof typeof EVENTS)[])("%s", (name) => {
    const step = reduce(state, EVENTS[name]);
    expect(shown(step)).toBe(row[name] ?? shown({ state, effects: [] }));
  });
});

test("a live conversation that was stored has everything up to its revision", () => {
  const world = new World();
  world.state = { phase: "live", joins: [], generation: 0, rev: 1, subscribedAt: 1 };
  [world.has, world.isSubscribed] = [1, true];
  world.commit();
  world.settle();
  expect([world.state.phase, world.has]).toEqual(["live", 2]);
});

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom(
      ...(["join", "join", "leave", "commit", "commit", "remove", "add", "ephemeral"] as const),
      ...(["call", "call", "answer", "answer", "batch", "batch", "merge", "sent"] as const),
      "startOver" as const,
    ),
    pick: fc.nat(3),
    flag: fc.boolean(),
  }),
  { maxLength: 60 },
);

/** Orders that once ended wrongly. */
const ORDERS: [name: string, act: (world: World) => void][] = [
  [
    "a removal that a page has overtaken, because the person was added again",
    (world) => {
      world.join(false);
      world.receiveCall(false);
      world.commit();
      world.receiveAnswer(0, false);
      world.join(false);
      world.receiveCall(false);
      world.remove();
      world.add();
    },
  ],
  [
    "a join with a revision, behind one without that is answered with a newer one",
    (world) => {
      world.join(false);
      world.receiveCall(false);
      world.receiveAnswer(0, false);
      world.leave();
      world.commit();
      world.join(false);
      world.join(true);
    },
  ],
  [
    "joins that are refused one after the other, and the removal after them",
    (world) => {
      world.join(false);
      world.receiveCall(false);
      world.join(false);
      world.remove();
      world.join(false);
      world.receiveAnswer(0, false);
      world.receiveCall(false);
      world.receiveAnswer(0, false);
      world.join(false);
    },
  ],
  [
    "two joins behind a removal, with a commit between their answers",
    (world) => {
      world.join(false);
      world.join(false);
      world.receiveCall(false);
      world.join(false);
      world.remove();
      world.receiveBatch(0, 1);
      world.add();
      world.receiveCall(false);
      world.commit();
    },
  ],
];

test.each(ORDERS)("in order: %s", (_, act) => {
  const world = new World();
  act(world);
  expectAtRest(world);
});

test("in whatever order: each revision once and in order, and in the end all of them", () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const world = new World();
      for (const { kind, pick, flag } of sequence) {
        if (kind === "join") world.join(flag);
        else if (kind === "call") world.receiveCall(flag && pick === 0);
        else if (kind === "answer") world.receiveAnswer(pick, flag && pick === 0);
        else if (kind === "batch") world.receiveBatch(pick, flag ? 1 : pick > 1 ? 2 : 0);
        else if (kind === "merge") world.merge(pick, flag);
        else if (kind === "sent") world.sendAnswer();
        else world[kind]();
      }
      expectAtRest(world);
    }),
    { numRuns: 10_000 },
  );
});

/** Everything arrives: the connection is where the conversation says, and the client has all of it. */
function expectAtRest(world: World): void {
  world.settle();
  const { state, rev } = world;
  expect(state.joins).toEqual([]);
  expect(["left", "live"]).toContain(state.phase);
  expect(state.phase === "live").toBe(world.isSubscribed);
  if (state.phase === "live") expect([state.rev, world.has]).toEqual([rev, rev]);
}

/** A step in a line: the state, its outstanding joins, and the effects. */
function shown({ state, effects, answer }: Step): string {
  const { phase } = state;
  const joins = state.joins.map(({ id, since, superseded, removedAt }) => {
    const parts = [id, since === undefined ? "" : `@${since}`];
    const name = [...parts, removedAt === undefined ? "" : `!${removedAt}`].join("");
    return superseded ? `(${name})` : name;
  });
  const parts: (string | false)[] = [phase, joins.length > 0 && `[${joins.join(" ")}]`];
  if (phase === "joining") {
    const { resume, target } = state;
    parts.push(target > 0 && `to ${target}`);
    parts.push(resume !== undefined && `resumes ${resume.rev}/${resume.target}`);
  } else if (phase !== "left") {
    const target = phase === "live" ? state.rev : state.target;
    parts.push(state.rev === target ? `${target}` : `${state.rev}/${target}`);
  }
  if ("held" in state && state.held.size > 0) parts.push(`holds ${state.held.size}`);
  const line = [parts.filter(Boolean).join(" "), ...effects.map(shownEffect)];
  if (answer !== undefined) line.push(`answer ${answer}`);
  return line.join("; ");
}

function shownEffect(effect: RoomEffect): string {
  switch (effect.type) {
    case "send":
      return `send ${effect.after}-${effect.batch.to}`;
    case "sendEphemeral":
      return `ephemeral ${effect.events.flatMap(({ messages }) => messages)}`;
    case "sendExpelled":
      return `expel at ${effect.rev}`;
    case "awaitAnswered":
      return "await the answer";
    case "requestPage":
      return `page since ${effect.since} known ${effect.known}`;
    case "disconnect":
      return "disconnect";
  }
}
