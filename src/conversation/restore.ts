import { fail, ok, type Result } from "../domain/error.ts";
import { log } from "../logging.ts";
import type { OpenConversation } from "./open.ts";
import { Recovery } from "./recovery.ts";
import type { RestoreAnswer, RestoreStep } from "./restore-api.ts";
import { endSockets, type Given, restartAnew, startedOver } from "./start-over.ts";
import { type Fence, isClosing, putFence, readEpoch } from "./tables/epochs.ts";
import { hasHold } from "./tables/holds.ts";
import { tombstoneIn } from "./tables/tombstone.ts";

/** For how long the platform keeps earlier states of an object. */
const KEPT_MS = 30 * 24 * 60 * 60_000;
/** How long a call waits for D1. */
const LISTS_MS = 5_000;
/** Commands that wait for the before-send hook or for files may be committed after the close; not as many. */
const UNDER_WAY = 10_000;
/** Gateways that are named because they could not be told, at most. */
const MAX_UNTOLD = 200;

interface Restoring {
  ctx: DurableObjectState;
  open: OpenConversation;
  /** Whether the conversation is closed, from now on. */
  setFenced: (isFenced: boolean) => void;
}

export async function restore(
  restoring: Restoring,
  request: RestoreStep,
): Promise<Result<RestoreAnswer>> {
  switch (request.step) {
    case "find":
      return await find(restoring, request.at);
    case "close":
      return await closeFor(restoring, request);
    case "rewind":
    case "return":
      return await rewind(restoring, request);
    case "reopen":
      if (readEpoch(restoring.open.sql).fence?.by === request.by) reopen(restoring, null);
      return ok({});
  }
}

/** The same where the object holds no conversation. */
export async function restoreNothing(
  ctx: DurableObjectState,
  request: RestoreStep,
): Promise<Result<RestoreAnswer>> {
  if (request.step !== "return" || tombstoneIn(ctx.storage.sql)) {
    return fail("conversation_not_found");
  }
  await new Recovery(ctx.storage).restoreAtStart(request.bookmark);
  ctx.abort("the restore is taken back");
  throw new Error("the restore is taken back");
}

async function find({ ctx, open }: Restoring, at: number): Promise<Result<RestoreAnswer>> {
  const { sql, memory, clock } = open;
  const now = clock();
  const isKept = at >= memory.conversation.createdAt && at > now - KEPT_MS && at <= now;
  // Whoever was erased since would come back.
  if (!isKept || at <= readEpoch(sql).erasedAt) return fail("restore_unavailable");
  try {
    return ok({ bookmark: await new Recovery(ctx.storage).bookmarkAt(at) });
  } catch (error) {
    return unavailable(open, error);
  }
}

/** The platform refuses; it says why in words only, and what it says is logged. */
function unavailable({ memory }: OpenConversation, error: unknown): Result<RestoreAnswer> {
  log("restore_refused", { conversationId: memory.conversation.id, error });
  return fail("restore_unavailable");
}

/**
 * The order matters: D1 knows everything before the conversation is closed, so that it says afterwards what is to
 * be removed. The bookmark is of the state before the mark, so that going back to it leaves nothing closed.
 */
async function closeFor(
  restoring: Restoring,
  { by, at = Infinity }: Extract<RestoreStep, { step: "close" }>,
): Promise<Result<RestoreAnswer>> {
  const { ctx, open, setFenced } = restoring;
  const { sql, memory, projector, clock } = open;
  const closing = () => {
    const { fence } = readEpoch(sql);
    return isClosing(fence, clock()) ? fence : undefined;
  };
  if ((closing()?.by ?? by) !== by) return fail("job_running");
  open.settle();
  await listed(open);
  const undo = closing()?.undo ?? (await new Recovery(ctx.storage).currentBookmark());
  // Another restore may have closed it meanwhile.
  if ((closing()?.by ?? by) !== by) return fail("job_running");
  if (closing() === undefined) {
    // In the turn that closes it: what comes later finds it closed.
    if (hasHold(sql)) return fail("legal_hold");
    if (at <= readEpoch(sql).erasedAt) return fail("restore_unavailable");
  }
  putFence(sql, { by, undo, closedAt: closing()?.closedAt ?? clock() });
  setFenced(true);
  open.settle();
  await endSockets(ctx);
  const given = { rev: memory.counters.rev + UNDER_WAY, epoch: open.epoch };
  if (!(await projector.reached(memory.counters.rev, LISTS_MS))) {
    reopen(restoring, null);
    throw new Error("the lists do not have everything");
  }
  const untold = await open.subscribers.announceEpoch(given.rev + 1);
  return ok({ closed: { undo, given, untold: untold.slice(0, MAX_UNTOLD) } });
}

async function listed({ memory, projector }: OpenConversation): Promise<void> {
  const isReached = await projector.reached(memory.counters.rev, LISTS_MS);
  if (!isReached) throw new Error("the lists do not have everything");
}

function reopen({ open, setFenced }: Restoring, fence: Fence | null): void {
  putFence(open.sql, fence);
  setFenced(false);
  open.outbound.check();
}

/**
 * The mark of `close` was written after the state that is restored: where it is gone, that state is here. Then the
 * new epoch begins, which this call has to reach before anybody else is served.
 */
async function rewind(
  restoring: Restoring,
  { by, bookmark, given, untold }: Extract<RestoreStep, { given: Given }>,
): Promise<Result<RestoreAnswer>> {
  const { ctx, open } = restoring;
  const done = startedOver(open.sql, by);
  if (done) return ok({ epoch: done.epoch });
  const { fence } = readEpoch(open.sql);
  if (fence?.by === by) {
    if (fence.refused) return fail("restore_unavailable");
    try {
      await new Recovery(ctx.storage).restoreAtStart(bookmark);
    } catch (error) {
      // Whoever waits for the platform to change its mind would keep the conversation closed.
      reopen(restoring, { ...fence, refused: true });
      return unavailable(open, error);
    }
    ctx.abort("the conversation is restored");
    throw new Error("the conversation is restored");
  }
  // It is refused while one stands: those that are stored were lifted since.
  const request = { by, restored: given, unheld: true, subscribers: untold } as const;
  return await restartAnew(ctx, request, open.clock());
}
