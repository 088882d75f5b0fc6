import { mentionList } from "../../domain/mentions.ts";
import type { Message } from "../../domain/message.ts";
import {
  attachmentsIn,
  kindIn,
  mentionsIn,
  metadataIn,
  parsed,
  reactionsIn,
} from "../../domain/stored.ts";
import type { Sent } from "../decide/types.ts";

/** A row, as an array: in workerd an object for each costs more than twice as much. */
type MessageRow = [
  number: number,
  rev: number,
  createdRev: number,
  senderId: string | null,
  kind: string,
  content: string,
  replyTo: number | null,
  createdAt: number,
  clockAt: number | null,
  editedAt: number | null,
  deletedAt: number | null,
  clientMessageId: string | null,
  metadata: string | null,
  attachments: string | null,
  reactions: string | null,
  mentions: string | null,
  silent: number | null,
  deletedBy: string | null,
];
type SentRow = [digest: string | null, ...MessageRow];

/** In the order of {@link MessageRow}. */
const COLUMNS = `number, rev, created_rev, sender_id, kind, content, reply_to, created_at,
  clock_at, edited_at, deleted_at, client_message_id, metadata, attachments, reactions, mentions,
  silent, deleted_by`;

/**
 * Stores what can change of a message: not its number, sender, reply or time; and the digest of what
 * was sent, unless an earlier one is there. Its metadata and files go with its deletion and change by
 * nothing else, so that what another version stored of them is kept, fields unknown here included.
 */
export function updateMessage(sql: SqlStorage, { message, digest }: Sent): void {
  sql.exec(
    `UPDATE messages SET rev = ?1, content = ?2, edited_at = ?3, deleted_at = ?4,
       metadata = iif(?4 IS NULL, metadata, NULL), attachments = iif(?4 IS NULL, attachments, NULL),
       reactions = ?5, mentions = ?8, deleted_by = ?9, digest = coalesce(digest, ?6) WHERE number = ?7`,
    message.rev,
    message.content,
    message.editedAt,
    message.deletedAt,
    jsonList(message.reactions),
    digest,
    message.number,
    jsonList(mentionList(message)),
    message.deletedBy ?? null,
  );
}

export function messageAt(sql: SqlStorage, number: number): Message | undefined {
  return select(sql, "WHERE number = ?", number)[0];
}

/** Messages `from`…`to`, oldest first. */
export function messagesBetween(sql: SqlStorage, from: number, to: number): Message[] {
  // LIMIT reads no row beyond the last where numbers have no gaps: what is gone by retention is one.
  return select(
    sql,
    "WHERE number BETWEEN ? AND ? ORDER BY number LIMIT ?",
    ...[from, to, Math.max(0, to - from + 1)],
  );
}

/** The message sent under this key, with the digest of what was sent. */
export function messageSentAs(
  sql: SqlStorage,
  senderId: string,
  clientMessageId: string,
): Sent | undefined {
  const rows = sql
    .exec(
      `SELECT digest, ${COLUMNS} FROM messages WHERE sender_id = ? AND client_message_id = ?`,
      senderId,
      clientMessageId,
    )
    .raw<SentRow>();
  return Array.from(rows, sentOf)[0];
}

/** The same for many pairs of sender and key: those that exist. */
export function messagesSentAs(
  sql: SqlStorage,
  pairs: readonly (readonly [senderId: string, clientMessageId: string])[],
): Sent[] {
  const rows = sql
    .exec(
      `SELECT digest, ${COLUMNS} FROM json_each(?) AS asked CROSS JOIN messages
       WHERE sender_id = asked.value ->> 0 AND client_message_id = asked.value ->> 1`,
      JSON.stringify(pairs),
    )
    .raw<SentRow>();
  return Array.from(rows, sentOf);
}

/** Numbers of one sender's countable messages within `from`…`to`, ascending. */
export function ownCounted(sql: SqlStorage, senderId: string, from: number, to: number): number[] {
  return sql
    .exec<{ number: number }>(
      `SELECT number FROM messages
       WHERE number BETWEEN ? AND ? AND sender_id = ? AND deleted_at IS NULL ORDER BY number`,
      from,
      to,
      senderId,
    )
    .toArray()
    .map((row) => row.number);
}

