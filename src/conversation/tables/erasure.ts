import type { Kind } from "../../domain/conversation.ts";
import {
  type ErasedMessages,
  idInJson,
  type Replacement,
  withoutName,
  withoutPerson,
} from "../../domain/erasure.ts";
import { isErasedColumn } from "../../domain/person.ts";

/** The rows that name a person, written without them. Everything here may be done twice. */

/** Rows of one person that are removed at a time. */
const ROWS = 2_000;

/** Tables that are looked through by the numbers of their messages; and one that has an index of users. */
const OF_MESSAGES = ["messages", "reactions"];
const READS = "reads";

/** Whether a row of the messages `from`…`to` contains one of the texts, in whichever column. */
export function isInMessages(
  sql: SqlStorage,
  texts: readonly string[],
  from: number,
  to: number,
): boolean {
  return OF_MESSAGES.some((table) => contains(sql, table, texts, [from, to]));
}

/** The same of all other tables, whichever there are, apart from the search index. */
export function isInOtherTables(
  sql: SqlStorage,
  userId: string,
  texts: readonly string[],
): boolean {
  if (sql.exec("SELECT 1 FROM reads WHERE user_id = ? LIMIT 1", userId).toArray().length > 0) {
    return true;
  }
  return sql
    .exec<{ name: string }>(
      `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'search\\_%' ESCAPE '\\'`,
    )
    .toArray()
    .filter(({ name }) => !OF_MESSAGES.includes(name) && name !== READS)
    .some(({ name }) => contains(sql, name, texts));
}

/** `range`: of the numbers of messages. */
function contains(
  sql: SqlStorage,
  table: string,
  texts: readonly string[],
  range: readonly number[] = [],
): boolean {
  const { columnNames } = sql.exec(`SELECT * FROM "${table}" LIMIT 0`);
  const found = columnNames.flatMap((column) =>
    texts.map((_, index) => `instr("${column}", ?${index + 1}) > 0`),
  );
  const from = texts.length + 1;
  const isWithin = range.length > 0 ? `number BETWEEN ?${from} AND ?${from + 1} AND` : "";
  const query = `SELECT 1 FROM "${table}" WHERE ${isWithin} (${found.join(" OR ")}) LIMIT 1`;
  return sql.exec(query, ...texts, ...range).toArray().length > 0;
}

/** Numbers within `from`…`to` of the person's messages that are not deleted. */
export function writtenWithin(sql: SqlStorage, userId: string, from: number, to: number): number[] {
  return numbers(
    sql,
    `SELECT number FROM messages
     WHERE number BETWEEN ? AND ? AND sender_id = ? AND deleted_at IS NULL`,
    ...[from, to, userId],
  );
}

/** The person's reactions to the messages `from`…`to`. */
export function reactionsWithin(
  sql: SqlStorage,
  userId: string,
  from: number,
  to: number,
): { number: number; emoji: string }[] {
  return sql
    .exec<{ number: number; emoji: string }>(
      "SELECT number, emoji FROM reactions WHERE number BETWEEN ? AND ? AND user_id = ?",
      ...[from, to, userId],
    )
    .toArray();
}

/** Writes what names the person in the messages `from`…`to`, their reactions included. */
export function replaceInMessages(
  sql: SqlStorage,
  replacement: Replacement,
  from: number,
  to: number,
): void {
  const { userId, erasedId } = replacement;
  const id = idInJson(userId);
  // The key and the digest of a send would say that a known text was sent.
  sql.exec(
    `UPDATE messages SET sender_id = ?1, client_message_id = NULL, digest = NULL
     WHERE number BETWEEN ?2 AND ?3 AND sender_id = ?4`,
    ...[erasedId, from, to, userId],
  );
  sql.exec(
    "UPDATE messages SET deleted_by = ?1 WHERE number BETWEEN ?2 AND ?3 AND deleted_by = ?4",
    ...[erasedId, from, to, userId],
  );
  const named = sql
    .exec<NamedRow>(
      `SELECT number, sender_id, content, metadata, mentions, reactions FROM messages
       WHERE number BETWEEN ?1 AND ?2 AND (instr(metadata, ?3) > 0 OR instr(mentions, ?3) > 0
         OR instr(reactions, ?3) > 0)`,
      ...[from, to, id],
    )
    .toArray();
  for (const row of named) {
    const isAboutThem = row.sender_id === null && row.metadata?.includes(id) === true;
    sql.exec(
      "UPDATE messages SET content = ?, metadata = ?, mentions = ?, reactions = ? WHERE number = ?",
      isAboutThem ? withoutName(row.content) : row.content,
      ...[row.metadata, row.mentions, row.reactions].map((json) =>
        json === null ? null : withoutPerson(json, replacement),
      ),
      row.number,
    );
  }
  sql.exec(
    "UPDATE reactions SET user_id = ?1 WHERE number BETWEEN ?2 AND ?3 AND user_id = ?4",
    ...[erasedId, from, to, userId],
  );
}

/** Removes some of the rows that only concern the person: whether there may be more. */
export function removeOwnRows(sql: SqlStorage, userId: string): boolean {
  const reads = sql.exec(
    "DELETE FROM reads WHERE rev IN (SELECT rev FROM reads WHERE user_id = ? LIMIT ?)",
    ...[userId, ROWS],
  );
  const mentions = sql.exec(
    `DELETE FROM mentions WHERE user_id = ?1 AND number IN (
       SELECT number FROM mentions WHERE user_id = ?1 LIMIT ?2)`,
    ...[userId, ROWS],
  );
  return Math.max(reads.rowsWritten, mentions.rowsWritten) >= ROWS;
}

