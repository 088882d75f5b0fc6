import { isLarge } from "../domain/conversation.ts";
import { CLOSE } from "../live/version.ts";
import { epochAfter } from "./commit/create.ts";
import { close } from "./outbound/sockets/socket.ts";
import type { Subscriber } from "./outbound/subscribers/gateway-api.ts";
import { dropIndex, hasIndex } from "./search/index-tables.ts";
import { beginRound } from "./tables/armed.ts";
import { stampActs } from "./tables/audit.ts";
import { readCounters } from "./tables/conversation.ts";
import { putEpoch, readEpoch } from "./tables/epochs.ts";
import { putSubscriber } from "./tables/subscribers.ts";

/** What begins an epoch, and what is known of the one before. */
export interface StartOver {
  /** An id of the caller's: with the same id it is begun once. */
  by: string;
  /**
   * The newest revision and epoch that were given out, where the storage was taken back to a time before. Absent:
   * it begins because something was erased, and nothing from before may come back.
   */
  restored?: Given | undefined;
  /** No legal hold stands, whatever is stored of an earlier time. */
  unheld?: true;
  /** Gateways that have to be told, and may not be stored after a restore. */
  subscribers?: readonly Subscriber[] | undefined;
}

export interface Given {
  rev: number;
  epoch: string;
}

export interface StartedOver {
  epoch: string;
  /** The revision with which it began. */
  rev: number;
}

/**
 * Begins a new epoch and restarts the object: nothing that was read before is valid any more. Nothing else runs
 * meanwhile; what `write` stores is stored with the epoch. Rejects, because the restart ends the call; whoever
 * calls again is answered.
 */
export function restartAnew(
  ctx: DurableObjectState,
  request: StartOver,
  now: number,
  write?: () => void,
): Promise<never> {
  const { storage } = ctx;
  return ctx.blockConcurrencyWhile(async () => {
    storage.transactionSync(() => {
      write?.();
      startOver(storage.sql, request, now);
    });
    // D1 is rewritten and everybody told by the alarm, if nothing wakes the object before.
    await storage.setAlarm(now);
    await endSockets(ctx);
    ctx.abort("the conversation starts over");
    throw new Error("the conversation starts over");
  });
}

/** Closes all sockets, and resolves once everything is stored and the closes are on their way. */
export async function endSockets(ctx: DurableObjectState): Promise<void> {
  for (const socket of ctx.getWebSockets()) {
    // Without an attachment it is not restored when the object wakes.
    socket.serializeAttachment(null);
    close(socket, CLOSE.goingAway, "please reconnect");
  }
  await ctx.storage.sync();
  await new Promise((resolve) => setTimeout(resolve, 0));
}

/** The epoch that an id has begun; `undefined`: it has begun none. */
export function startedOver(sql: SqlStorage, by: string): StartedOver | undefined {
  const { epoch, beganAt, begunBy } = readEpoch(sql);
  return begunBy === by ? { epoch, rev: beganAt } : undefined;
}

/**
 * Begins a new epoch in what is stored, with a revision that is higher than any that was given out. So a
 * cursor of an earlier epoch is known by its number alone, whoever presents it. D1 is to be rewritten, and
 * every inbox to be called. Does nothing where it was begun before.
 */
function startOver(
  sql: SqlStorage,
  { by, restored, unheld, subscribers = [] }: StartOver,
  now: number,
): void {
  const before = readEpoch(sql);
  if (before.begunBy === by) return;
  const counters = readCounters(sql);
  const beganAt = Math.max(counters.rev, restored?.rev ?? 0) + 1;
  const newest = restored && restored.epoch > before.epoch ? restored.epoch : before.epoch;
  const epoch = epochAfter(newest, now, crypto.getRandomValues(new Uint8Array(5)));
  stampActs(sql, before.epoch);
  putEpoch(sql, { epoch, beganAt, begunBy: by, erasedAt: restored ? before.erasedAt : now });
  beginRound(sql, isLarge(counters.memberCount));
  if (unheld) sql.exec("DELETE FROM holds");
  for (const subscriber of subscribers) putSubscriber(sql, subscriber);
  if (hasIndex(sql)) dropIndex(sql);
}
