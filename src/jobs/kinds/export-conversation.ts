import { z } from "zod";
import type { ExportPage, ExportPart } from "../../conversation/queries/export-api.ts";
import { conversationOf } from "../../conversation/stub.ts";
import {
  archiveState,
  archiveStep,
  FIRST_STATE,
  removeArchive,
  stepOf,
} from "../archive/archive.ts";
import { collectAttachments } from "../archive/attachments.ts";
import { ConversationLines, isCrowded } from "../archive/lines.ts";
import { deletePurged } from "../archive/purged.ts";
import { createTables, deleteLines, type Line, lineAt, putLines } from "../archive/tables.ts";
import type { JobContext, JobSteps, Step } from "../kind.ts";

/**
 * Exports a conversation. What changed after revision 0 is read page by page, until there is nothing that changed
 * after the last page: the lines are the state at that revision then. Lines of what changes meanwhile are replaced.
 */

const params = z.object({ conversationId: z.string(), held: z.boolean() });
type Params = z.infer<typeof params>;

const place = z.object({
  /** The life of the conversation that is read, and the revision up to which it is. */
  epoch: z.string().nullable(),
  rev: z.number(),
  /** Rows that were read. */
  done: z.number(),
  /** How often it had to begin anew, because the conversation was restored. */
  anew: z.number(),
});

const state = z.discriminatedUnion("at", [
  z.object({ at: z.literal("changes"), place }),
  z.object({ at: z.literal("reactors"), place }),
  z.object({
    at: z.literal("lists"),
    place,
    of: z.enum(["invitations", "held"]),
    after: z.string().optional(),
  }),
  z.object({
    at: z.literal("attachments"),
    place,
    list: z.enum(["messages", "held"]),
    after: z.string(),
  }),
  z.object({ at: z.literal("archive"), place, archive: archiveState }),
]);
type State = z.infer<typeof state>;
type Place = z.infer<typeof place>;

/** Pages of one step at most, and milliseconds after which no further one is asked for. */
const MAX_PAGES = 20;
const STEP_MS = 3_000;
/** Restores while it is exported: more are taken for a fault. */
const MAX_ANEW = 5;

const LISTS = [
  { name: "conversation", single: true as const },
  ...["members", "messages", "reactions", "reads", "bans", "invitations", "acts"].map((name) => ({
    name,
  })),
];

export const exportConversation: JobSteps<Params, State> = {
  params,
  state,
  begin: () => ({ at: "changes", place: { epoch: null, rev: 0, done: 0, anew: 0 } }),

  async step(context, { conversationId, held }, now) {
    createTables(context.sql);
    const reading = new Reading(context, conversationId);
    switch (now.at) {
      case "changes":
        return reading.changes(now.place);
      case "reactors":
        return reading.reactors(now.place);
      case "lists": {
        const next = now.of === "invitations" && held ? "held" : undefined;
        return reading.list(now, next);
      }
      case "attachments": {
        const { list } = now;
        const after = collectAttachments(context.sql, list, now.after);
        if (after !== undefined) return more({ ...now, after });
        if (list === "messages" && held) return more({ ...now, list: "held", after: "" });
        return more({ at: "archive", place: now.place, archive: FIRST_STATE });
      }
      case "archive": {
        const { epoch, rev, done } = now.place;
        const contents = {
          lists: [...LISTS, ...(held ? [{ name: "held" }] : []), { name: "files" }],
          manifest: () => ({
            of: "conversation",
            conversation: { id: conversationId, epoch, rev },
          }),
        };
        const step = await archiveStep(context, contents, now.archive);
        return stepOf<State>(step, done, (archive) => ({ ...now, archive }));
      }
    }
  },

  undo: (context) => removeArchive(context),
};

function more(next: State): Step<State> {
  return { state: next, done: next.place.done, total: null };
}

/** The steps that read the conversation. */
class Reading {
  private readonly context: JobContext;
  private readonly conversationId: string;
  private readonly lines: ConversationLines;

  constructor(context: JobContext, conversationId: string) {
    this.context = context;
    this.conversationId = conversationId;
    this.lines = new ConversationLines(conversationId);
  }

  /** Reads pages of changes; what is to be read next, where there are no more. */
  async changes(from: Place): Promise<Step<State>> {
    const { clock } = this.context;
    const until = clock() + STEP_MS;
    let at = from;
    for (let pages = 0; pages < MAX_PAGES && clock() < until; pages++) {
      const page = await this.page({ of: "changes" }, String(at.rev));
      if (!page) return { failed: "conversation_not_found" };
      if (at.epoch !== null && page.epoch !== at.epoch) return this.anew(at);
      this.store(page);
      at = { ...at, epoch: page.epoch, rev: page.rev, done: at.done + page.rows.length };
      if (page.next === undefined) return more({ at: "reactors", place: at });
    }
    return more({ at: "changes", place: at });
  }

