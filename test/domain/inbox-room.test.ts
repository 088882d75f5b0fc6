import fc from "fast-check";
import { expect, test } from "vitest";
import type { Page } from "../../src/conversation/outbound/sockets/view.ts";
import type { Batch } from "../../src/conversation/outbound/subscribers/gateway-api.ts";
import { mergedBatch } from "../../src/conversation/outbound/subscribers/merged-batch.ts";
import {
  delivered,
  ephemeral,
  fetched,
  mayAnswer,
  missed,
  OPENING,
  opened,
  paged,
  type RoomState,
  refused,
  type Step,
  storedRoom,
} from "../../src/inbox/room-state.ts";

const ID = "conversation";
const PAGE = 5;

/**
 * A conversation, its calls to a room on their way, the room, and its client, which fails on whatever it is
 * sent twice, out of order, or behind a gap.
 */
class World {
  rev = 3;
  /** Revisions that are not broadcast. */
  private readonly silent = new Set<number>();
  batchRev = 3;
  private last: Batch | undefined;
  private readonly deliveries: Batch[] = [];
  private readonly pages: { since: number; by: "server" | "client" }[] = [];
  private state: RoomState = OPENING;
  private readonly answers: (() => void)[] = [];
  private opening: (Page & { rev: number }) | undefined;
  /** What the client has. */
  has: number;
  isLive = false;
  closed: number | undefined;
  get isRemoved(): boolean {
    return this.last !== undefined;
  }

  private asks: number | undefined;

  constructor(since: number) {
    this.has = since;
  }

  commit(count: number, isSilent: boolean): void {
    if (this.last) return;
    for (let i = 0; i < count; i++) {
      this.rev++;
      if (isSilent) this.silent.add(this.rev);
    }
    if (isSilent) return;
    const lines: string[] = [];
    for (let rev = this.batchRev + 1; rev <= this.rev; rev++) {
      if (!this.silent.has(rev)) lines.push(JSON.stringify({ rev }));
    }
    this.deliveries.push(this.batch(lines, this.batchRev));
    this.batchRev = this.rev;
  }

  /** The person is removed, in the last revision that concerns this world. */
  remove(): void {
    const { batchRev } = this;
    if (this.last || (this.state.phase === "opening" && !this.opening)) return;
    this.commit(1, false);
    const batch = this.deliveries.pop();
    if (!batch) throw new Error(`no batch after ${batchRev}`);
    this.last = { ...batch, last: true };
    this.deliveries.push(this.last);
  }

  /** The conversation answers to `open`. */
  open(): void {
    if (this.state.phase === "opening" && !this.opening) {
      this.opening = { ...this.pageAfter(this.has), rev: this.rev };
    }
  }

  arriveOpening(): void {
    const { opening } = this;
    if (opening && this.state.phase === "opening") {
      this.take(opened(this.state, '{"hello":true}', opening, opening.rev));
    }
  }

  deliver(isLost: boolean): void {
    const batch = this.deliveries.shift();
    // Before it is opened, nothing is delivered, unless for another socket.
    if (batch && !isLost) this.take(delivered(this.state, batch));
  }

  /** What waits is merged, as under load. */
  merge(): void {
    const [first, second] = this.deliveries;
    const merged = first && second && mergedBatch(first, second);
    if (merged) this.deliveries.splice(0, 2, merged);
  }

  /** The conversation notices that a delivery failed. */
  retry(): void {
    this.deliveries.push(this.last ?? { ...this.batch([], this.batchRev), to: this.batchRev });
  }

  arrivePage(): void {
    const next = this.answers.shift() ?? this.answered();
    if (next) next();
  }

  /** The newest answer overtakes the others. */
  overtake(): void {
    this.answers.pop()?.();
  }

  /** The conversation answers; the answer is under way. */
  answer(): void {
    const next = this.answered();
    if (next) this.answers.push(next);
  }

