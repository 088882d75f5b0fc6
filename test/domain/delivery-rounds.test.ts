import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type Delivery,
  DeliveryRounds,
  MAX_PAUSE_MS,
  MAX_WAITING,
  PAUSE_FACTOR,
} from "../../src/conversation/outbound/subscribers/delivery-rounds.ts";
import type { Batch, Subscriber } from "../../src/conversation/outbound/subscribers/gateway-api.ts";
import {
  MAX_MERGED,
  mergedBatch,
} from "../../src/conversation/outbound/subscribers/merged-batch.ts";

/** Which calls deliver the batches of commits to gateways, and when. */

const batchOf = (from: number, to: number, more: Partial<Batch> = {}): Batch => {
  const lines = Array.from({ length: to - from }, (_, i) => `event ${from + i + 1}`);
  return { conversationId: "a", from, to, lines, notes: [], ...more };
};

describe("two batches as one", () => {
  const TABLE: [name: string, earlier: Batch, later: Batch, merged: Batch | undefined][] = [
    ["that follow one another", batchOf(1, 3), batchOf(3, 4), batchOf(1, 4)],
    [
      "with notes",
      batchOf(1, 2, { notes: [{ rev: 2 }] }),
      batchOf(2, 3, { notes: [{ rev: 3 }] }),
      batchOf(1, 3, { notes: [{ rev: 2 }, { rev: 3 }] }),
    ],
    ["with revisions between them", batchOf(1, 3), batchOf(4, 5), undefined],
    ["that overlap", batchOf(1, 3), batchOf(2, 5), undefined],
    ["and a last one", batchOf(1, 3), batchOf(3, 4, { last: true }), undefined],
    ["after a last one", batchOf(1, 3, { last: true }), batchOf(3, 4), undefined],
    ["of as many lines as are allowed", batchOf(0, 499), batchOf(499, 500), batchOf(0, 500)],
    ["of too many lines", batchOf(0, 500), batchOf(500, 501), batchOf(501, 501)],
    [
      "that are too long",
      batchOf(1, 2, { lines: ["x".repeat(MAX_MERGED.units)] }),
      batchOf(2, 3, { lines: ["y"] }),
      batchOf(3, 3),
    ],
    ["after a gap", batchOf(3, 3), batchOf(3, 5), batchOf(3, 5)],
  ];
  test.each(TABLE)("%s", (_, earlier, later, merged) => {
    expect(mergedBatch(earlier, later)).toEqual(merged);
  });
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Call {
  at: number;
  gateway: string;
  delivery: Delivery;
  answer: () => Promise<void>;
}

function world() {
  const calls: Call[] = [];
  const began = Date.now();
  const send = (delivery: Delivery) =>
    new Promise<void>((resolve) => {
      const answer = async () => {
        resolve();
        await vi.advanceTimersByTimeAsync(0);
      };
      const { gateway } = delivery.subscriber;
      calls.push({ at: Date.now() - began, gateway, delivery, answer });
    });
  const rounds = new DeliveryRounds(send, () => Date.now());
  return { calls, rounds };
}

const subscriber = (gateway: string): Subscriber => {
  return {
    gateway,
    userId: gateway,
    protocol: "socketio",
    origin: "",
    counted: true,
    visible: true,
  };
};
const toAll = (gateways: readonly string[], batch: Batch) =>
  gateways.map((name): Delivery => ({ type: "batch", subscriber: subscriber(name), batch }));
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const said = ({ at, gateway, delivery }: Call) => {
  const { type } = delivery;
  const what = type === "batch" ? `${delivery.batch.from}-${delivery.batch.to}` : delivery.line;
  return `${at} ${gateway} ${what}`;
};

const ONE = ["a"];

test("single events are delivered at once, answered or not", async () => {
  const { calls, rounds } = world();
  for (let rev = 0; rev < 3; rev++) rounds.add(toAll(ONE, batchOf(rev, rev + 1)));
  expect(calls.map(said)).toEqual(["0 a 0-1", "0 a 1-2", "0 a 2-3"]);
  expect(vi.getTimerCount()).toBe(0);
});

test("what follows several events is merged until some times the time has passed that they took", async () => {
  const { calls, rounds } = world();
  const gateways = ["a", "b", "c"];
  rounds.add(toAll(gateways, batchOf(0, 2)));
  await pass(1);
  for (let rev = 2; rev < 5; rev++) rounds.add(toAll(gateways, batchOf(rev, rev + 1)));
  await calls[0]?.answer();
  await pass(4);
  await calls[2]?.answer();
  await pass(PAUSE_FACTOR * 5 - 6);
  expect(calls).toHaveLength(3);
  await pass(1);
  const at = PAUSE_FACTOR * 5;
  expect(calls.slice(3).map(said)).toEqual([`${at} a 2-5`, `${at} b 2-5`, `${at} c 2-5`]);
  expect(vi.getTimerCount()).toBe(0);
});

test("the pause is bounded, also where gateways do not answer", async () => {
  const { calls, rounds } = world();
  rounds.add(toAll(ONE, batchOf(0, 2)));
  rounds.add(toAll(ONE, batchOf(2, 3)));
  await pass(MAX_PAUSE_MS);
  expect(calls.map(said)).toEqual(["0 a 0-2", `${MAX_PAUSE_MS} a 2-3`]);
});

test("after the pause a batch is delivered at once, and no timer was needed", async () => {
  const { calls, rounds } = world();
  rounds.add(toAll(ONE, batchOf(0, 2)));
  await pass(2);
  await calls[0]?.answer();
  expect(vi.getTimerCount()).toBe(0);
  await pass(PAUSE_FACTOR * 2 - 2);
  rounds.add(toAll(ONE, batchOf(2, 4)));
  expect(calls.map(said)).toEqual(["0 a 0-2", `${PAUSE_FACTOR * 2} a 2-4`]);
});

test("an event without a revision waits only behind a batch, and keeps its place", async () => {
  const { calls, rounds } = world();
  rounds.add(toAll(ONE, batchOf(0, 2)));
  rounds.addEphemeral(subscriber("a"), "types");
  rounds.add(toAll(ONE, batchOf(2, 3)));
  rounds.addEphemeral(subscriber("a"), "stops");
  rounds.addEphemeral(subscriber("b"), "stops");
  rounds.add(toAll(ONE, batchOf(3, 4)));
  expect(calls.map(said)).toEqual(["0 a 0-2", "0 a types", "0 b stops"]);
  await pass(MAX_PAUSE_MS);
  const later = ["a 2-3", "a stops", "a 3-4"].map((text) => `${MAX_PAUSE_MS} ${text}`);
  expect(calls.slice(3).map(said)).toEqual(later);
});

test("what waits for a gateway that is removed is not sent", async () => {
  const { calls, rounds } = world();
  const gateways = ["a", "b"];
  rounds.add(toAll(gateways, batchOf(0, 2)));
  rounds.add(toAll(gateways, batchOf(2, 3)));
  rounds.remove("a");
  rounds.add(toAll(["b"], batchOf(3, 4)));
  await pass(MAX_PAUSE_MS);
  expect(calls.slice(2).map(said)).toEqual([`${MAX_PAUSE_MS} b 2-4`]);
});

test("a late answer to an earlier round does not shorten the pause", async () => {
  const { calls, rounds } = world();
  rounds.add(toAll(ONE, batchOf(0, 1)));
  await pass(3);
  rounds.add(toAll(ONE, batchOf(1, 3)));
  rounds.add(toAll(ONE, batchOf(3, 4)));
  await calls[0]?.answer();
  await pass(MAX_PAUSE_MS - 1);
  expect(calls).toHaveLength(2);
  await pass(1);
  expect(calls).toHaveLength(3);
});

test("a timer that fires late keeps the order", async () => {
  const { calls, rounds } = world();
  rounds.add(toAll(ONE, batchOf(0, 2)));
  rounds.add(toAll(ONE, batchOf(2, 3)));
  vi.setSystemTime(Date.now() + 2 * MAX_PAUSE_MS);
  rounds.add(toAll(ONE, batchOf(3, 4)));
  await pass(MAX_PAUSE_MS);
  expect(calls.slice(1).map(({ delivery }) => delivery)).toEqual(toAll(ONE, batchOf(2, 4)));
});

test("beyond some deliveries to one gateway, they are sent at once", async () => {
  const { calls, rounds } = world();
  rounds.add(toAll(ONE, batchOf(0, 2)));
  rounds.add(toAll(ONE, batchOf(2, 3)));
  const lines = Array.from({ length: MAX_WAITING - 1 }, (_, i) => `typing ${i}`);
  for (const line of lines) rounds.addEphemeral(subscriber("a"), line);
  expect(calls.map(said)).toEqual(["0 a 0-2", "0 a 2-3", ...lines.map((line) => `0 a ${line}`)]);
  await pass(MAX_PAUSE_MS);
  expect(calls).toHaveLength(1 + MAX_WAITING);
});

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom("commit", "commit", "last", "gap", "ephemeral", "answer", "pass"),
    amount: fc.integer({ min: 1, max: 12 }),
  }),
  { maxLength: 80 },
);

