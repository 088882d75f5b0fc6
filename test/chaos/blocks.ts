import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../random.ts";
import { Periods } from "./periods.ts";

/** What arrives so long after a block was acknowledged was sent after it. */
const UNDERWAY_MS = 2_000;

/** People who block each other for a while, and what follows from it for what they have read and see. */
export class Blocks {
  /** How often somebody received what a person wrote whom they block. */
  readonly leaks: string[] = [];
  private readonly periods = new Periods();
  private readonly request: (userId: string, method: string, body: object) => Promise<Response>;

  /** `request`: of a user, to `/api/users/blocks`. */
  constructor(request: (userId: string, method: string, body: object) => Promise<Response>) {
    this.request = request;
  }

  get count(): number {
    return this.periods.count;
  }

  /** Has one member of a conversation block another for some seconds. */
  start(memberIds: readonly string[], random: Random): void {
    const userId = random.any(memberIds) ?? "";
    const blockedId = random.any(memberIds.filter((other) => other !== userId)) ?? "";
    const set = (method: string) => () => this.untilEverywhere(userId, method, blockedId);
    const what = { on: set("PUT"), off: set("DELETE") };
    this.periods.start(keyOf(userId, blockedId), what, random.between(2_000, 12_000));
  }

  /** Lifts those that hold; resolves once nobody is blocked. */
  stop(): Promise<void> {
    return this.periods.stop();
  }

  /** A client of a user received a text of somebody. */
  received(userId: string, senderId: string, text: string): void {
    if (!this.periods.holdsSince(keyOf(userId, senderId), Date.now() - UNDERWAY_MS)) return;
    this.leaks.push(`${userId} blocks ${senderId} and received "${text}"`);
  }

  /** Whether a user ever asked to block another. */
  wasEver(userId: string, senderId: string): boolean {
    return this.periods.wasEver(keyOf(userId, senderId));
  }

  /** Whether a user may have blocked another at any time within a span. */
  mayHaveHeldWithin(userId: string, senderId: string, from: number, to: number): boolean {
    return this.periods.mayHaveHeldWithin(keyOf(userId, senderId), from, to);
  }

  /** Whether a user certainly has blocked another for a moment after a time. */
  heldAfter(userId: string, senderId: string, from: number): boolean {
    return this.periods.heldAfter(keyOf(userId, senderId), from);
  }

  /** Whether they certainly did at a time and had for a while. */
  heldAt(userId: string, senderId: string, time: number): boolean {
    return this.periods.heldAt(keyOf(userId, senderId), time);
  }

  /** A change that is not in all conversations yet is requested again. */
  private async untilEverywhere(userId: string, method: string, blockedId: string): Promise<void> {
    for (;;) {
      const response = await this.request(userId, method, { userId: blockedId }).catch(
        () => undefined,
      );
      await response?.body?.cancel();
      if (response?.ok && !response.headers.has("Warning")) return;
      if (response && response.status < 500 && ![204, 429].includes(response.status)) {
        throw new Error(`${method} of a block: ${response.status}`);
      }
      await sleep(200);
    }
  }
}

const keyOf = (userId: string, otherId: string) => `${userId} ${otherId}`;
