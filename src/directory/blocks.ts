import { type SQL, sql } from "drizzle-orm";
import type { Block } from "../domain/block.ts";
import type { Directory } from "./directory.ts";

/** Blocks in D1. Only the inbox of a user writes theirs; everybody else looks them up here. */

/** How long a lifted block is kept: for so long nothing older can make it hold again. */
const LIFTED_KEPT_MS = 30 * 24 * 60 * 60_000;

/** A block as its user's inbox writes it. */
export interface BlockChange {
  blockedId: string;
  blocked: boolean;
  version: number;
  /** When it was set or lifted. */
  at: number;
}

interface Row {
  userId: string;
  blockedId: string;
  version: number;
  blocked: number;
}

/**
 * The newest facts about blocks between people who enter a conversation and those who are or were in it, as D1
 * has them, or enter it with them; in both directions. Those lifted lately are among them, with
 * `blocked: false`, so that one who has looked earlier learns of it.
 */
export async function blocksAmong(
  directory: Directory,
  conversationId: string,
  entering: readonly string[],
): Promise<Block[]> {
  const entered = sql`json_each(${JSON.stringify(entering)})`;
  const isIn = (userId: SQL) => sql`EXISTS (SELECT 1 FROM members
    WHERE members.user_id = ${userId} AND members.conversation_id = ${conversationId})`;
  const columns = (blocked: number) =>
    sql`b.user_id AS userId, b.blocked_id AS blockedId, b.version AS version, ${blocked} AS blocked`;
  const between = (table: SQL, blocked: number) => sql`
    SELECT ${columns(blocked)} FROM ${entered} AS entered JOIN ${table} AS b ON b.user_id = entered.value
    WHERE b.blocked_id IN (SELECT value FROM ${entered}) OR ${isIn(sql`b.blocked_id`)}
    UNION
    SELECT ${columns(blocked)} FROM ${entered} AS entered JOIN ${table} AS b ON b.blocked_id = entered.value
    WHERE ${isIn(sql`b.user_id`)}`;
  const rows = await directory.all<Row>(
    sql`${between(sql`blocks`, 1)} UNION ${between(sql`lifted_blocks`, 0)}`,
  );
  return rows.map(({ blocked, ...row }) => ({ ...row, blocked: blocked === 1 }));
}

/** Those among some users who block a user, or whom the user blocks. */
export async function blockedEitherWay(
  directory: Directory,
  userId: string,
  userIds: readonly string[],
): Promise<Set<string>> {
  const rows = await directory.all<{ id: string }>(sql`
    SELECT asked.value AS id FROM json_each(${JSON.stringify(userIds)}) AS asked
    WHERE ${isBlockedEitherWay(userId, sql`asked.value`)}`);
  return new Set(rows.map(({ id }) => id));
}

/** Whether a user blocks another or is blocked by them, as a condition. */
export function isBlockedEitherWay(userId: string, other: SQL): SQL {
  return sql`(EXISTS (SELECT 1 FROM blocks WHERE blocks.user_id = ${userId} AND blocks.blocked_id = ${other})
    OR EXISTS (SELECT 1 FROM blocks WHERE blocks.user_id = ${other} AND blocks.blocked_id = ${userId}))`;
}

/** Those whom a user blocks. */
export async function blockedBy(directory: Directory, userId: string): Promise<Set<string>> {
  const rows = await directory.all<{ id: string }>(
    sql`SELECT blocked_id AS id FROM blocks WHERE user_id = ${userId}`,
  );
  return new Set(rows.map(({ id }) => id));
}

/**
 * Writes changes of one user's blocks, in one transaction. Idempotent, in any order: of two facts about the same
 * people the one with the higher version stays. A block writes two rows, lifting one four.
 */
export async function writeBlocks(
  directory: Directory,
  userId: string,
  changes: readonly BlockChange[],
): Promise<void> {
  const rows = JSON.stringify(
    changes.map((c) => [c.blockedId, c.blocked ? 1 : 0, c.version, c.at]),
  );
  const { $client } = directory;
  const statements = [
    `INSERT INTO blocks (user_id, blocked_id, version, blocked_at) ${newest(1, "lifted_blocks")}
     ON CONFLICT (user_id, blocked_id) DO UPDATE SET version = excluded.version, blocked_at = excluded.blocked_at
     WHERE excluded.version > version`,
    `INSERT INTO lifted_blocks (user_id, blocked_id, version, lifted_at) ${newest(0, "blocks")}
     ON CONFLICT (user_id, blocked_id) DO UPDATE SET version = excluded.version, lifted_at = excluded.lifted_at
     WHERE excluded.version > version`,
    olderDeleted("blocks", "lifted_blocks"),
    olderDeleted("lifted_blocks", "blocks"),
  ];
  await $client.batch(statements.map((statement) => $client.prepare(statement).bind(userId, rows)));
}

/** The changes of a kind that nothing newer in the other table contradicts. ?1: the user, ?2: the changes. */
function newest(blocked: number, other: string): string {
  return `SELECT ?1, value ->> 0, value ->> 2, value ->> 3 FROM json_each(?2)
    WHERE value ->> 1 = ${blocked} AND NOT EXISTS (SELECT 1 FROM ${other}
      WHERE user_id = ?1 AND blocked_id = value ->> 0 AND version > value ->> 2)`;
}

/** Deletes rows about the people of the changes that the other table has something newer about. */
function olderDeleted(table: string, other: string): string {
  return `DELETE FROM ${table} WHERE user_id = ?1
    AND blocked_id IN (SELECT value ->> 0 FROM json_each(?2))
    AND EXISTS (SELECT 1 FROM ${other} WHERE ${other}.user_id = ?1
      AND ${other}.blocked_id = ${table}.blocked_id AND ${other}.version > ${table}.version)`;
}

/**
 * Conversations that two people share, in the order of their ids, after one: a page of at most `limit`.
 * `isPresent`: the user is still in them; the other may have left in any case.
 */
export async function sharedConversations(
  directory: Directory,
  [userId, other]: readonly [userId: string, other: string],
  page: { isPresent: boolean; after: string; limit: number },
): Promise<string[]> {
  const rows = await directory.all<{ id: string }>(sql`
    SELECT own.conversation_id AS id FROM members own
    JOIN members other ON other.user_id = ${other} AND other.conversation_id = own.conversation_id
    WHERE own.user_id = ${userId} AND own.conversation_id > ${page.after}
      AND ${page.isPresent ? sql`own.left_at IS NULL` : sql`true`}
    ORDER BY own.conversation_id LIMIT ${page.limit}`);
  return rows.map(({ id }) => id);
}

/** Deletes what is known of blocks that were lifted long ago. */
export async function deleteOldLiftedBlocks(directory: Directory, now: number): Promise<void> {
  await directory.run(sql`DELETE FROM lifted_blocks WHERE lifted_at <= ${now - LIFTED_KEPT_MS}`);
}