/**
 * Those who block the person, or did, block from now on the other id as well: while messages are written
 * under it, they count as they did before.
 */
export function copyBlocks(sql: SqlStorage, { userId, erasedId }: Replacement): string[] {
  return sql
    .exec<{ user_id: string }>(
      `INSERT INTO blocks (user_id, blocked_id, to_number, version, rev)
         SELECT user_id, ?1, to_number, version, rev FROM blocks WHERE blocked_id = ?2
       ON CONFLICT (user_id, blocked_id) DO UPDATE SET to_number = excluded.to_number,
         version = excluded.version, rev = excluded.rev
       RETURNING user_id`,
      ...[erasedId, userId],
    )
    .toArray()
    .map(({ user_id }) => user_id);
}

/** Writes all other rows that name the person. Their messages are written already. */
export function replaceElsewhere(
  sql: SqlStorage,
  request: Replacement & { messages: ErasedMessages },
): void {
  const { messages, ...replacement } = request;
  const { userId, erasedId } = replacement;
  const pair = [erasedId, userId];
  replaceMember(sql, replacement);
  copyBlocks(sql, replacement);
  sql.exec("DELETE FROM blocks WHERE user_id = ?1 OR blocked_id = ?1", userId);
  // Of cleared messages none is left to hide.
  if (messages === "clear") sql.exec("DELETE FROM blocks WHERE blocked_id = ?", erasedId);
  for (const table of ["invitations", "bans", "paced", "armed", "listeners", "unmentioned"]) {
    sql.exec(`DELETE FROM ${table} WHERE user_id = ?`, userId);
  }
  sql.exec("UPDATE invitations SET invited_by = ? WHERE invited_by = ?", ...pair);
  sql.exec("UPDATE bans SET banned_by = ? WHERE banned_by = ?", ...pair);
  if (messages === "clear") {
    // What a conversation is about belongs to all of a group or channel.
    sql.exec(
      `UPDATE conversation SET title = NULL, subject = NULL, metadata = NULL
       WHERE created_by = ? AND kind NOT IN ('group', 'channel')`,
      userId,
    );
  }
  sql.exec("UPDATE conversation SET created_by = ? WHERE created_by = ?", ...pair);
  const { pins, metadata, figures } = sql
    .exec<{ pins: string | null; metadata: string | null; figures: string | null }>(
      "SELECT pins, metadata, figures FROM conversation, counters",
    )
    .one();
  const without = (json: string | null) => json && withoutPerson(json, replacement);
  sql.exec("UPDATE conversation SET pins = ?, metadata = ?", without(pins), without(metadata));
  sql.exec("UPDATE counters SET figures = ?", without(figures));
  replaceInList(sql, { table: "audit", key: ["rev"], json: "act" }, replacement);
  if (messages === "clear") {
    sql.exec("DELETE FROM held WHERE message ->> '$.senderId' = ?", userId);
  }
  replaceInList(sql, { table: "held", key: ["number", "rev"], json: "message" }, replacement);
}

/**
 * Whether everybody who is or was a member has been erased, and nobody can come: the conversation belongs to
 * nobody any more.
 */
export function isDeserted(kind: Kind, sql: SqlStorage): boolean {
  if (kind === "channel") return false;
  const others = sql.exec(`SELECT 1 FROM members WHERE NOT ${isErasedColumn("user_id")} LIMIT 1`);
  return others.toArray().length === 0;
}

/** The member's row, under the other id: without name and picture, and not present. */
function replaceMember(sql: SqlStorage, { userId, erasedId }: Replacement): void {
  sql.exec(
    `INSERT INTO members (user_id, name, avatar_url, role, joined_at, left_at, archived, read_up_to,
       read_beyond, rev, moved_rev, request, muted_until)
     SELECT ?1, NULL, NULL, role, joined_at, coalesce(left_at, joined_at), 0, read_up_to,
       read_beyond, rev, moved_rev, 0, 0 FROM members WHERE user_id = ?2
     ON CONFLICT (user_id) DO NOTHING`,
    ...[erasedId, userId],
  );
  sql.exec("DELETE FROM members WHERE user_id = ?", userId);
}

function replaceInList(
  sql: SqlStorage,
  { table, key, json }: { table: string; key: readonly string[]; json: string },
  replacement: Replacement,
): void {
  const rows = sql
    .exec<Record<string, SqlStorageValue>>(
      `SELECT ${key.join()}, ${json} AS json FROM ${table} WHERE instr(${json}, ?) > 0`,
      idInJson(replacement.userId),
    )
    .toArray();
  const where = key.map((column) => `${column} = ?`).join(" AND ");
  for (const row of rows) {
    sql.exec(
      `UPDATE ${table} SET ${json} = ? WHERE ${where}`,
      withoutPerson(String(row["json"]), replacement),
      ...key.map((column) => row[column] ?? null),
    );
  }
}

interface NamedRow extends Record<string, SqlStorageValue> {
  number: number;
  sender_id: string | null;
  content: string;
  metadata: string | null;
  mentions: string | null;
  reactions: string | null;
}

function numbers(sql: SqlStorage, query: string, ...bindings: SqlStorageValue[]): number[] {
  return sql
    .exec<{ number: number }>(query, ...bindings)
    .toArray()
    .map(({ number }) => number);
}
