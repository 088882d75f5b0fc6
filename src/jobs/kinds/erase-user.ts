import { removeFiles } from "../../attachments/removal.ts";
import { inboxOf } from "../../conversation/stub.ts";
import { directoryOf } from "../../directory/directory.ts";
import {
  bannedUntil,
  deleteBan,
  deleteProfile,
  eraseElsewhere,
  eraseFromJobs,
  eraseSomeActs,
  eraseSomePurchaseRequests,
  eraseSomeReports,
  isMemberAnywhere,
  mayHaveWrittenAnywhere,
  nameOf,
  someFilesOf,
} from "../../directory/erasure.ts";
import { isHeld } from "../../directory/legal-holds.ts";
import type { Replacement } from "../../domain/erasure.ts";
import { unreachable } from "../../domain/error.ts";
import { erasedUserId } from "../../domain/person.ts";
import { BANS_KNOWN_MS } from "../../edge/bans.ts";
import { collectNamed, forgetSome } from "../erasing/acquaintances.ts";
import { eraseSomeConversations } from "../erasing/conversations.ts";
import { removeExports } from "../erasing/exports.ts";
import { admitAgain, refuse } from "../erasing/refusing.ts";
import { type EraseUserParams, type EraseUserState, params, state } from "../erasing/state.ts";
import type { JobContext, JobSteps, Step } from "../kind.ts";
import { deleteConversation } from "./delete-conversation.ts";

/** Rows of a page of reports or purchase requests, and files that are removed at a time. */
const PAGE = 200;
/** How long a step waits at most. */
const WAIT_MS = 3_000;
/** Passes through the conversations: another one where somebody has let the person in during the one before. */
const MAX_PASSES = 10;
/** Phases behind the conversations in which a legal hold on the person stops it. */
const STOPPABLE: ReadonlySet<EraseUserState["phase"]> = new Set([
  ...(["acquaintances", "settle", "files"] as const),
  ...(["acts", "reports", "purchase-requests", "elsewhere"] as const),
]);

/**
 * Erases a person: they are refused while it lasts; then nothing names them, in their conversations, the inboxes
 * of others, D1, R2 and their own inbox, in this order. Whoever comes with their id afterwards is somebody new.
 */
export const eraseUser: JobSteps<EraseUserParams, EraseUserState> = {
  params,
  state,

  begin: () => ({
    ...{ phase: "begin", erasedId: "", name: null, isEverywhere: false },
    ...{
      refusedUntil: 0,
      refuses: false,
      since: 0,
      pass: 1,
      after: "",
      current: null,
      deleting: null,
    },
    ...{ conversations: 0, deleted: 0, acquaintances: 0, files: 0 },
  }),

  async step(context, given, before) {
    if (before.phase === "begin") {
      // Before they are refused: nothing has to be undone, and their inbox knows whom they watch.
      if (await isHeld(directoryOf(context.env.DB), given)) return { failed: "legal_hold" };
      await collectNamed(context, given.userId);
    }
    const isOver = before.phase === "end";
    const present = isOver ? before : await refuse(context, given.userId, before);
    return await advance(context, given, present);
  },

  /**
   * What is erased stays so, and a conversation that is being deleted is deleted to its end; the person may connect
   * again.
   */
  async undo(context, { userId }, { deleting, ...before }) {
    if (deleting) {
      const { id, state } = deleting;
      const step = await deleteConversation.undo?.(context, { conversationId: id }, state);
      const next = step && "state" in step ? { id, state: step.state } : null;
      return going({ ...before, deleting: next });
    }
    if (before.refuses && before.phase !== "end") await admitAgain(context, userId);
    return undefined;
  },
};

