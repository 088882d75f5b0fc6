import { z } from "zod";
import { removeFiles } from "../../attachments/removal.ts";
import type { InboxStub } from "../../conversation/outbound/inboxes/inbox-api.ts";
import { lacksMethod } from "../../conversation/rpc-versions.ts";
import { conversationOf, inboxOf } from "../../conversation/stub.ts";
import {
  deleteSomeRows,
  filesOf,
  markDeleted,
  membersBehind,
} from "../../directory/deleted-conversations.ts";
import { type Directory, directoryOf } from "../../directory/directory.ts";
import { isHeld } from "../../directory/legal-holds.ts";
import type { InboxRemoval } from "../../live/inbox-events.ts";
import type { JobContext, JobSteps, Step } from "../kind.ts";

/** Inboxes of one step, each a call; files; and rows of each table. */
const INBOXES = 25;
const FILES = 100;
const ROWS = 500;

const params = z.object({ conversationId: z.string() });

const removed = {
  /** The version of the removal that inboxes are told of. */
  epoch: z.string(),
  rev: z.number(),
  /** What was done: members told, files, rows of D1. */
  members: z.number(),
  files: z.number(),
  rows: z.number(),
};
const state = z.discriminatedUnion("phase", [
  /** Nothing was deleted yet. */
  z.object({ phase: z.literal("object") }),
  /** The object keeps nothing any more; D1 lists it. */
  z.object({ phase: z.literal("lists"), ...removed }),
  /** Inboxes are told, of all members up to this id. */
  z.object({ phase: z.literal("inboxes"), after: z.string(), ...removed }),
  z.object({ phase: z.literal("files"), ...removed }),
  z.object({ phase: z.literal("rows"), ...removed }),
]);
type State = z.infer<typeof state>;
type Removed = Exclude<State, { phase: "object" }>;
type Params = z.infer<typeof params>;

/**
 * Deletes a conversation: first its object, which ends every connection to it; then D1 lists it no more; then the
 * inboxes of everybody who is or was in it forget it, and its files and rows are removed, a slice a step. Members'
 * rows go last, because they say whom to tell. Once the object is deleted it is carried out to its end, also where it
 * is cancelled.
 */
export const deleteConversation: JobSteps<Params, State> = {
  params,
  state,

  begin: () => ({ phase: "object" }),

  step: advance,

  async undo(context, given, before) {
    if (before.phase !== "object") return advance(context, given, before);
    // Nothing was deleted; unless the step that was ended has deleted the object, which alone knows.
    const conversation = conversationOf(context.env, given.conversationId);
    if ((await conversation.fileState({ number: 0, key: "", claim: null }, null)).ok)
      return undefined;
    const destroyed = await conversation.destroy();
    return destroyed && destroyed !== "held" ? begun(destroyed) : undefined;
  },
};

async function advance(
  context: JobContext,
  { conversationId }: Params,
  before: State,
): Promise<Step<State>> {
  const directory = directoryOf(context.env.DB);
  switch (before.phase) {
    case "object":
      return deleteObject(context, directory, conversationId);
    case "lists": {
      const { startedBy, clock } = context;
      const by = { deletedBy: startedBy.userId, deletedAt: clock() };
      await markDeleted(directory, { id: conversationId, ...by });
      return onward({ ...before, phase: "inboxes", after: "" });
    }
    case "inboxes": {
      const { epoch, rev, after } = before;
      const userIds = await membersBehind(directory, conversationId, after, INBOXES);
      const removal: InboxRemoval = { conversationId, epoch, rev, removed: true };
      await Promise.all(userIds.map((id) => tell(inboxOf(context.env, id), removal)));
      const members = before.members + userIds.length;
      const last = userIds.at(-1);
      if (last === undefined || userIds.length < INBOXES) {
        return onward({ ...without(before), phase: "files", members });
      }
      return onward({ ...before, after: last, members });
    }
    case "files": {
      const found = await filesOf(directory, conversationId, FILES);
      await removeFiles(context.env.FILES, directory, found);
      const files = before.files + found.length;
      return onward({ ...before, phase: found.length < FILES ? "rows" : "files", files });
    }
    case "rows": {
      const deleted = await deleteSomeRows(directory, conversationId, ROWS);
      const next = { ...before, rows: before.rows + deleted };
      if (deleted > 0) return onward(next);
      const { members, files, rows } = next;
      return { finished: { members, files, rows }, done: doneOf(next) };
    }
  }
}

async function deleteObject(
  { env }: JobContext,
  directory: Directory,
  conversationId: string,
): Promise<Step<State>> {
  if (await isHeld(directory, { conversationId })) return { failed: "legal_hold" };
  const call = () => conversationOf(env, conversationId).destroy();
  // The restart of the object ends the first call; the second finds what it has left.
  const destroyed = await call().catch(call);
  if (destroyed === "held") return { failed: "legal_hold" };
  if (!destroyed) return { failed: "conversation_not_found" };
  return begun(destroyed);
}

function begun({ epoch, rev }: { epoch: string; rev: number }): Step<State> {
  return onward({ phase: "lists", epoch, rev, members: 0, files: 0, rows: 0 });
}

async function tell(inbox: InboxStub, removal: InboxRemoval): Promise<void> {
  try {
    await inbox.deleted(removal);
  } catch (error) {
    // One of the previous version shows it, and asks the conversation once more, of which there is none.
    if (!lacksMethod(error, "deleted")) throw error;
    await inbox.update(removal);
  }
}

function onward(next: Removed): Step<State> {
  return { state: next, done: doneOf(next), total: null };
}

function doneOf({ members, files, rows }: Removed): number {
  return members + files + rows;
}

function without({ after: _, ...rest }: Extract<State, { phase: "inboxes" }>) {
  return rest;
}
