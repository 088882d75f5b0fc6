import { z } from "zod";
import type { ExportPage, ExportRow } from "../../conversation/queries/export-api.ts";
import { conversationOf, inboxOf } from "../../conversation/stub.ts";
import { type Directory, directoryOf } from "../../directory/directory.ts";
import {
  conversationsOf,
  profileOf,
  reportsBy,
  serviceBanOf,
  uploadsBy,
} from "../../directory/exported.ts";
import { messageIdOf } from "../../domain/id.ts";
import { isoTime, isoTimeOrNull } from "../../live/wire.ts";
import {
  archiveState,
  archiveStep,
  FIRST_STATE,
  removeArchive,
  stepOf,
} from "../archive/archive.ts";
import { collectAttachments } from "../archive/attachments.ts";
import { ConversationLines } from "../archive/lines.ts";
import { deletePurged } from "../archive/purged.ts";
import {
  createTables,
  deleteLines,
  keyOf,
  type Line,
  lineAt,
  putFiles,
  putLines,
} from "../archive/tables.ts";
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
/** Conversations that the manifest names as missing. */
const MAX_NAMED = 1_000;

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

/** What D1 and their inbox know of a person. */
async function personLines(
  { env, clock }: JobContext,
  directory: Directory,
  userId: string,
): Promise<Line[]> {
  const [profile, ban, inbox] = await Promise.all([
    profileOf(directory, userId),
    serviceBanOf(directory, userId),
    inboxOf(env, userId).profile(),
  ]);
  const { settings, invisible, levels, devices, blocks } = inbox;
  const rest = profile && { ...profile, lastSeenAt: isoTime(profile.lastSeenAt) };
  const lines: Line[] = [
    { list: "person", key: "0", value: { ...rest, id: userId } },
    { list: "settings", key: "0", value: { ...settings, invisible, readAt: isoTime(clock()) } },
  ];
  for (const { conversationId, level, until } of levels) {
    const value = { conversationId, level, until: isoTimeOrNull(until) };
    lines.push({ list: "levels", key: conversationId, value });
  }
  for (const [index, { host, addedAt, expiresAt }] of devices.entries()) {
    const value = { host, addedAt: isoTime(addedAt), expiresAt: isoTimeOrNull(expiresAt) };
    lines.push({ list: "devices", key: keyOf(index), value });
  }
  for (const { blockedId, at } of blocks) {
    lines.push({ list: "blocks", key: blockedId, value: { blockedId, at: isoTime(at) } });
  }
  if (ban) {
    const { bannedAt, until, reason, liftedAt } = ban;
    const times = { until: isoTimeOrNull(until), liftedAt: isoTimeOrNull(liftedAt) };
    const value = { bannedAt: isoTime(bannedAt), ...times, reason };
    lines.push({ list: "service-bans", key: "0", value });
  }
  return lines;
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
      forget(sql, id);
      putConversation(sql, id, { missing: true });
      at = { ...at, after: id, rev: 0, epoch: null };
    } else if (at.epoch !== null && answer.value.epoch !== at.epoch) {
      // It was restored meanwhile.
      forget(sql, id);
      at = { ...at, rev: 0, epoch: null };
    } else {
      const { epoch, rev, next: isMore, rows } = answer.value;
      store(sql, id, answer.value);
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

/** Stores what a page has of the user in one conversation. */
function store(sql: SqlStorage, id: string, { rows, bans, purged }: ExportPage): void {
  const lines = new ConversationLines(id, `${id}/`);
  for (const row of rows) {
    if (row.type === "conversation") putConversation(sql, id, { title: row.conversation.title });
    if (row.type === "own reactions") deleteLines(sql, "reactions", `${lines.keyOf(row.number)}/`);
    if (row.type !== "no reactions") continue;
    for (const number of row.numbers) deleteLines(sql, "reactions", `${lines.keyOf(number)}/`);
  }
  putLines(
    sql,
    rows.flatMap((row) => ownLines(lines, row)),
  );
  if (purged) deletePurged(sql, lines, purged);
  for (const { bannedAt, until, reason } of bans ?? []) {
    const times = { bannedAt: isoTime(bannedAt), until: isoTimeOrNull(until) };
    putLines(sql, [{ list: "bans", key: id, value: { conversationId: id, ...times, reason } }]);
  }
}

function ownLines(lines: ConversationLines, row: ExportRow): Line[] {
  switch (row.type) {
    case "own reactions":
      return row.emojis.map((emoji) => lines.ownReaction(row.number, emoji));
    case "member":
    case "message":
    case "read":
      return [lines.of(row)].flatMap((line) => line ?? []);
    default:
      return [];
  }
}

function putConversation(sql: SqlStorage, id: string, more: object): void {
  const before = lineAt(sql, "conversations", id);
  putLines(sql, [{ list: "conversations", key: id, value: { ...Object(before), ...more } }]);
}

/** Forgets what was read of a conversation. */
function forget(sql: SqlStorage, id: string): void {
  for (const list of ["members", "messages", "reactions", "reads", "bans"]) {
    deleteLines(sql, list, id);
  }
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

/** Conversations that were deleted meanwhile. */
function missingConversations(sql: SqlStorage): string[] {
  return sql
    .exec<{ key: string }>(
      `SELECT key FROM export_lines WHERE list = 'conversations' AND line ->> 'missing' LIMIT ?`,
      MAX_NAMED,
    )
    .toArray()
    .map(({ key }) => key);
}