test("in whatever order: everything once, in order, and nothing later than the longest pause", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      vi.clearAllTimers();
      const { calls, rounds } = world();
      const began = Date.now();
      const expected: { what: string; at: number }[] = [];
      let rev = 0;
      for (const { kind, amount } of sequence) {
        const at = Date.now() - began;
        if (kind === "gap") rev += amount;
        else if (kind === "pass") await pass(amount * 3);
        else if (kind === "answer") await calls[amount]?.answer();
        else if (kind === "ephemeral") {
          expected.push({ what: `typing ${amount}`, at });
          rounds.addEphemeral(subscriber("a"), `typing ${amount}`);
        } else {
          const batch = batchOf(rev, rev + amount, kind === "last" ? { last: true } : {});
          rev += amount;
          expected.push(...batch.lines.map((what) => ({ what, at })));
          rounds.add(toAll(ONE, batch));
        }
      }
      await pass(MAX_PAUSE_MS);
      const sent = calls.flatMap(({ at, delivery }) => {
        if (delivery.type === "ephemeral") return [{ what: delivery.line, at }];
        const { from, to, lines } = delivery.batch;
        expect(lines).toEqual(batchOf(from, to).lines);
        return lines.map((what) => ({ what, at }));
      });
      expect(sent.map(({ what }) => what)).toEqual(expected.map(({ what }) => what));
      for (const [i, { at }] of sent.entries()) {
        expect(at - (expected[i]?.at ?? 0)).toBeLessThanOrEqual(MAX_PAUSE_MS);
      }
      expect(vi.getTimerCount()).toBe(0);
    }),
  );
});
