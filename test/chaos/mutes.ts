import { setTimeout as sleep } from "node:timers/promises";
import { ParleyError } from "../../src/client/error.ts";
import type { Rest } from "../../src/client/rest.ts";
import type { Random } from "../random.ts";
import { isRetried } from "./actor.ts";

interface Mute {
  conversationId: string;
  userId: string;
  /** When it was requested and acknowledged, and its end likewise; milliseconds since the epoch. */
  from: number;
  since: number;
  until: number;
  ended: number;
}

/** People who mute conversations for a while. */
export class Mutes {
  private readonly all: Mute[] = [];
  private readonly running = new Set<Promise<void>>();
  private isStopped = false;

  get count(): number {
    return this.all.length;
  }

  /** Mutes a conversation for some seconds, unless it is muted. */
  start(conversationId: string, userId: string, rest: Rest, random: Random): void {
    const isMuted = this.all.some(
      (mute) =>
        mute.conversationId === conversationId && mute.userId === userId && mute.ended === Infinity,
    );
    if (isMuted) return;
    const run = this.run(conversationId, userId, rest, random.between(5_000, 20_000));
    this.running.add(run);
    void run.finally(() => this.running.delete(run));
  }

  /** Ends those that hold; resolves once nothing is muted. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.running);
  }

  /** Whether a conversation certainly was muted at a time. */
  heldAt(conversationId: string, userId: string, time: number): boolean {
    return this.of(conversationId, userId).some(({ since, until }) => time > since && time < until);
  }

  /** Whether it may have been muted at any time within a span. */
  mayHaveHeldWithin(conversationId: string, userId: string, from: number, to: number): boolean {
    return this.of(conversationId, userId).some((mute) => mute.from < to && mute.ended > from);
  }

  private of(conversationId: string, userId: string): Mute[] {
    return this.all.filter(
      (mute) => mute.conversationId === conversationId && mute.userId === userId,
    );
  }

  private async run(
    conversationId: string,
    userId: string,
    rest: Rest,
    milliseconds: number,
  ): Promise<void> {
    const [since, until, ended] = [Infinity, Infinity, Infinity];
    const mute: Mute = { conversationId, userId, from: Date.now(), since, until, ended };
    this.all.push(mute);
    await untilDone(() => rest.setNotificationLevel(conversationId, { level: "none" }));
    mute.since = Date.now();
    const end = Date.now() + milliseconds;
    while (!this.isStopped && Date.now() < end) await sleep(100);
    mute.until = Date.now();
    await untilDone(() => rest.setNotificationLevel(conversationId, { level: "default" }));
    mute.ended = Date.now();
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
