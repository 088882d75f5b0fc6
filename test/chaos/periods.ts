import { setTimeout as sleep } from "node:timers/promises";
import { ParleyError } from "../../src/client/error.ts";
import { isRetried } from "./retried.ts";

interface Period {
  /** When it was requested and acknowledged, and its end likewise; milliseconds since the epoch. */
  from: number;
  since: number;
  until: number;
  ended: number;
}

/** How something is turned on and off. Both may be repeated. */
export interface Switch {
  on: () => Promise<unknown>;
  off: () => Promise<unknown>;
}

/** What is on for a while, by a key: a mute of somebody, a block of one by another. */
export class Periods {
  private readonly all = new Map<string, Period[]>();
  private readonly running = new Set<Promise<void>>();
  private isStopped = false;

  get count(): number {
    return [...this.all.values()].reduce((sum, periods) => sum + periods.length, 0);
  }

  /** Whether it was ever requested. */
  wasEver(key: string): boolean {
    return this.all.has(key);
  }

  /** Turns something on for so many milliseconds, unless it is. */
  start(key: string, what: Switch, milliseconds: number): void {
    if (this.isStopped || this.of(key).some(({ ended }) => ended === Infinity)) return;
    const run = this.run(key, what, milliseconds);
    this.running.add(run);
    void run.finally(() => this.running.delete(run));
  }

  /** Ends those that hold; resolves once nothing is on. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.running);
  }

  /** Whether it certainly was on at a time. */
  heldAt(key: string, time: number): boolean {
    return this.of(key).some(({ since, until }) => time > since && time < until);
  }

  /** Whether it certainly is on, and has been since a time. */
  holdsSince(key: string, time: number): boolean {
    return this.of(key).some(({ since, until }) => since < time && until === Infinity);
  }

  /** Whether it certainly was on at some time after `from`. */
  heldAfter(key: string, from: number): boolean {
    return this.of(key).some(({ since, until }) => since < until && until > from);
  }

  /** Whether it may have been on at any time within a span. */
  mayHaveHeldWithin(key: string, from: number, to: number): boolean {
    return this.of(key).some((period) => period.from < to && period.ended > from);
  }

  private of(key: string): Period[] {
    return this.all.get(key) ?? [];
  }

  private async run(key: string, { on, off }: Switch, milliseconds: number): Promise<void> {
    const period = { from: Date.now(), since: Infinity, until: Infinity, ended: Infinity };
    this.all.set(key, [...this.of(key), period]);
    await untilDone(on);
    period.since = Date.now();
    const end = Date.now() + milliseconds;
    while (!this.isStopped && Date.now() < end) await sleep(100);
    period.until = Date.now();
    await untilDone(off);
    period.ended = Date.now();
  }
}

async function untilDone(request: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await request();
      return;
    } catch (error) {
      if (!(error instanceof ParleyError) || !isRetried(error)) throw error;
      await sleep(100);
    }
  }
}
