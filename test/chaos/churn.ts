import { setTimeout as sleep } from "node:timers/promises";
import { ParleyError } from "../../src/client/error.ts";
import type { Rest } from "../../src/client/rest.ts";
import type { Random } from "../random.ts";
import type { Findings } from "./checks.ts";
import type { PublicClient } from "./public-client.ts";
import { isRetried } from "./retried.ts";

/** How much longer than it may take a removal is waited for, to tell late from never. */
const MORE_PATIENCE_MS = 45_000;

export interface MembershipChurnOptions {
  conversationId: string;
  guest: PublicClient;
  guestId: string;
  /** Of the owner. */
  rest: Rest;
  random: Random;
  findings: Findings;
  isServerUp: () => boolean;
}

/** Removes a guest and adds them again, repeatedly, and checks which events they receive meanwhile. */
export class MembershipChurn {
  removals = 0;
  private readonly options: MembershipChurnOptions;
  private stopped = false;

  constructor(options: MembershipChurnOptions) {
    this.options = options;
  }

  /** Runs until `stop`; at the end the guest is a member. */
  async act(): Promise<void> {
    const { conversationId, guest, guestId, rest, random } = this.options;
    for (;;) {
      await sleep(random.between(500, 3_000));
      if (this.stopped) return;
      guest.isOut = false;
      const removed = () => rest.removeParticipant(conversationId, guestId);
      await this.done(removed, "participant_not_found");
      this.removals++;
      await this.noticed();
      guest.isRemoved = true;
      await sleep(random.between(0, 1_000));
      guest.isRemoved = false;
      await this.done(() => rest.addParticipant(conversationId, guestId), "already_a_member");
    }
  }

  stop(): void {
    this.stopped = true;
  }

  /** Waits until the guest knows that it is out, and says how late that was. */
  private async noticed(): Promise<void> {
    const { guest, findings, isServerUp } = this.options;
    const removedAt = Date.now();
    // Nobody can learn anything while the server is being started again.
    let down = 0;
    let now = removedAt;
    while (!guest.isOut && now - removedAt - down < guest.patienceMs + MORE_PATIENCE_MS) {
      await sleep(20);
      if (!isServerUp()) down += Date.now() - now;
      now = Date.now();
    }
    const took = now - removedAt - down;
    if (took <= guest.patienceMs) return;
    const when = guest.isOut ? `after ${took} ms` : `never, in ${took} ms`;
    findings.lost.add(
      `${guest.name}: removal ${this.removals} was noticed ${when}; at most ${guest.patienceMs} (${guest.trailSince(removedAt)})`,
    );
  }

  /** Calls `work`, repeatedly until it succeeds. */
  private async done(action: () => Promise<unknown>, already: string): Promise<void> {
    for (;;) {
      try {
        await action();
        return;
      } catch (error) {
        if (!(error instanceof ParleyError)) throw error;
        if (error.code === already) return;
        if (!isRetried(error)) throw error;
        await sleep(100);
      }
    }
  }
}
