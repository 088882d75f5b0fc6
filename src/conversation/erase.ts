import { idInJson } from "../domain/erasure.ts";
import { ERASED_PREFIX } from "../domain/person.ts";
import { ERASING, type ErasureCommand } from "./decide/erase.ts";
import type { ErasureProgress, ErasureRequest } from "./erase-api.ts";
import type { OpenConversation } from "./open.ts";
import { RESTORING } from "./restoring.ts";
import { restartAnew, startedOver } from "./start-over.ts";
import { isClosing, readEpoch } from "./tables/epochs.ts";
import {
  copyBlocks,
  isDeserted,
  isInMessages,
  isInOtherTables,
  reactionsWithin,
  removeOwnRows,
  replaceElsewhere,
  replaceInMessages,
  writtenWithin,
} from "./tables/erasure.ts";
import { hasHold } from "./tables/holds.ts";

/** Messages that are looked at in one turn of the object. */
const SLICE = 500;
/** The same, where they are only looked through. */
const LOOKED_AT = 2_000;
/** Messages that are cleared, and reactions that are removed, in one commit. */
const BATCH = 16;
/** For how long a call goes on, in milliseconds. */
const CALL_MS = 3_000;
/** How long a call waits at most for D1. */
const LISTS_MS = 5_000;

/**
 * Erases a person in a conversation, in turns of some milliseconds between which others are served: they leave,
 * what they wrote is cleared if that was chosen, and then every row that names them is written without them. The
 * last turn writes the rows that memory has as well, begins a new epoch, and restarts the object: the call that
 * comes to it rejects, and the next one answers how far D1 is.
 */
export async function erase(
  open: OpenConversation,
  ctx: DurableObjectState,
  request: ErasureRequest,
): Promise<ErasureProgress> {
  const { sql, memory, clock } = open;
  const { userId, by } = request;
  const { storage } = ctx;
  if (startedOver(sql, by)) return await ended(open);
  if (hasHold(sql)) return "held";
  const until = clock() + CALL_MS;
  const depart = () => carryOut(open, [{ type: "erase-member", userId }]);
  const on = (from: number) => ({ from, of: memory.counters.lastNumber });
  open.evict(userId);
  if (request.from === 1 && !(await isNamed(open, userId, until))) {
    return { isListed: true, isDeserted: false };
  }
  await depart();
  memory.blocks.changed(
    copyBlocks(sql, request).map((blocker) => ({ userId: blocker, blockedId: request.erasedId })),
  );
  let { from } = request;
  while (from <= memory.counters.lastNumber) {
    if (clock() >= until) return on(from);
    refuseWhileClosed(sql, clock());
    if (hasHold(sql)) return "held";
    const to = Math.min(from + SLICE - 1, memory.counters.lastNumber);
    if (request.messages === "clear") await clear(open, userId, from, to);
    storage.transactionSync(() => replaceInMessages(sql, request, from, to));
    from = to + 1;
    await nextTurn();
  }
  while (removeOwnRows(sql, userId)) await nextTurn();
  // Whoever has let them in again meanwhile.
  await depart();
  open.settle();
  if (from <= memory.counters.lastNumber) return on(from);
  refuseWhileClosed(sql, clock());
  if (hasHold(sql)) return "held";
  return await restartAnew(ctx, { by }, clock(), () => replaceElsewhere(sql, request));
}

/** A restore may have closed the conversation since the call began: an epoch that began now would open it again. */
function refuseWhileClosed(sql: SqlStorage, now: number): void {
  if (isClosing(readEpoch(sql).fence, now)) throw new Error(RESTORING);
}

/**
 * Whether anything here names the person, or may do so; where nothing does, as in most conversations in which staff
 * might have written, nobody is interrupted. An id of nobody may be that of an earlier erasure of the same person,
 * which has not begun an epoch.
 */
async function isNamed(open: OpenConversation, userId: string, until: number): Promise<boolean> {
  const { sql, memory, clock } = open;
  open.settle();
  const texts = [...new Set([userId, idInJson(userId).slice(1, -1), ERASED_PREFIX])];
  if (isInOtherTables(sql, userId, texts)) return true;
  for (let from = 1; from <= memory.counters.lastNumber; from += LOOKED_AT) {
    if (clock() >= until || isInMessages(sql, texts, from, from + LOOKED_AT - 1)) return true;
    await nextTurn();
  }
  return isInOtherTables(sql, userId, texts);
}

/** Nothing names the person any more. */
async function ended({ sql, memory, projector }: OpenConversation): Promise<ErasureProgress> {
  await projector.reached(memory.counters.rev, LISTS_MS);
  const isListed = !readEpoch(sql).isUnswept && projector.cursor >= memory.counters.rev;
  return { isListed, isDeserted: isDeserted(memory.conversation.kind, sql) };
}

/** Clears the person's messages `from`…`to`, and removes their reactions to them. */
async function clear(open: OpenConversation, userId: string, from: number, to: number) {
  const written = writtenWithin(open.sql, userId, from, to);
  const reacted = reactionsWithin(open.sql, userId, from, to);
  const commands: ErasureCommand[] = [
    ...written.map((number) => ({ type: "erase-message" as const, number })),
    ...reacted.map((reaction) => ({ type: "erase-reaction" as const, ...reaction, userId })),
  ];
  for (let done = 0; done < commands.length; done += BATCH) {
    await carryOut(open, commands.slice(done, done + BATCH));
    await nextTurn();
  }
}

async function carryOut(open: OpenConversation, commands: readonly ErasureCommand[]) {
  const results = await open.submitAll(ERASING, commands);
  const failed = results.find(({ ok }) => !ok);
  if (failed && !failed.ok) throw new Error(`an erasure was refused: ${failed.error.code}`);
}

/** Lets others be served. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
