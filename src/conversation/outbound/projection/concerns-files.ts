import type { Change } from "../../decide/types.ts";
import { filesOf } from "../../tables/files.ts";

/**
 * Whether D1 must have a change at once: the next send asks it whether these files were sent already,
 * the next download whether their message was deleted.
 */
export function concernsFiles(sql: SqlStorage, change: Change): boolean {
  if (change.type !== "message") return false;
  const { attachments, deletedAt, number } = change.message;
  return attachments.length > 0 || (deletedAt !== null && filesOf(sql, number).length > 0);
}
