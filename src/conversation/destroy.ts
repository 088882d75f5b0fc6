import type { Env } from "../env.ts";
import { CLOSE } from "../live/version.ts";
import { log } from "../logging.ts";
import type { OpenConversation } from "./open.ts";
import { close } from "./outbound/sockets/socket.ts";
import { SubscriberCalls } from "./outbound/subscribers/subscriber-calls.ts";
import { subscriberOf } from "./stub.ts";
import { subscribers } from "./tables/subscribers.ts";
import { bury } from "./tables/tombstone.ts";

/** Gateways and inboxes that are called at a time. */
const CALLS_AT_A_TIME = 100;
/** How long it waits for D1, which says whose inboxes are told, and whose files go. */
const LISTS_MS = 5_000;

/** Whether anything of it may be deleted: a legal hold that the object knows of. */
export function isHeldHere(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM holds LIMIT 1").toArray().length > 0;
}

/**
 * Deletes a conversation that its object shows to nobody any more: ends its sockets, gateways and inbox rooms,
 * removes everything, and restarts the object, so that nothing of it is in memory either. Rejects, because the
 * restart ends the call; whoever calls again is answered. Nothing is deleted where the object ends before (as where
 * SQLite does not drop a part of the search index that is still read, which ends the object with its readers), where
 * a legal hold has come meanwhile, and where D1 does not have everything.
 */
export async function destroy(
  ctx: DurableObjectState,
  env: Env,
  open: OpenConversation,
): Promise<never> {
  const { sql, epoch, memory } = open;
  const conversationId = memory.conversation.id;
  for (const socket of ctx.getWebSockets()) {
    // Without an attachment it is not restored, should the object wake.
    socket.serializeAttachment(null);
    close(socket, CLOSE.notFound, "the conversation was deleted");
  }
  await endSubscribers(env, sql, conversationId, memory.counters.rev + 1);
  // Commands that were under way may have been committed meanwhile: the removal is newer than they are.
  open.settle();
  const isListed = await open.projector.reached(memory.counters.rev, LISTS_MS);
  return ctx.blockConcurrencyWhile(async () => {
    open.settle();
    let reason = "the conversation was deleted";
    if (isHeldHere(sql) || !isListed) {
      reason = isListed ? "a legal hold stands" : "the lists do not have everything";
      await ctx.storage.setAlarm(Date.now());
    } else {
      const rev = memory.counters.rev + 1;
      ctx.storage.transactionSync(() => bury(sql, { id: conversationId, epoch, rev }));
      await ctx.storage.deleteAlarm();
    }
    await ctx.storage.sync();
    ctx.abort(reason);
    throw new Error(reason);
  });
}

/** Has every gateway and inbox that can be reached leave. The others find that there is none once they ask. */
async function endSubscribers(
  env: Env,
  sql: SqlStorage,
  conversationId: string,
  rev: number,
): Promise<void> {
  const calls = new SubscriberCalls(
    (protocol, gateway) => subscriberOf(env, protocol, gateway),
    (error) => log("gateway_failed", { conversationId, error }),
  );
  const all = subscribers(sql);
  const last = { conversationId, from: rev, to: rev, lines: [], notes: [] };
  const batch = { ...last, last: true, deleted: true } as const;
  for (let first = 0; first < all.length; first += CALLS_AT_A_TIME) {
    const some = all.slice(first, first + CALLS_AT_A_TIME);
    await Promise.all(some.map(({ subscriber }) => calls.ask(subscriber, "deliver", batch)));
  }
}
