import { z } from "zod";
import { conversationOf } from "../../conversation/stub.ts";
import { type Directory, directoryOf } from "../../directory/directory.ts";
import { conversationsOf, reportsBy, uploadsBy } from "../../directory/exported.ts";
import { messageIdOf } from "../../domain/id.ts";
import { isoTime } from "../../live/wire.ts";
import {
  archiveState,
  archiveStep,
  FIRST_STATE,
  removeArchive,
  stepOf,
} from "../archive/archive.ts";
import { collectAttachments } from "../archive/attachments.ts";
import {
  forgetConversation,
  missingConversations,
  putConversation,
  storeOwn,
} from "../archive/own-lines.ts";
import { personLines } from "../archive/person-lines.ts";
import { createTables, putFiles, putLines } from "../archive/tables.ts";
import type { JobContext, JobSteps, Step } from "../kind.ts";

/**
 * Exports a person: what D1 and their inbox know of them, and, of each conversation that they are or were in, what
 * they wrote, with what they reacted and what they read. Of others there is no text, and no id but of those whom
 * they name themselves.
 */

const params = z.object({ userId: z.string() });
type Params = z.infer<typeof params>;

const state = z.discriminatedUnion("at", [
  z.object({ at: z.literal("person") }),
  /** The conversations are listed, then read one after the other, then the rest of D1. */
  z.object({
    at: z.enum(["list", "uploads", "reports", "attachments"]),
    after: z.string(),
    done: z.number(),
  }),
  z.object({
    at: z.literal("conversation"),
    /** The one behind which the next is taken. */
    after: z.string(),
    /** How far the next one is read, and in which life of it. */
    rev: z.number(),
    epoch: z.string().nullable(),
    done: z.number(),
  }),
  z.object({ at: z.literal("archive"), archive: archiveState, done: z.number() }),
]);
type State = z.infer<typeof state>;
type Listing = Extract<
  State,
  { after: string; at: "list" | "uploads" | "reports" | "attachments" }
>;
type Visit = Extract<State, { at: "conversation" }>;

/** Rows of D1 that a step reads. */
const PAGE = 500;
/** Calls of conversations of one step at most, and milliseconds after which no further one is made. */
const MAX_CALLS = 50;
const STEP_MS = 3_000;

const LISTS = [
  ...["person", "settings"].map((name) => ({ name, single: true as const })),
  ...["levels", "devices", "blocks", "service-bans", "conversations", "members", "messages"].map(
    (name) => ({ name }),
  ),
  ...["reactions", "reads", "bans", "uploads", "reports", "files"].map((name) => ({ name })),
];

export const exportUser: JobSteps<Params, State> = {
  params,
  state,
  begin: () => ({ at: "person" }),

  async step(context, { userId }, now) {
    const { sql } = context;
    createTables(sql);
    const directory = directoryOf(context.env.DB);
    switch (now.at) {
      case "person":
        putLines(sql, await personLines(context, directory, userId));
        return more({ at: "list", after: "", done: 0 });
      case "list":
        return listConversations(sql, directory, userId, now);
      case "conversation":
        return visit(context, userId, now);
      case "uploads":
        return listUploads(sql, directory, userId, now);
      case "reports":
        return listReports(sql, directory, userId, now);
      case "attachments": {
        const after = collectAttachments(sql, "messages", now.after);
        if (after !== undefined) return more({ ...now, after });
        return more({ at: "archive", archive: FIRST_STATE, done: now.done });
      }
      case "archive": {
        const manifest = () => ({ of: "user", userId, missing: missingConversations(sql) });
        const step = await archiveStep(context, { lists: LISTS, manifest }, now.archive);
        return stepOf<State>(step, now.done, (archive) => ({ ...now, archive }));
      }
    }
  },

  undo: (context) => removeArchive(context),
};

function more(next: Exclude<State, { at: "person" }>): Step<State> {
  return { state: next, done: next.done, total: null };
}

