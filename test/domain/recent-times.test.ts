import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecentTimes } from "../../src/conversation/commit/recent-times.ts";
import { rebuilt } from "../../src/conversation/commit/send-times.ts";
import type { SendTime } from "../../src/conversation/tables/messages.ts";
import { type Allowance, allowance, WINDOW_MS } from "../../src/domain/rate-window.ts";

const HOUR = 3_600_000;
const START = 1_700_000_000_000;
const WHO = "ada";

/**
 * A sender's object: its clock, which may be set, its log, and its memory, which is lost by sleep.
 */
class Sender {
  /** Real time. */
  time = START;
  private offset = 0;
  private readonly log: SendTime[] = [];
  private recent: RecentTimes | undefined = new RecentTimes();
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get clock(): number {
    return this.time + this.offset;
  }

  pass(milliseconds: number): void {
    this.time += milliseconds;
  }

  setClock(by: number): void {
    this.offset += by;
  }

  sleep(): void {
    this.recent = undefined;
  }

  ask(): Allowance {
    this.recent ??= rebuilt(this.log.toReversed(), this.clock);
    return allowance(this.recent.of(WHO, this.clock), this.limit, this.clock);
  }

  send(): Allowance {
    const asked = this.ask();
    if (asked.allowed) {
      this.recent?.add(new Map([[WHO, [this.clock]]]), this.clock);
      this.log.push({ senderId: WHO, at: this.clock });
    }
    return asked;
  }
}

const gap = fc.oneof(
  fc.nat(3),
  fc.nat(20_000),
  fc.constantFrom(0, WINDOW_MS - 1, WINDOW_MS, WINDOW_MS + 1),
);
const jump = fc.oneof(
  fc.integer({ min: -500, max: 500 }),
  fc.integer({ min: -2 * WINDOW_MS, max: 2 * WINDOW_MS }),
  fc.constantFrom(-HOUR, HOUR),
);
const send = fc.record({ do: fc.constant("send"), after: gap });
const sleep = fc.record({ do: fc.constant("sleep") });
const clock = fc.record({ do: fc.constant("clock"), by: jump });
const steps = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: send },
    { weight: 2, arbitrary: sleep },
    { weight: 1, arbitrary: clock },
  ),
  { maxLength: 80, size: "max" },
);
const limit = fc.integer({ min: 1, max: 5 });

type Step = { do: string; after?: number; by?: number };

function take(sender: Sender, step: Step): Allowance | undefined {
  if (step.do === "sleep") sender.sleep();
  if (step.do === "clock") sender.setClock(step.by ?? 0);
  if (step.do !== "send") return undefined;
  sender.pass(step.after ?? 0);
  return sender.send();
}

describe("with arbitrary changes of the clock, and arbitrary sleep", () => {
  test("no sender is blocked for longer than the window, or twice that if the object slept", () => {
    fc.assert(
      fc.property(steps, limit, fc.boolean(), (taken, most, sleeps) => {
        const sender = new Sender(most);
        for (const step of taken) {
          const answer = take(sender, step);
          if (answer) expect(answer.resetMs).toBeLessThanOrEqual(WINDOW_MS);
        }
        const { allowed, resetMs } = sender.ask();
        if (allowed) return;
        sender.pass(resetMs);
        if (sleeps) {
          // If the clock was set back by less than the window, sleep loses this information.
          sender.sleep();
          sender.pass(sender.ask().allowed ? 0 : WINDOW_MS);
        }
        expect(sender.ask().allowed).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  test("no window of a clock that is not set back exceeds the limit", () => {
    fc.assert(
      fc.property(steps, limit, (taken, most) => {
        const sender = new Sender(most);
        let accepted: number[] = [];
        for (const step of taken) {
          if (step.do === "clock") accepted = [];
          if (!take(sender, step)?.allowed) continue;
          accepted.push(sender.time);
          const within = accepted.filter((time) => sender.time - time < WINDOW_MS);
          expect(within.length).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  test("no window of an object that is awake while the clock is set back exceeds the limit", () => {
    fc.assert(
      fc.property(steps, limit, (taken, most) => {
        const sender = new Sender(most);
        const accepted: number[] = [];
        for (const step of taken) {
          if (step.do === "sleep") continue;
          const back = "by" in step ? { ...step, by: -Math.abs(step.by) } : step;
          if (!take(sender, back)?.allowed) continue;
          accepted.push(sender.time);
          const within = accepted.filter((time) => sender.time - time < WINDOW_MS);
          expect(within.length).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

test("a clock that was an hour fast blocks no sender for an hour, also across sleep", () => {
  const sender = new Sender(3);
  sender.setClock(HOUR);
  for (let i = 0; i < 3; i++) expect(sender.send().allowed).toBe(true);
  sender.setClock(-HOUR);
  expect(sender.send()).toMatchObject({ allowed: false, resetMs: WINDOW_MS });
  sender.pass(WINDOW_MS);
  for (let i = 0; i < 3; i++) expect(sender.send().allowed).toBe(true);
  sender.sleep();
  expect(sender.send()).toMatchObject({ allowed: false, resetMs: WINDOW_MS });
  sender.pass(WINDOW_MS);
  expect(sender.send().allowed).toBe(true);
});

test("expired times are not kept", () => {
  const times = new RecentTimes();
  for (let i = 0; i < 10_000; i++) times.add(new Map([[`user-${i}`, [i * 100]]]), i * 100);
  const kept = Array.from({ length: 10_000 }, (_, i) => times.of(`user-${i}`, 999_900).length);
  expect(kept.reduce((sum, length) => sum + length)).toBeLessThanOrEqual(2 * (WINDOW_MS / 100));
});
