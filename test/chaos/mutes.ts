import type { Rest } from "../../src/client/rest.ts";
import type { Random } from "../random.ts";
import { Periods } from "./periods.ts";

/** People who mute conversations for a while. */
export class Mutes {
  private readonly periods = new Periods();

  get count(): number {
    return this.periods.count;
  }

  /** Mutes a conversation for some seconds, unless it is muted. */
  start(conversationId: string, userId: string, rest: Rest, random: Random): void {
    const on = () => rest.setNotificationLevel(conversationId, { level: "none" });
    const off = () => rest.setNotificationLevel(conversationId, { level: "default" });
    const key = keyOf(conversationId, userId);
    this.periods.start(key, { on, off }, random.between(5_000, 20_000));
  }

  /** Ends those that hold; resolves once nothing is muted. */
  stop(): Promise<void> {
    return this.periods.stop();
  }

  /** Whether a conversation certainly was muted at a time. */
  heldAt(conversationId: string, userId: string, time: number): boolean {
    return this.periods.heldAt(keyOf(conversationId, userId), time);
  }

  /** Whether it may have been muted at any time within a span. */
  mayHaveHeldWithin(conversationId: string, userId: string, from: number, to: number): boolean {
    return this.periods.mayHaveHeldWithin(keyOf(conversationId, userId), from, to);
  }
}

const keyOf = (conversationId: string, userId: string) => `${conversationId} ${userId}`;
