import { z } from "zod";
import type { RestoreAnswer, RestoreStep } from "../../conversation/restore-api.ts";
import { conversationOf } from "../../conversation/stub.ts";
import { directoryOf } from "../../directory/directory.ts";
import { isErasing } from "../../directory/jobs.ts";
import { isHeld } from "../../directory/legal-holds.ts";
import { type ErrorCode, ok, type Result } from "../../domain/error.ts";
import type { JobContext, JobSteps, Step } from "../kind.ts";

/** How often a state is tried to be put in the place of the present one before the step is retried later. */
const ATTEMPTS = 4;

const params = z.object({
  conversationId: z.string(),
  /** The time to go back to, in milliseconds since the epoch. */
  at: z.number(),
});
export type RestoreParams = z.infer<typeof params>;

const subscriber = z.object({
  gateway: z.string(),
  protocol: z.enum(["socketio", "signalr", "inbox"]),
  userId: z.string(),
  counted: z.boolean(),
  origin: z.string(),
  visible: z.boolean(),
});
const given = z.object({ rev: z.number(), epoch: z.string() });
const closed = z.object({
  bookmark: z.string(),
  undo: z.string(),
  undoAt: z.number(),
  given,
  untold: z.array(subscriber),
});

/**
 * `closing`: the state is found. `rewinding`: the conversation is closed, and stays so until that state is in the
 * place of the present one. `returning`: that has nothing in it, and the state before takes its place. `listing`: it is, and D1 is rewritten.
 */
const state = z.discriminatedUnion("phase", [
  z.object({ phase: z.literal("finding") }),
  z.object({ phase: z.literal("closing"), bookmark: z.string() }),
  closed.extend({ phase: z.literal("rewinding") }),
  closed.extend({ phase: z.literal("returning") }),
  closed.extend({ phase: z.literal("listing"), epoch: z.string() }),
]);
type State = z.infer<typeof state>;

/**
 * Takes a conversation back to an earlier state. Which one is decided and stored before anything changes, so that a
 * repetition restores the same; whatever ends the job, the new epoch follows the restore.
 */
export const restoreConversation: JobSteps<RestoreParams, State> = {
  params,
  state,

  begin: () => ({ phase: "finding" }),

  async step(context, { conversationId, at }, before) {
    const { env, jobId: by, clock } = context;
    const call = (step: RestoreStep) => conversationOf(env, conversationId).restore(step);
    switch (before.phase) {
      case "finding": {
        const refusal = await refusalOf(context, conversationId);
        if (refusal) return { failed: refusal };
        const found = await call({ by, step: "find", at });
        if (!found.ok) return { failed: found.error.code };
        const { bookmark } = found.value;
        if (bookmark === undefined) throw new Error("no state was found");
        return going({ phase: "closing", bookmark }, 1);
      }
      case "closing": {
        // A hold may have been placed since, and an erasure have begun.
        const refusal = await refusalOf(context, conversationId);
        if (refusal) return { failed: refusal };
        const answer = await call({ by, step: "close", at });
        if (!answer.ok) return { failed: answer.error.code };
        const { closed } = answer.value;
        if (!closed) throw new Error("it was not closed");
        // Whatever begins from now on finds it closed; what began before is known by now.
        const late = await refusalOf(context, conversationId);
        if (late) return { failed: late };
        const { bookmark } = before;
        return going({ phase: "rewinding", bookmark, undoAt: clock(), ...closed }, 2);
      }
      case "rewinding": {
        const { bookmark, given, untold } = before;
        const begun = await rewound(() => call({ by, step: "rewind", bookmark, given, untold }));
        if (isNothing(begun)) return going({ ...before, phase: "returning" }, 2);
        if (!begun.ok) return { failed: begun.error.code };
        return going({ ...before, phase: "listing", epoch: begun.value }, 3);
      }
      case "returning": {
        await returned(call, by, before);
        return { failed: "restore_unavailable" };
      }
      case "listing": {
        const listed = await conversationOf(env, conversationId).rebuild("here");
        if (listed && listed.projectedRev < listed.rev) return going(before, 3);
        const { bookmark, undo, undoAt, epoch } = before;
        const times = { at: iso(at), undoAt: iso(undoAt) };
        return { finished: { ...times, bookmark, undoBookmark: undo, epoch }, done: 4 };
      }
    }
  },

  /** Before the restore the conversation is opened again; from then on what has begun is finished. */
  async undo(context, { conversationId }, before) {
    const { env, jobId: by } = context;
    const call = (step: RestoreStep) => conversationOf(env, conversationId).restore(step);
    if (before.phase === "closing") await call({ by, step: "reopen" });
    if (before.phase === "returning") await returned(call, by, before);
    if (before.phase !== "rewinding") return;
    const { bookmark, given, untold } = before;
    const begun = await rewound(() => call({ by, step: "rewind", bookmark, given, untold }));
    if (isNothing(begun)) await returned(call, by, before);
  },
};

/** Whether the state was of a moment before the creation: the platform finds times approximately. */
function isNothing(begun: Result<string>): boolean {
  return !begun.ok && begun.error.code === "conversation_not_found";
}

/** Puts the state before the restore back. */
async function returned(
  call: (step: RestoreStep) => Promise<Result<RestoreAnswer>>,
  by: string,
  { undo: bookmark, given, untold }: z.infer<typeof closed>,
): Promise<void> {
  const request = { by: `${by} return`, bookmark, given, untold };
  await rewound(() => call({ ...request, step: "return" }));
}

/** Calls until the new epoch is there: the object restarts twice, and whatever is called then fails. */
async function rewound(call: () => Promise<Result<RestoreAnswer>>): Promise<Result<string>> {
  let failure: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const answer = await call();
      if (!answer.ok) return answer;
      const { epoch } = answer.value;
      if (epoch !== undefined) return ok(epoch);
    } catch (error) {
      failure = error;
    }
  }
  throw failure ?? new Error("the state was not restored");
}

/** Why a conversation may not be restored: it deletes what came since, and brings back what was erased. */
async function refusalOf(
  { env }: JobContext,
  conversationId: string,
): Promise<ErrorCode | undefined> {
  const directory = directoryOf(env.DB);
  if (await isHeld(directory, { conversationId })) return "legal_hold";
  return (await isErasing(directory)) ? "restore_unavailable" : undefined;
}

function going(next: State, done: number): Step<State> {
  return { state: next, done, total: 4 };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