async function advance(
  context: JobContext,
  { userId, messages }: EraseUserParams,
  before: EraseUserState,
): Promise<Step<EraseUserState>> {
  const { env, clock } = context;
  const directory = directoryOf(env.DB);
  const replacement: Replacement = { userId, erasedId: before.erasedId };
  const next = (change: Partial<EraseUserState>) => going({ ...before, ...change });
  // One that came meanwhile; before each conversation it is looked at there.
  if (STOPPABLE.has(before.phase) && (await isHeld(directory, { userId })))
    return { failed: "legal_hold" };
  switch (before.phase) {
    case "begin": {
      if (before.erasedId !== "") {
        await deleteProfile(directory, userId);
        return next({ phase: "conversations" });
      }
      // Stored before the profile goes, which alone says it.
      const [name, isEverywhere] = await Promise.all([
        nameOf(directory, userId),
        mayHaveWrittenAnywhere(directory, userId),
      ]);
      const erasedId = erasedUserId(crypto.getRandomValues(new Uint8Array(8)));
      return next({ erasedId, name, isEverywhere });
    }
    case "conversations": {
      if (before.deleting) return await deleteFurther(context, before, before.deleting);
      const after = await eraseSomeConversations(context, replacement, messages, before);
      if (after === "held") return { failed: "legal_hold" };
      return going(after);
    }
    case "acquaintances": {
      const forgotten = await forgetSome(context, replacement);
      const acquaintances = before.acquaintances + forgotten;
      return next({ acquaintances, ...(forgotten === 0 && { phase: "settle" }) });
    }
    case "settle": {
      // A server that does not know yet that they are refused may have let them in.
      if (await waits(before.since + BANS_KNOWN_MS, clock)) return next({});
      await deleteProfile(directory, userId);
      if (!(await isMemberAnywhere(directory, userId))) return next({ phase: "files" });
      if (before.pass >= MAX_PASSES) throw new Error("the person is let in again and again");
      return next({ phase: "conversations", pass: before.pass + 1, after: "" });
    }
    case "files": {
      // It may have been placed since the conversations were looked through.
      if (await isHeld(directory, { userId })) return { failed: "legal_hold" };
      const files = await someFilesOf(directory, userId, messages === "keep", PAGE);
      if (files.length === 0) return next({ phase: "acts" });
      if (files.some(({ isHeld }) => isHeld)) return { failed: "legal_hold" };
      await removeFiles(env.FILES, directory, files);
      return next({ files: before.files + files.length });
    }
    case "acts":
      if (await eraseSomeActs(directory, replacement)) return next({});
      return next({ phase: "reports", after: "" });
    case "reports": {
      const { after: from, name } = before;
      const after = await eraseSomeReports(directory, replacement, { messages, name }, from, PAGE);
      if (after !== undefined) return next({ after });
      return next({ phase: "purchase-requests", after: "" });
    }
    case "purchase-requests": {
      const after = await eraseSomePurchaseRequests(directory, replacement, before.after, PAGE);
      return next(after === undefined ? { phase: "elsewhere" } : { after });
    }
    case "elsewhere":
      await eraseElsewhere(directory, replacement);
      if (await removeExports(context, userId)) return next({ phase: "inbox" });
      await scheduler.wait(WAIT_MS);
      return next({});
    case "inbox":
      // Without a ban, this was done, and the inbox may be somebody's who is new.
      if ((await bannedUntil(directory, userId, clock())) > 0) {
        await inboxOf(env, userId).erase();
        // Bans that were renewed, and whatever else was done about them, since the log was written.
        if (await eraseSomeActs(directory, replacement)) return next({});
        await deleteBan(directory, userId);
      }
      return next({ phase: "end" });
    case "end": {
      await eraseFromJobs(directory, userId);
      const { erasedId, conversations, deleted, files } = before;
      return {
        finished: { erasedId, messages, conversations, deleted, files },
        done: doneOf(before),
      };
    }
    default:
      return unreachable(before.phase);
  }
}

/** Deletes a conversation that belongs to nobody any more. */
async function deleteFurther(
  context: JobContext,
  before: EraseUserState,
  { id, state }: NonNullable<EraseUserState["deleting"]>,
): Promise<Step<EraseUserState>> {
  const step = await deleteConversation.step(context, { conversationId: id }, state);
  if ("failed" in step) return step;
  if ("state" in step) return going({ ...before, deleting: { id, state: step.state } });
  return going({ ...before, deleting: null, deleted: before.deleted + 1 });
}

function going(state: EraseUserState): Step<EraseUserState> {
  return { state, done: doneOf(state), total: null };
}

function doneOf({ conversations, acquaintances, files }: EraseUserState): number {
  return conversations + acquaintances + files;
}

/** Waits until a time, for a while; whether it has yet to come. */
async function waits(until: number, clock: () => number): Promise<boolean> {
  const left = until - clock();
  if (left > 0) await scheduler.wait(Math.min(left, WAIT_MS));
  return clock() < until;
}
