import type { ExportPage, ExportRow } from "../../conversation/queries/export-api.ts";
import { isoTime, isoTimeOrNull } from "../../live/wire.ts";
import { ConversationLines } from "./lines.ts";
import { deletePurged } from "./purged.ts";
import { deleteLines, type Line, lineAt, putLines } from "./tables.ts";

/** What an export of a person keeps of each conversation. */

/** Conversations that the manifest names as missing. */
const MAX_NAMED = 1_000;

/** Stores what a page has of the user in one conversation. */
export function storeOwn(sql: SqlStorage, id: string, { rows, bans, purged }: ExportPage): void {
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

export function putConversation(sql: SqlStorage, id: string, more: object): void {
  const before = lineAt(sql, "conversations", id);
  putLines(sql, [{ list: "conversations", key: id, value: { ...Object(before), ...more } }]);
}

/** Forgets what was read of a conversation. */
export function forgetConversation(sql: SqlStorage, id: string): void {
  for (const list of ["members", "messages", "reactions", "reads", "bans"]) {
    deleteLines(sql, list, id);
  }
}

/** Conversations that were deleted meanwhile. */
export function missingConversations(sql: SqlStorage): string[] {
  return sql
    .exec<{ key: string }>(
      `SELECT key FROM export_lines WHERE list = 'conversations' AND line ->> 'missing' LIMIT ?`,
      MAX_NAMED,
    )
    .toArray()
    .map(({ key }) => key);
}