  /** Reads who reacted to the messages whose lines do not name all of them, as of their lines. */
  async reactors(at: Place): Promise<Step<State>> {
    const { sql, clock } = this.context;
    const until = clock() + STEP_MS;
    while (clock() < until) {
      const [next] = sql
        .exec<{ number: number }>("SELECT number FROM export_reacted ORDER BY number LIMIT 1")
        .toArray();
      if (!next) return more({ at: "lists", place: at, of: "invitations" });
      const outcome = await this.reactorsOf(next.number, at);
      if (outcome === "gone") return { failed: "conversation_not_found" };
      if (outcome === "restored") return this.anew(at);
      // It changed behind its line: the lines are brought up to a newer revision first.
      if (outcome === "changed") return more({ at: "changes", place: at });
      sql.exec("DELETE FROM export_reacted WHERE number = ?", next.number);
    }
    return more({ at: "reactors", place: at });
  }

  private async reactorsOf(
    number: number,
    at: Place,
  ): Promise<"complete" | "changed" | "gone" | "restored"> {
    const { sql } = this.context;
    const key = this.lines.keyOf(number);
    const { rev } = Object(lineAt(sql, "messages", key));
    let after: string | undefined;
    do {
      const page = await this.page({ of: "reactors", number }, after);
      if (!page) return "gone";
      if (page.epoch !== at.epoch) return "restored";
      const isSame = page.rows.some((row) => row.type === "message" && row.message.rev === rev);
      if (!isSame) return "changed";
      const reactors = page.rows.filter(({ type }) => type === "reactor");
      putLines(sql, this.linesOf(reactors));
      after = page.next;
    } while (after !== undefined);
    return "complete";
  }

  /** Reads a page of a list that has no revisions. */
  async list(
    now: Extract<State, { at: "lists" }>,
    following: "held" | undefined,
  ): Promise<Step<State>> {
    const { place: at, of, after } = now;
    if (after === undefined) deleteLines(this.context.sql, of);
    const page = await this.page({ of }, after);
    if (!page) return { failed: "conversation_not_found" };
    if (page.epoch !== at.epoch) return this.anew(at);
    putLines(this.context.sql, this.linesOf(page.rows));
    if (page.next !== undefined) return more({ ...now, after: page.next });
    if (following) return more({ at: "lists", place: at, of: following });
    return more({ at: "attachments", place: at, list: "messages", after: "" });
  }

  /** Stores a page of changes; what was known of its messages' reactions is read again. */
  private store({ rows, bans, purged }: ExportPage): void {
    const { sql } = this.context;
    for (const row of rows) {
      if (row.type !== "message") continue;
      const { message } = row;
      deleteLines(sql, "reactions", `${this.lines.keyOf(message.number)}/`);
      sql.exec(
        isCrowded(message)
          ? "INSERT OR IGNORE INTO export_reacted (number) VALUES (?)"
          : "DELETE FROM export_reacted WHERE number = ?",
        message.number,
      );
    }
    putLines(sql, this.linesOf(rows));
    if (purged) deletePurged(sql, this.lines, purged);
    if (!bans) return;
    deleteLines(sql, "bans");
    putLines(
      sql,
      bans.map((ban) => this.lines.ban(ban)),
    );
  }

  private linesOf(rows: ExportPage["rows"]): Line[] {
    return rows.flatMap((row) => this.lines.of(row) ?? []);
  }

  /** The conversation was restored: what was read is of an earlier life of it. */
  private anew({ anew, done }: Place): Step<State> {
    if (anew >= MAX_ANEW) return { failed: "unavailable" };
    const { sql } = this.context;
    sql.exec("DELETE FROM export_lines");
    sql.exec("DELETE FROM export_reacted");
    return more({ at: "changes", place: { epoch: null, rev: 0, done, anew: anew + 1 } });
  }

  /** `undefined`: there is no such conversation. */
  private async page(part: ExportPart, after: string | undefined): Promise<ExportPage | undefined> {
    const stub = conversationOf(this.context.env, this.conversationId);
    const answer = await stub.exported(part, after);
    if (answer.ok) return answer.value;
    if (answer.error.code === "conversation_not_found") return undefined;
    throw new Error(`an export was refused: ${answer.error.code}`);
  }
}