async function listConversations(
  sql: SqlStorage,
  directory: Directory,
  userId: string,
  { after, done }: Listing,
): Promise<Step<State>> {
  const page = await conversationsOf(directory, userId, after, PAGE);
  putLines(
    sql,
    page.map(({ conversationId, kind }) => ({
      ...{ list: "conversations", key: conversationId },
      value: { conversationId, kind, title: null, epoch: null, rev: null },
    })),
  );
  const last = page.at(-1)?.conversationId;
  if (last !== undefined) return more({ at: "list", after: last, done });
  return more({ at: "conversation", after: "", rev: 0, epoch: null, done });
}

/** Reads some of the conversations. One that does not answer has the step thrown, which is repeated. */
async function visit(context: JobContext, userId: string, from: Visit): Promise<Step<State>> {
  const { sql, env, clock } = context;
  const until = clock() + STEP_MS;
  let at = from;
  for (let calls = 0; calls < MAX_CALLS && clock() < until; calls++) {
    const [next] = sql
      .exec<{ key: string }>(
        "SELECT key FROM export_lines WHERE list = 'conversations' AND key > ? ORDER BY key LIMIT 1",
        at.after,
      )
      .toArray();
    if (!next) return more({ at: "uploads", after: "", done: at.done });
    const { key: id } = next;
    const answer = await conversationOf(env, id).exported(
      { of: "changes", userId },
      String(at.rev),
    );
    if (!answer.ok && answer.error.code !== "conversation_not_found") {
      throw new Error(`an export was refused: ${answer.error.code}`);
    }
    if (!answer.ok) {
      forgetConversation(sql, id);
      putConversation(sql, id, { missing: true });
      at = { ...at, after: id, rev: 0, epoch: null };
    } else if (at.epoch !== null && answer.value.epoch !== at.epoch) {
      // It was restored meanwhile.
      forgetConversation(sql, id);
      at = { ...at, rev: 0, epoch: null };
    } else {
      const { epoch, rev, next: isMore, rows } = answer.value;
      storeOwn(sql, id, answer.value);
      const done = at.done + rows.length;
      const isComplete = isMore === undefined;
      if (isComplete) putConversation(sql, id, { epoch, rev });
      at = isComplete
        ? { ...at, after: id, rev: 0, epoch: null, done }
        : { ...at, rev, epoch, done };
    }
  }
  return more(at);
}

async function listUploads(
  sql: SqlStorage,
  directory: Directory,
  userId: string,
  { after, done }: Listing,
): Promise<Step<State>> {
  const page = await uploadsBy(directory, userId, after, PAGE);
  putLines(
    sql,
    page.map(({ key, createdAt, sentTo, sentNumber, ...upload }) => ({
      ...{ list: "uploads", key },
      value: {
        ...{ key, ...upload, createdAt: isoTime(createdAt), conversationId: sentTo },
        messageId: sentTo === null || sentNumber === null ? null : messageIdOf(sentTo, sentNumber),
      },
    })),
  );
  putFiles(
    sql,
    page.map(({ key, name, mimeType, size }) => ({ key, name, mimeType, size: size ?? 0 })),
  );
  const last = page.at(-1)?.key;
  if (last !== undefined) return more({ at: "uploads", after: last, done: done + page.length });
  return more({ at: "reports", after: "", done });
}

async function listReports(
  sql: SqlStorage,
  directory: Directory,
  userId: string,
  { after, done }: Listing,
): Promise<Step<State>> {
  const page = await reportsBy(directory, userId, after, PAGE);
  putLines(
    sql,
    page.map(({ id, conversationId, number, createdAt, ...report }) => ({
      ...{ list: "reports", key: id },
      value: {
        ...{ id, ...report, conversationId, createdAt: isoTime(createdAt) },
        messageId: messageIdOf(conversationId, number),
      },
    })),
  );
  const last = page.at(-1)?.id;
  if (last !== undefined) return more({ at: "reports", after: last, done: done + page.length });
  return more({ at: "attachments", after: "", done });
}
