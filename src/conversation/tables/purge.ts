import { mentionedBy } from "../../domain/mentions.ts";
import { mentionsIn, parsed } from "../../domain/stored.ts";
import { emptyShardsUpTo } from "../search/index-tables.ts";

/** What retention removes of a conversation's tables. */

/** A message that may be removed, with no more of it than that takes. */
export interface Purgeable {
  number: number;
  senderId: string | null;
  isDeleted: boolean;
  /** Whose mentions it counts in. */
  mentioned: readonly string[];
}

/** Numbers of a block of `uncounted_blocks`. */
const BLOCK = 256;
/** Read marks, and former states of messages, that one statement removes at most. */
export const REMOVED_AT_ONCE = 1_000;

/** The messages `from`…`to`, and those before them that are still there. */
export function purgeable(sql: SqlStorage, to: number): Purgeable[] {
  const rows = sql
    .exec(
      "SELECT number, sender_id, deleted_at, mentions FROM messages WHERE number <= ? ORDER BY number",
      to,
    )
    .raw<
      [number: number, senderId: string | null, deletedAt: number | null, mentions: string | null]
    >();
  return Array.from(rows, ([number, senderId, deletedAt, mentions]) => {
    const isDeleted = deletedAt !== null;
    const of = mentions === null || isDeleted ? {} : mentionsIn(parsed(mentions));
    return {
      number,
      senderId,
      isDeleted,
      mentioned: senderId === null ? [] : mentionedBy({ ...of, senderId }),
    };
  });
}

/**
 * Removes the messages up to a number but those to be kept, and everything that is stored of them: reactions, files,
 * mentions, uncounted numbers, and the parts of the search index that have them. The read marks stay, see
 * {@link removeReads}.
 */
export function purge(
  sql: SqlStorage,
  to: number,
  kept: readonly number[],
  mentions: readonly (readonly [userId: string, number: number])[],
): void {
  const isGone = `number <= ?1 AND number NOT IN (SELECT value FROM json_each(?2))`;
  const keptList = JSON.stringify(kept);
  for (const table of ["messages", "reactions", "files"]) {
    sql.exec(`DELETE FROM ${table} WHERE ${isGone}`, to, keptList);
  }
  sql.exec("DELETE FROM unmentioned WHERE number <= ?", to);
  if (mentions.length > 0) {
    sql.exec(
      `DELETE FROM mentions WHERE (user_id, number) IN
         (SELECT value ->> 0, value ->> 1 FROM json_each(?))`,
      JSON.stringify(mentions),
    );
  }
  sql.exec("DELETE FROM uncounted WHERE number <= ?", to);
  const block = Math.floor((to + 1) / BLOCK);
  sql.exec("DELETE FROM uncounted_blocks WHERE block <= ?", block);
  sql.exec(
    `INSERT INTO uncounted_blocks (block, count) SELECT ?1, count(*) FROM uncounted
     WHERE number < (?1 + 1) * ${BLOCK} HAVING count(*) > 0`,
    block,
  );
  emptyShardsUpTo(sql, to);
  sql.exec("UPDATE counters SET purged_to = ?", to);
}

/**
 * Removes read marks that end at a number or before it, at most {@link REMOVED_AT_ONCE}: they are of messages that
 * are gone. Whether there may be more.
 */
export function removeReads(sql: SqlStorage, to: number): boolean {
  const { rowsWritten } = sql.exec(
    `DELETE FROM reads WHERE rev IN (SELECT r.rev FROM members m CROSS JOIN reads r
       ON r.user_id = m.user_id AND r.to_number <= ? LIMIT ${REMOVED_AT_ONCE})`,
    to,
  );
  return rowsWritten >= REMOVED_AT_ONCE;
}