  private answered(): (() => void) | undefined {
    const next = this.pages.shift();
    if (!next) return undefined;
    const { since, by } = next;
    // Refused to the client, it is an error and changes nothing.
    if (this.last) return () => by === "server" && this.take(refused(this.state, since));
    const page = this.pageAfter(since, by);
    return () =>
      this.take(by === "server" ? fetched(this.state, since, page) : paged(this.state, page));
  }

  /** The client requests the page that it has to request. */
  ask(): void {
    if (this.asks === undefined) return;
    this.request(this.asks, "client");
    this.asks = undefined;
  }

  /** The client requests a page although it does not have to. */
  askAgain(): void {
    if (this.state.phase === "opening" || this.asks !== undefined) return;
    this.request(this.has, "client");
  }

  hibernate(): void {
    const { state } = this;
    const isIdle = this.pages.length + this.answers.length === 0;
    if (isIdle && (state.phase === "live" || state.phase === "paging")) {
      this.state = storedRoom(state.phase, state.rev);
    }
  }

  settle(): void {
    this.open();
    this.arriveOpening();
    for (let i = 0; i < 200; i++) {
      this.deliver(false);
      this.arrivePage();
      this.ask();
    }
    this.retry();
    for (let i = 0; i < 200; i++) {
      this.deliver(false);
      this.arrivePage();
      this.ask();
    }
  }

  private batch(lines: string[], from: number): Batch {
    return { conversationId: ID, from, to: this.rev, lines, notes: [] };
  }

  private pageAfter(since: number, by = "client"): Page {
    const to = Math.min(this.rev, since + PAGE);
    const more = to < this.rev;
    return { frame: JSON.stringify({ page: since, to, more, by }), to, more };
  }

  private request(since: number, by: "server" | "client"): void {
    this.pages.push({ since, by });
  }

  private take({ state, effects }: Step): void {
    if (this.closed !== undefined) return;
    this.state = state;
    for (const effect of effects) {
      if (effect.type === "close") this.closed = effect.code;
      else if (effect.type === "fetch") {
        this.request(effect.since, "server");
      } else for (const line of effect.lines) this.receive(JSON.parse(line));
    }
    const isPlaced = state.phase !== "opening" && this.closed === undefined;
    if (isPlaced) expect(state.rev).toBe(this.has);
  }

  private receive(event: {
    hello?: true;
    page?: number;
    to?: number;
    more?: boolean;
    by?: string;
    rev?: number;
  }): void {
    const { hello, page, to = 0, more, by, rev = 0 } = event;
    expect(this.closed).toBeUndefined();
    if (hello) return;
    if (page !== undefined) {
      expect(page, "a page follows on what the client has").toBeLessThanOrEqual(this.has);
      if (by === "server") expect(page, "exactly").toBe(this.has);
      this.has = Math.max(this.has, to);
      // An earlier range, requested while it was live, leaves it live.
      if (!more) this.isLive = true;
      else if (this.state.phase === "paging") {
        this.isLive = false;
        this.asks = to;
      }
      return;
    }
    expect(this.isLive, "an event before the last page").toBe(true);
    expect(rev, "once, and in order").toBeGreaterThan(this.has);
    for (let between = this.has + 1; between < rev; between++) {
      expect(this.silent.has(between), `${between} is missing`).toBe(true);
    }
    this.has = rev;
  }
}

const step = fc.oneof(
  { weight: 20, arbitrary: fc.record({ do: fc.constant("commit" as const), count: fc.nat(2) }) },
  ...(
    [
      ["remove", 3],
      ["silent", 5],
      ["open", 10],
      ["arriveOpening", 10],
      ["deliver", 20],
      ["merge", 5],
      ["answer", 12],
      ["overtake", 8],
      ["lose", 5],
      ["retry", 5],
      ["arrivePage", 15],
      ["ask", 10],
      ["askAgain", 5],
      ["hibernate", 5],
    ] as const
  ).map(([name, weight]) => ({
    weight,
    arbitrary: fc.constant({ do: name, count: 0 }),
  })),
);