/** The same of a user's own messages, and of those that count as read by a block of theirs. */
export function ownAndHiddenCounted(
  sql: SqlStorage,
  userId: string,
  from: number,
  to: number,
): number[] {
  return sql
    .exec<{ number: number }>(
      `SELECT number FROM messages AS m
       WHERE number BETWEEN ?1 AND ?2 AND deleted_at IS NULL
         AND (sender_id = ?3 OR ${isHiddenFrom("?3")}) ORDER BY number`,
      from,
      to,
      userId,
    )
    .toArray()
    .map((row) => row.number);
}

/** Whether the message `m` counts as read by a block of a user, as a condition. */
export function isHiddenFrom(user: string): string {
  return `EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = ${user} AND b.blocked_id = m.sender_id
    AND (b.to_number IS NULL OR b.to_number >= m.number))`;
}

/** A message's sender (`null`: the system) and its time by the server's clock. */
export interface SendTime {
  senderId: string | null;
  at: number;
}

/** Senders and times of messages, newest first, read lazily. */
export function* sendsBackwards(sql: SqlStorage): Generator<SendTime> {
  const rows = sql.exec<{ sender_id: string | null; at: number }>(
    `SELECT sender_id, coalesce(clock_at, created_at) AS at FROM messages ORDER BY number DESC`,
  );
  for (const row of rows) yield { senderId: row.sender_id, at: row.at };
}

/** Which messages there are: all numbers above `purgedTo`, and some below it. */
export interface Numbers {
  lastNumber: number;
  /** Absent: none is gone. */
  purgedTo?: number | undefined;
}

/**
 * The smallest message number whose `column` is greater than `value`. Both rise with the number. Of a message that
 * is gone neither is known: it is passed over.
 */
export function firstNumberAfter(
  sql: SqlStorage,
  column: "created_rev" | "created_at",
  value: number,
  { lastNumber, purgedTo = 0 }: Numbers,
): number {
  const isAfter = (number: number) =>
    sql
      .exec<{ value: number }>(`SELECT ${column} AS value FROM messages WHERE number = ?`, number)
      .one().value > value;
  // Most searches are for something recent: the step back from the newest doubles until a row is
  // not after `value`.
  let low = purgedTo + 1;
  let high = lastNumber + 1;
  for (let step = 1; low < high; step *= 2) {
    const number = Math.max(low, high - step);
    if (!isAfter(number)) {
      low = number + 1;
      break;
    }
    high = number;
  }
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isAfter(middle)) high = middle;
    else low = middle + 1;
  }
  if (low > purgedTo + 1 || purgedTo === 0) return low;
  const [kept] = sql
    .exec<{ number: number }>(
      `SELECT number FROM messages WHERE number <= ? AND ${column} > ? ORDER BY number LIMIT 1`,
      purgedTo,
      value,
    )
    .toArray();
  return kept?.number ?? low;
}

/** The numbers of the messages up to `purgedTo` that are still there, ascending: pinned ones. */
export function keptNumbers(sql: SqlStorage, purgedTo: number): number[] {
  if (purgedTo === 0) return [];
  return sql
    .exec<{ number: number }>(
      "SELECT number FROM messages WHERE number <= ? ORDER BY number",
      purgedTo,
    )
    .toArray()
    .map(({ number }) => number);
}

/** A bounded list of messages; `more`: there are further ones. */
export interface Some {
  messages: { message: Message; createdRev: number }[];
  more: boolean;
}

/**
 * Messages from `number` on, in order of creation: at most `limit`, and, after the first, at most
 * `maxLength` UTF-16 units of stored text.
 */
export function createdFrom(
  sql: SqlStorage,
  number: number,
  limit: number,
  maxLength: number,
): Some {
  return someOf(sql, "WHERE number >= ? ORDER BY number", number, limit, maxLength);
}

/**
 * The same for messages that changed after their creation and after `rev`, in order of revision.
 */
export function changedAfter(sql: SqlStorage, rev: number, limit: number, maxLength: number): Some {
  return someOf(sql, "WHERE rev <> created_rev AND rev > ? ORDER BY rev", rev, limit, maxLength);
}

/** How many messages changed after their creation and after `rev`, counted up to `limit`. */
export function countChangedAfter(sql: SqlStorage, rev: number, limit: number): number {
  return sql
    .exec<{ count: number }>(
      `SELECT count(*) AS count FROM (
         SELECT 1 FROM messages WHERE rev <> created_rev AND rev > ? LIMIT ?)`,
      rev,
      limit,
    )
    .one().count;
}

