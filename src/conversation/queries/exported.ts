import { z } from "zod";
import { MAX_BANS } from "../../domain/conversation.ts";
import { fail, ok, type Result } from "../../domain/error.ts";
import type { Message } from "../../domain/message.ts";
import { parsed } from "../../domain/stored.ts";
import type { OpenConversation } from "../open.ts";
import { actsBetween } from "../tables/audit.ts";
import { banOf, bansAt } from "../tables/bans.ts";
import { type ChangedRow, changesSince } from "../tables/changes.ts";
import { heldAfter } from "../tables/held.ts";
import { invitationsAfter } from "../tables/invitations.ts";
import { memberOf } from "../tables/members.ts";
import { messageAt, messagesBetween } from "../tables/messages.ts";
import { hasReacted, reactorsAfter } from "../tables/reactions.ts";
import type { ExportPage, ExportPart, ExportRow } from "./export-api.ts";

/** Rows of a page of small rows. */
const MAX_ROWS = 1_000;
/** Pages of changes that one call looks through for what concerns a user. */
const MAX_PAGES = 10;

const revision = z.coerce.number().int().min(0);
const heldPlace = z.tuple([z.number(), z.number()]);
const reactorPlace = z.tuple([z.string(), z.string()]);

/**
 * A page of what an export contains. Pages of changes from revision 0 on are the state of the conversation at
 * the revision of the last one, once each row replaces an earlier one of the same thing.
 */
export function exported(
  open: OpenConversation | undefined,
  part: ExportPart,
  after: string | undefined,
): Result<ExportPage> {
  if (!open) return fail("conversation_not_found");
  open.settle();
  switch (part.of) {
    case "changes": {
      const since = revision.parse(after ?? "0");
      const { userId } = part;
      return ok(userId === undefined ? changesPage(open, since) : ownPage(open, since, userId));
    }
    case "reactors":
      return reactorsPage(open, part.number, after);
    case "invitations": {
      const invitations = invitationsAfter(open.sql, after ?? "", MAX_ROWS);
      const rows = invitations.map((invitation) => ({ type: "invitation" as const, invitation }));
      const last = invitations.length === MAX_ROWS ? invitations.at(-1)?.userId : undefined;
      return ok(pageOf(open, rows, last));
    }
    case "held": {
      const place = after === undefined ? ([0, -1] as const) : heldPlace.parse(parsed(after));
      const { held, more } = heldAfter(open.sql, place, MAX_ROWS);
      const rows = held.map((one) => ({ type: "held" as const, held: one }));
      const last = more ? held.at(-1) : undefined;
      return ok(pageOf(open, rows, last && JSON.stringify([last.number, last.rev])));
    }
  }
}

function pageOf({ epoch, memory }: OpenConversation, rows: ExportRow[], next?: string): ExportPage {
  return { epoch, rev: memory.counters.rev, rows, ...(next !== undefined && { next }) };
}

/** Changes of everybody after a revision, and the acts. */
function changesPage(open: OpenConversation, since: number): ExportPage {
  const { sql, epoch, memory } = open;
  const changes = changesSince(sql, memory.conversation, memory.counters, since);
  const { acts, to } = actsBetween(sql, since, changes.to);
  const rows: ExportRow[] = [];
  for (const row of changes.rows) if (row.rev <= to) rows.push(exportRowOf(row));
  for (const act of acts) rows.push({ type: "act", act });
  if (to < memory.counters.rev) return { epoch, rev: to, rows, next: String(to) };
  return { epoch, rev: to, rows, bans: bansAt(sql, open.clock(), MAX_BANS, 0), ...purgedIn(open) };
}

/** What retention has removed: no row says it of each message. */
function purgedIn({ sql, memory }: OpenConversation): Pick<ExportPage, "purged"> {
  const { purgedTo: to = 0 } = memory.conversation;
  if (to === 0) return {};
  const kept = messagesBetween(sql, 1, to).flatMap(({ number }) => (number <= to ? number : []));
  return { purged: { to, kept } };
}

function exportRowOf(row: ChangedRow): ExportRow {
  switch (row.type) {
    case "message":
      return { type: "message", message: row.message };
    case "member":
      return { type: "member", member: row.member };
    case "read":
      return { type: "read", read: row.read };
    case "conversation":
      return { type: "conversation", conversation: row.conversation };
  }
}

/** What of the changes after a revision is a user's. */
function ownPage(open: OpenConversation, since: number, userId: string): ExportPage {
  const { sql, epoch, memory } = open;
  const rows: ExportRow[] = [];
  const numbers: number[] = [];
  rows.push({ type: "no reactions", numbers });
  let rev = since;
  for (let page = 0; page < MAX_PAGES; page++) {
    const changes = changesSince(sql, memory.conversation, memory.counters, rev);
    for (const row of changes.rows) {
      const own = ownRowsOf(sql, row, userId);
      rows.push(...own);
      const isReactedTo = own.some(({ type }) => type === "own reactions");
      if (row.type === "message" && !isReactedTo) numbers.push(row.message.number);
    }
    rev = changes.to;
    if (!changes.more) {
      // A former member sees no more of the conversation than that it is there.
      const isPresent = memberOf(sql, userId)?.leftAt === null;
      if (isPresent) rows.push({ type: "conversation", conversation: memory.conversation });
      const ban = banOf(sql, userId);
      return { epoch, rev, rows, bans: ban ? [ban] : [], ...purgedIn(open) };
    }
    if (rows.length >= MAX_ROWS) break;
  }
  return { epoch, rev, rows, next: String(rev) };
}

function ownRowsOf(sql: SqlStorage, row: ChangedRow, userId: string): ExportRow[] {
  switch (row.type) {
    case "message": {
      const { message } = row;
      const { number } = message;
      const emojis = ownEmojis(sql, message, userId);
      const rows: ExportRow[] =
        emojis.length > 0 ? [{ type: "own reactions", number, emojis }] : [];
      if (message.senderId !== userId) return rows;
      const { deletedBy: _, ...own } = message;
      return [...rows, { type: "message", message: { ...own, reactions: [] } }];
    }
    case "member":
      return row.member.userId === userId ? [{ type: "member", member: row.member }] : [];
    case "read":
      return row.read.userId === userId ? [{ type: "read", read: row.read }] : [];
    case "conversation":
      return [];
  }
}

/** With what a user reacted to a message. */
function ownEmojis(sql: SqlStorage, { number, reactions }: Message, userId: string): string[] {
  return reactions
    .filter(({ emoji, count, userIds }) => {
      if (userIds.includes(userId)) return true;
      return count > userIds.length && hasReacted(sql, number, emoji, userId);
    })
    .map(({ emoji }) => emoji);
}

/** Who reacted to a message, which comes with them as it is at that revision. */
function reactorsPage(
  open: OpenConversation,
  number: number,
  after: string | undefined,
): Result<ExportPage> {
  const message = messageAt(open.sql, number);
  if (!message) return ok(pageOf(open, []));
  const place = after === undefined ? (["", ""] as const) : reactorPlace.parse(parsed(after));
  const reactors = reactorsAfter(open.sql, number, place, MAX_ROWS);
  const last = reactors.length === MAX_ROWS ? reactors.at(-1) : undefined;
  const rows: ExportRow[] = [{ type: "message", message }];
  for (const one of reactors) rows.push({ type: "reactor", reactor: { number, ...one } });
  return ok(pageOf(open, rows, last && JSON.stringify([last.emoji, last.userId])));
}