test("whatever is lost, late or repeated, the client has each revision once and in order, and in the end all", () => {
  fc.assert(
    fc.property(fc.nat(3), fc.array(step, { maxLength: 60 }), (since, steps) => {
      const world = new World(since);
      for (const { do: name, count } of steps) {
        if (name === "commit") world.commit(count + 1, false);
        else if (name === "silent") world.commit(1, true);
        else if (name === "deliver") world.deliver(false);
        else if (name === "lose") world.deliver(true);
        else world[name]();
      }
      world.settle();
      if (world.isRemoved) expect(world.closed).toBe(4403);
      else {
        expect(world.closed).toBeUndefined();
        expect(world.has).toBeGreaterThanOrEqual(world.batchRev);
      }
    }),
    { numRuns: 5_000 },
  );
});

const page = (to: number, more = false): Page => ({ frame: `page to ${to}`, to, more });
const batchOf = (from: number, to: number, more: Partial<Batch> = {}): Batch => {
  const lines = Array.from({ length: to - from }, (_, i) => JSON.stringify({ rev: from + 1 + i }));
  return { conversationId: ID, from, to, lines, notes: [], ...more };
};
const liveAt = (rev: number) => opened(OPENING, "hello", page(rev), rev).state;

test("an answer waits for the events that it follows, but not where the client gets no events", () => {
  expect(mayAnswer(OPENING, 0)).toBe(false);
  expect(mayAnswer(liveAt(3), 4)).toBe(false);
  expect(mayAnswer(delivered(liveAt(3), batchOf(3, 4)).state, 4)).toBe(true);
  expect(mayAnswer(opened(OPENING, "hello", page(3, true), 9).state, 10)).toBe(true);
});

test("events that an answer waits for in vain are requested", () => {
  expect(missed(liveAt(3), 3).effects).toEqual([]);
  expect(missed(liveAt(3), 4).effects).toEqual([{ type: "fetch", since: 3 }]);
});

test("what was missing is not sent where the client has requested it meanwhile", () => {
  const missing = missed(liveAt(3), 5).state;
  const { state } = paged(missing, page(5));
  expect(fetched(state, 3, page(5)).effects).toEqual([]);
  expect(fetched(missing, 3, page(5)).effects).toEqual([{ type: "send", lines: ["page to 5"] }]);
});

test("without events, presence is held, the last of each person, and typing is not", () => {
  const held = ["a on", "a off", "typing", "b on"].reduce(
    (state: RoomState, line) =>
      ephemeral(state, line, (line) => (line === "typing" ? undefined : line[0])).state,
    opened(OPENING, "hello", page(3, true), 9).state,
  );
  expect(paged(held, page(9)).effects).toEqual([
    { type: "send", lines: ["page to 9", "a off", "b on"] },
  ]);
});

test("a removal that is from before the conversation was opened again does not end it", () => {
  const { state, effects } = delivered(liveAt(5), batchOf(3, 4, { last: true }));
  expect([state, effects]).toEqual([liveAt(5), []]);
  expect(delivered(state, batchOf(5, 6, { last: true })).effects).toEqual([
    { type: "send", lines: ['{"rev":6}'] },
    { type: "close", code: 4403, reason: "no longer a member" },
  ]);
});

test("what is held is bounded, and requested again beyond that", () => {
  let state = OPENING;
  for (let rev = 1; rev <= 1_000; rev++) {
    ({ state } = delivered(state, batchOf(rev, rev + 1)));
    expect(state.held.length).toBeLessThanOrEqual(64);
  }
  const text = "x".repeat(200 * 1024);
  ({ state } = delivered(state, batchOf(1_001, 1_002, { lines: [text] })));
  ({ state } = delivered(state, batchOf(1_002, 1_003, { lines: [text] })));
  expect(state.held).toEqual([]);
  const { effects } = opened(state, "hello", page(1), 1);
  expect(effects.at(-1)).toEqual({ type: "fetch", since: 1 });
});
