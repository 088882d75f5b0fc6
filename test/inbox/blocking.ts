import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { onTestFinished, vi } from "vitest";
import { blockedBy } from "../../src/directory/blocks.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { type Caller, objectOf, person } from "../support.ts";
import { inboxOf } from "./replica.ts";
import { fireAlarm, moveClock, rowsOf } from "./watching.ts";

/** What tests of blocks share: calls of conversations that are counted, held or lost, and restarts. */

export interface BlockCalls {
  /** The conversations that were called, in order. */
  called: string[];
  /** Those calls under way at a time at most. */
  most: number;
}

/** Has every call of a method of conversations pass through a function first, which may wait or throw. */
export async function throughCalls(
  pass: (conversationId: string) => Promise<unknown> | undefined = () => undefined,
  method: "applyBlocks" | "submit" | "create" = "applyBlocks",
): Promise<BlockCalls> {
  const calls: BlockCalls = { called: [], most: 0 };
  let running = 0;
  const { userId } = await person();
  await runInDurableObject(objectOf(userId), (instance) => {
    // biome-ignore lint/suspicious/noExplicitAny: wraps a method of a class
    const type: any = Object.getPrototypeOf(instance);
    const real = type[method];
    type[method] = async function (
      this: { ctx: { id: { name: string } } },
      ...parameters: unknown[]
    ) {
      const { name } = this.ctx.id;
      calls.called.push(name);
      running++;
      calls.most = Math.max(calls.most, running);
      try {
        await pass(name);
        return await real.apply(this, parameters);
      } finally {
        running--;
      }
    };
    onTestFinished(() => {
      type[method] = real;
    });
  });
  return calls;
}

/** Ends the object of an inbox, whatever it is doing. */
export async function restartInbox(caller: Caller): Promise<void> {
  await runInDurableObject(inboxOf(caller), (_, context) => context.abort("restart")).catch(
    () => undefined,
  );
}

/** Fires the alarms of an inbox until its blocks are everywhere; the clock must stand still. */
export async function untilEverywhere(caller: Caller): Promise<void> {
  await vi.waitFor(
    async () => {
      const rows = await rowsOf(caller, "blocks");
      if (rows.every(({ progress }) => progress === null)) return;
      moveClock(60_000);
      await fireAlarm(caller);
      throw new Error(`not yet: ${JSON.stringify(rows)}`);
    },
    { timeout: 10_000, interval: 20 },
  );
}

/** Whom a user blocks, as D1 has it. */
export async function blockedInD1(caller: Caller): Promise<string[]> {
  return [...(await blockedBy(directoryOf(env.DB), caller.userId))].sort();
}
