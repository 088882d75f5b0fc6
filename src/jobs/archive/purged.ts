import type { ExportPage } from "../../conversation/queries/export-api.ts";
import type { ConversationLines } from "./lines.ts";

/**
 * Deletes the lines of messages that retention has removed since they were read, with their reactions and the read
 * marks that end there.
 */
export function deletePurged(
  sql: SqlStorage,
  lines: ConversationLines,
  { to, kept }: NonNullable<ExportPage["purged"]>,
): void {
  const [first, end] = [lines.keyOf(0), lines.keyOf(to + 1)];
  const keys = JSON.stringify(kept.map((number) => lines.keyOf(number)));
  sql.exec(
    `DELETE FROM export_lines WHERE list IN ('messages', 'reactions') AND key >= ? AND key < ?
       AND substr(key, 1, ?) NOT IN (SELECT value FROM json_each(?))`,
    ...[first, end, first.length, keys],
  );
  sql.exec(
    `DELETE FROM export_lines WHERE list = 'reads' AND key >= ? AND key < ? AND line ->> 'to' <= ?`,
    ...[first, lines.keyOf(Number.MAX_SAFE_INTEGER), to],
  );
}
