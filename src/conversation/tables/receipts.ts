import type { Message, Receipt } from "../../domain/message.ts";

/** Readers listed for each message of a page at most. */
export const READERS_MAX = 200;

/**
 * The readers of a message, the first reader first: never its author, nobody for a system message,
 * and for a deleted message those who read it before its deletion. For each member it seeks the one
 * range that could contain the number, however long the history is.
 */
export function readersOf(sql: SqlStorage, message: Message, limit: number, offset = 0): Receipt[] {
  if (message.senderId === null) return [];
  return sql
    .exec<{ user_id: string; read_at: number }>(
      `SELECT m.user_id, r.read_at FROM members m CROSS JOIN reads r
         ON r.user_id = m.user_id AND r.to_number = (
           SELECT min(to_number) FROM reads WHERE user_id = m.user_id AND to_number >= ?1)
       WHERE r.from_number <= ?1 AND m.user_id <> ?2 AND r.rev < ?3
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

/** The same for consecutive messages in one call, at most {@link READERS_MAX} for each. */
export function readersWithin(
  sql: SqlStorage,
  messages: readonly Message[],
): Map<number, Receipt[]> {
  const readers = new Map<number, (Receipt & { rev: number })[]>(
    messages.map((message) => [message.number, []]),
  );
  const from = messages[0]?.number;
  const to = messages.at(-1)?.number;
  if (from === undefined || to === undefined) return readers;
  const members = sql.exec<{ user_id: string }>("SELECT user_id FROM members").toArray();
  for (const { user_id: userId } of members) {
    // One cursor per member, closed as soon as it is past the page.
    const ranges = sql.exec<{
      from_number: number;
      to_number: number;
      read_at: number;
      rev: number;
    }>(
      `SELECT from_number, to_number, read_at, rev FROM reads
       WHERE user_id = ? AND to_number >= ? ORDER BY to_number`,
      userId,
      from,
    );
    for (const range of ranges) {
      if (range.from_number > to) break;
      const first = Math.max(from, range.from_number);
      for (let number = first; number <= Math.min(to, range.to_number); number++) {
        const message = messages[number - from];
        if (!message || message.senderId === null || message.senderId === userId) continue;
        if (range.rev >= latestReceipt(message)) continue;
        readers.get(number)?.push({ userId, readAt: range.read_at, rev: range.rev });
      }
    }
  }
  return new Map(
    Array.from(readers, ([number, receipts]) => [
      number,
      receipts
        .sort((a, b) => a.readAt - b.readAt || a.rev - b.rev)
        .slice(0, READERS_MAX)
        .map(({ userId, readAt }) => ({ userId, readAt })),
    ]),
  );
}
