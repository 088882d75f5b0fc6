import type { Range } from "../../domain/read-ranges.ts";

/** A range of message numbers that a member read at one moment. */
export interface ReadMark extends Range {
  rev: number;
  userId: string;
  readAt: number;
}

type ReadRow = {
  rev: number;
  user_id: string;
  from_number: number;
  to_number: number;
  read_at: number;
};

/** Stores a range; `ahead`: it lies after its member's `readUpTo`. */
export function insertRead(sql: SqlStorage, read: ReadMark, ahead: boolean): void {
  sql.exec(
    `INSERT INTO reads (rev, user_id, from_number, to_number, read_at, ahead)
     VALUES (?, ?, ?, ?, ?, ?)`,
    read.rev,
    read.userId,
    read.from,
    read.to,
    read.readAt,
    ahead ? 1 : 0,
  );
}

/**
 * A member's `readUpTo` moved from `before` to `after`: clears `ahead` on the ranges in between.
 */
export function settleReads(sql: SqlStorage, userId: string, before: number, after: number): void {
  sql.exec(
    "UPDATE reads SET ahead = 0 WHERE user_id = ? AND to_number > ? AND to_number <= ? AND ahead = 1",
    userId,
    before,
    after,
  );
}

/** A member's ranges that touch `from`…`to`, in order. They never overlap. */
export function readsTouching(sql: SqlStorage, userId: string, from: number, to: number): Range[] {
  const ranges: Range[] = [];
  const rows = sql.exec<{ from_number: number; to_number: number }>(
    `SELECT from_number, to_number FROM reads
     WHERE user_id = ? AND to_number >= ? ORDER BY to_number`,
    userId,
    from,
  );
  for (const row of rows) {
    if (row.from_number > to) break;
    ranges.push({ from: row.from_number, to: row.to_number });
  }
  return ranges;
}

/** Members who read message `number` out of order and whose `readUpTo` is still below it. */
export function readersAhead(sql: SqlStorage, number: number): string[] {
  return sql
    .exec<{ user_id: string }>(
      `SELECT user_id FROM reads
       WHERE ahead = 1 AND to_number >= ? AND to_number < ? AND from_number <= ?`,
      number,
      number + MAX_AHEAD,
      number,
    )
    .toArray()
    .map((row) => row.user_id);
}

/** Ranges stored after revision `rev`, in order of revision. */
export function readsAfter(sql: SqlStorage, rev: number, limit: number): ReadMark[] {
  return readsOf(
    sql.exec<ReadRow>("SELECT * FROM reads WHERE rev > ? ORDER BY rev LIMIT ?", rev, limit),
  );
}

/** Ranges of present members from message `number` on, without those who have not accepted a request. */
export function readsFrom(sql: SqlStorage, number: number, limit: number): ReadMark[] {
  return readsOf(
    sql.exec<ReadRow>(
      `SELECT r.rev, r.user_id, r.from_number, r.to_number, r.read_at
       FROM members m CROSS JOIN reads r ON r.user_id = m.user_id AND r.to_number >= ?
       WHERE m.left_at IS NULL AND m.request = 0 LIMIT ?`,
      number,
      limit,
    ),
  );
}

/** Ranges of one member from message `number` on. */
export function readsOfMember(sql: SqlStorage, userId: string, number: number): ReadMark[] {
  return readsOf(
    sql.exec<ReadRow>("SELECT * FROM reads WHERE user_id = ? AND to_number >= ?", userId, number),
  );
}

/**
 * A range that is `ahead` is stored in parts of at most this many numbers, which bounds the rows
 * that a deletion reads.
 */
export const MAX_AHEAD = 256;

function readsOf(rows: Iterable<ReadRow>): ReadMark[] {
  return Array.from(rows, (row) => ({
    rev: row.rev,
    userId: row.user_id,
    from: row.from_number,
    to: row.to_number,
    readAt: row.read_at,
  }));
}