/** Messages that are read as they are asked for. */
export interface MessageCursor {
  messages: Iterable<Message>;
  /** Rows that SQLite has read so far, those that a condition excluded included. */
  rowsRead: () => number;
}

/**
 * Messages `from`…`to` for which a condition in SQL holds, newest first, at most so many. The limit is SQLite's as
 * well, because a cursor reads on to the next row before that is asked for.
 */
export function messagesBackwards(
  sql: SqlStorage,
  from: number,
  to: number,
  condition: { sql: string; bindings: readonly string[] },
  limit: number,
): MessageCursor {
  return lazily(
    sql,
    `messages WHERE number >= ? AND number <= ? AND ${condition.sql} ORDER BY number DESC LIMIT ?`,
    ...[from, to, ...condition.bindings, limit],
  );
}

/** Messages `from`…`to` that a full-text table finds, by its ids, newest first. */
export function messagesFound(
  sql: SqlStorage,
  from: number,
  to: number,
  table: string,
  expression: string,
): MessageCursor {
  return lazily(
    sql,
    `${table} CROSS JOIN messages ON number = ${table}.rowid
     WHERE ${table} MATCH ? AND ${table}.rowid >= ? AND ${table}.rowid <= ?
     ORDER BY ${table}.rowid DESC`,
    ...[expression, from, to],
  );
}

function lazily(sql: SqlStorage, from: string, ...bindings: (string | number)[]): MessageCursor {
  const cursor = sql.exec(`SELECT ${COLUMNS} FROM ${from}`, ...bindings);
  return { messages: decoded(cursor.raw<MessageRow>()), rowsRead: () => cursor.rowsRead };
}

function* decoded(rows: Iterable<MessageRow>): Generator<Message> {
  for (const row of rows) yield messageOf(row);
}

function someOf(
  sql: SqlStorage,
  clause: string,
  after: number,
  limit: number,
  maxLength: number,
): Some {
  const messages: Some["messages"] = [];
  const rows = sql
    .exec(`SELECT ${COLUMNS} FROM messages ${clause} LIMIT ?`, after, limit)
    .raw<MessageRow>();
  let length = 0;
  for (const row of rows) {
    length += lengthOf(row);
    if (length > maxLength && messages.length > 0) return { messages, more: true };
    messages.push({ message: messageOf(row), createdRev: row[2] });
  }
  return { messages, more: messages.length === limit };
}

/** UTF-16 units of a row's content, metadata, attachments, reactions and mentions. */
function lengthOf(row: MessageRow): number {
  const texts = [row[5], row[12], row[13], row[14], row[15]];
  return texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
}

function select(sql: SqlStorage, clause: string, ...bindings: number[]): Message[] {
  const rows = sql.exec(`SELECT ${COLUMNS} FROM messages ${clause}`, ...bindings).raw<MessageRow>();
  return Array.from(rows, messageOf);
}

function sentOf([digest, ...row]: SentRow): Sent {
  return { message: messageOf(row), digest };
}

function messageOf(row: MessageRow): Message {
  const [number, rev, _, senderId, kind, content, replyTo, createdAt, clockAt, ...rest] = row;
  const [editedAt, deletedAt, clientMessageId, metadata, ...lists] = rest;
  const [attachments, reactions, mentions, silent, deletedBy] = lists;
  return {
    number,
    rev,
    senderId,
    kind: kindIn(kind),
    content,
    replyTo,
    attachments: attachments === null ? [] : attachmentsIn(parsed(attachments)),
    reactions: reactions === null ? [] : reactionsIn(parsed(reactions)),
    metadata: metadata === null ? null : metadataIn(parsed(metadata)),
    // The version before mentions leaves them in a message that it deletes.
    ...(mentions !== null && deletedAt === null && mentionsIn(parsed(mentions))),
    ...(silent === 1 && { silent: true as const }),
    clientMessageId,
    createdAt,
    ...(clockAt !== null && { clockAt }),
    editedAt,
    deletedAt,
    ...(deletedBy !== null && { deletedBy }),
  };
}

export function jsonList(list: readonly unknown[]): string | null {
  return list.length === 0 ? null : JSON.stringify(list);
}
