import { MAX_NUMBER } from "../../domain/id.ts";
import type { Message, Receipt } from "../../domain/message.ts";

/** Readers listed for each message of a page at most. */
export const READERS_MAX = 200;

/**
 * The readers of a message, the first reader first: never its author, nobody for a system message,
 * and for a deleted message those who read it before its deletion; nobody who has not accepted a
 * request. For each member it seeks the one
 * range that could contain the number, however long the history is.
 */
export function readersOf(sql: SqlStorage, message: Message, limit: number, offset = 0): Receipt[] {
  if (message.senderId === null) return [];
  return sql
    .exec<{ user_id: string; read_at: number }>(
      `SELECT m.user_id, r.read_at FROM members m CROSS JOIN reads r
         ON r.user_id = m.user_id AND r.to_number = (
           SELECT min(to_number) FROM reads WHERE user_id = m.user_id AND to_number >= ?1)
       WHERE r.from_number <= ?1 AND m.user_id <> ?2 AND r.rev < ?3 AND m.request = 0
       ORDER BY r.read_at, r.rev LIMIT ?4 OFFSET ?5`,
      message.number,
      message.senderId,
      latestReceipt(message),
      limit,
      offset,
    )
    .toArray()
    .map((row) => ({ userId: row.user_id, readAt: row.read_at }));
}

/** Only receipts before this revision count: a deletion is a message's last change. */
function latestReceipt(message: Message): number {
  return message.deletedAt === null ? Number.MAX_SAFE_INTEGER : message.rev;
}

/**
 * The same for consecutive messages in one call, at most {@link READERS_MAX} for each. For each member it
 * reads the ranges that meet the page, and seeks the one where they end.
 */
export function readersWithin(
  sql: SqlStorage,
  messages: readonly Message[],
): Map<number, Receipt[]> {
  const readers = new Map<number, Receipt[]>(messages.map((message) => [message.number, []]));
  // Between two of them may be numbers of messages that are gone.
  const byNumber = new Map(messages.map((message) => [message.number, message]));
  const from = messages[0]?.number;
  const to = messages.at(-1)?.number;
  if (from === undefined || to === undefined) return readers;
  const ranges = sql
    .exec(
      `SELECT r.user_id, r.from_number, r.to_number, r.read_at, r.rev
       FROM members m CROSS JOIN reads r ON r.user_id = m.user_id AND r.to_number >= ?1
         AND r.to_number <= ifnull((
           SELECT min(to_number) FROM reads WHERE user_id = m.user_id AND to_number >= ?2), ?3)
       WHERE r.from_number <= ?2 AND m.request = 0`,
      from,
      to,
      MAX_NUMBER,
    )
    .raw<[userId: string, from: number, to: number, readAt: number, rev: number]>();
  // Not in the statement: rows that it sorts count as read once more.
  const ordered = [...ranges].sort((a, b) => a[3] - b[3] || a[4] - b[4]);
  for (const [userId, first, last, readAt, rev] of ordered) {
    for (let number = Math.max(from, first); number <= Math.min(to, last); number++) {
      const message = byNumber.get(number);
      if (!message || message.senderId === null || message.senderId === userId) continue;
      if (rev >= latestReceipt(message)) continue;
      const receipts = readers.get(number);
      if (receipts && receipts.length < READERS_MAX) receipts.push({ userId, readAt });
    }
  }
  return readers;
}
