import type { Message } from "../../domain/message.ts";
import { attachmentsIn, kindIn, metadataIn, parsed, reactionsIn } from "../../domain/stored.ts";
import type { Sent } from "../decide/types.ts";

type MessageRow = {
  number: number;
  rev: number;
  created_rev: number;
  sender_id: string | null;
  kind: string;
  content: string;
  reply_to: number | null;
  created_at: number;
  clock_at: number | null;
  edited_at: number | null;
  deleted_at: number | null;
  client_message_id: string | null;
  metadata: string | null;
  attachments: string | null;
  reactions: string | null;
};

const COLUMNS = `number, rev, created_rev, sender_id, kind, content, reply_to, created_at,
  clock_at, edited_at, deleted_at, client_message_id, metadata, attachments, reactions`;

/**
 * Stores what can change of a message: not its number, sender, reply or time; and the digest of what
 * was sent, unless an earlier one is there. Its metadata and files go with its deletion and change by
 * nothing else, so that what another version stored of them is kept, fields unknown here included.
 */
export function updateMessage(sql: SqlStorage, { message, digest }: Sent): void {
  sql.exec(
    `UPDATE messages SET rev = ?1, content = ?2, edited_at = ?3, deleted_at = ?4,
       metadata = iif(?4 IS NULL, metadata, NULL), attachments = iif(?4 IS NULL, attachments, NULL),
       reactions = ?5, digest = coalesce(digest, ?6) WHERE number = ?7`,
    message.rev,
    message.content,
    message.editedAt,
    message.deletedAt,
    jsonList(message.reactions),
    digest,
    message.number,
  );
}

export function messageAt(sql: SqlStorage, number: number): Message | undefined {
  return select(sql, "WHERE number = ?", number)[0];
}

/** Messages `from`…`to`, oldest first. */
export function messagesBetween(sql: SqlStorage, from: number, to: number): Message[] {
  // Numbers have no gaps. LIMIT reads no row beyond the last; BETWEEN would.
  return select(sql, "WHERE number >= ? ORDER BY number LIMIT ?", from, Math.max(0, to - from + 1));
}

/** The message sent under this key, with the digest of what was sent. */
export function messageSentAs(
  sql: SqlStorage,
  senderId: string,
  clientMessageId: string,
): Sent | undefined {
  const [row] = sql
    .exec<MessageRow & { digest: string | null }>(
      `SELECT ${COLUMNS}, digest FROM messages WHERE sender_id = ? AND client_message_id = ?`,
      senderId,
      clientMessageId,
    )
    .toArray();
  return row && { message: messageOf(row), digest: row.digest };
}

/** The same for many pairs of sender and key: those that exist. */
export function messagesSentAs(
  sql: SqlStorage,
  pairs: readonly (readonly [senderId: string, clientMessageId: string])[],
): Sent[] {
  return sql
    .exec<MessageRow & { digest: string | null }>(
      `SELECT ${COLUMNS}, digest FROM json_each(?) AS asked CROSS JOIN messages
       WHERE sender_id = asked.value ->> 0 AND client_message_id = asked.value ->> 1`,
      JSON.stringify(pairs),
    )
    .toArray()
    .map((row) => ({ message: messageOf(row), digest: row.digest }));
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

/**
 * The smallest message number whose `column` is greater than `value`. Both rise with the number.
 */
export function firstNumberAfter(
  sql: SqlStorage,
  column: "created_rev" | "created_at",
  value: number,
  lastNumber: number,
): number {
  const isAfter = (number: number) =>
    sql
      .exec<{ value: number }>(`SELECT ${column} AS value FROM messages WHERE number = ?`, number)
      .one().value > value;
  // Most searches are for something recent: the step back from the newest doubles until a row is
  // not after `value`.
  let low = 1;
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
  return low;
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

function someOf(
  sql: SqlStorage,
  clause: string,
  after: number,
  limit: number,
  maxLength: number,
): Some {
  const messages: Some["messages"] = [];
  const rows = sql.exec<MessageRow>(
    `SELECT ${COLUMNS} FROM messages ${clause} LIMIT ?`,
    after,
    limit,
  );
  let length = 0;
  for (const row of rows) {
    length += lengthOf(row);
    if (length > maxLength && messages.length > 0) return { messages, more: true };
    messages.push({ message: messageOf(row), createdRev: row.created_rev });
  }
  return { messages, more: messages.length === limit };
}

function lengthOf({ content, metadata, attachments, reactions }: MessageRow): number {
  return [content, metadata, attachments, reactions].reduce(
    (sum, text) => sum + (text?.length ?? 0),
    0,
  );
}

function select(sql: SqlStorage, clause: string, ...bindings: number[]): Message[] {
  return sql
    .exec<MessageRow>(`SELECT ${COLUMNS} FROM messages ${clause}`, ...bindings)
    .toArray()
    .map(messageOf);
}

function messageOf(row: MessageRow): Message {
  return {
    number: row.number,
    rev: row.rev,
    senderId: row.sender_id,
    kind: kindIn(row.kind),
    content: row.content,
    replyTo: row.reply_to,
    attachments: row.attachments === null ? [] : attachmentsIn(parsed(row.attachments)),
    reactions: row.reactions === null ? [] : reactionsIn(parsed(row.reactions)),
    metadata: row.metadata === null ? null : metadataIn(parsed(row.metadata)),
    clientMessageId: row.client_message_id,
    createdAt: row.created_at,
    ...(row.clock_at !== null && { clockAt: row.clock_at }),
    editedAt: row.edited_at,
    deletedAt: row.deleted_at,
  };
}

export function jsonList(list: readonly unknown[]): string | null {
  return list.length === 0 ? null : JSON.stringify(list);
}
