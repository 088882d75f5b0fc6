import type { ExportPage, ExportPart } from "../../conversation/queries/export-api.ts";
import { conversationOf } from "../../conversation/stub.ts";
import type { JobContext, Step } from "../kind.ts";
import { type ConversationState, more, type Place } from "./conversation-state.ts";
import { ConversationLines, isCrowded } from "./lines.ts";
import { deletePurged } from "./purged.ts";
import { deleteLines, type Line, lineAt, putLines } from "./tables.ts";

/** Pages of one step at most, and milliseconds after which no further one is asked for. */
const MAX_PAGES = 20;
const STEP_MS = 3_000;
/** Restores while it is exported: more are taken for a fault. */
const MAX_ANEW = 5;

/** The steps that read the conversation. */
export class ConversationReading {
  private readonly context: JobContext;
  private readonly conversationId: string;
  private readonly lines: ConversationLines;

  constructor(context: JobContext, conversationId: string) {
    this.context = context;
    this.conversationId = conversationId;
    this.lines = new ConversationLines(conversationId);
  }

  /** Reads pages of changes; what is to be read next, where there are no more. */
  async changes(from: Place): Promise<Step<ConversationState>> {
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
  async reactors(at: Place): Promise<Step<ConversationState>> {
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
    now: Extract<ConversationState, { at: "lists" }>,
    following: "held" | undefined,
  ): Promise<Step<ConversationState>> {
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
  private anew({ anew, done }: Place): Step<ConversationState> {
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
