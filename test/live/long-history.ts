import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { objectOf } from "../support.ts";

/**
 * Writes a long history directly into the object's tables, because it would take hours over the
 * API. Messages of several senders, then edits, deletions and reactions of every fifth, then reads
 * of single messages. Each takes one revision; resolves to the last one.
 */
export async function writeLongHistory(
  conversationId: string,
  senders: readonly string[],
  counts: { messages: number; changes: number; reads: number },
): Promise<number> {
  const stub = objectOf(conversationId);
  const { messages, changes, reads } = counts;
  const rev = await runInDurableObject(stub, (_, { storage: { sql } }) => {
    const [start] = sql
      .exec<{ rev: number; number: number }>("SELECT rev, last_number AS number FROM counters")
      .toArray();
    if (start?.number !== 0) throw new Error("an absence begins before the first message");
    const now = Date.now();
    const upTo = "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?)";
    sql.exec(
      `${upTo} INSERT INTO messages (number, rev, created_rev, sender_id, kind, content, created_at)
       SELECT n, ? + n, ? + n, ? ->> (n % ?), 'text', 'message ' || n, ? FROM i`,
      ...[messages, start.rev, start.rev, JSON.stringify(senders), senders.length, now],
    );
    const changed = start.rev + messages;
    sql.exec(
      `UPDATE messages SET rev = ? + number / 5,
         content = CASE number % 3 WHEN 1 THEN '' ELSE content || ', edited' END,
         edited_at = CASE number % 3 WHEN 0 THEN ? END,
         deleted_at = CASE number % 3 WHEN 1 THEN ? END,
         reactions = CASE number % 3 WHEN 2 THEN '[{"emoji":"👍","count":1,"userIds":["x"]}]' END
       WHERE number % 5 = 0 AND number / 5 <= ?`,
      ...[changed, now, now, changes],
    );
    sql.exec("INSERT INTO uncounted SELECT number FROM messages WHERE deleted_at IS NOT NULL");
    const read = changed + changes;
    sql.exec(
      `${upTo} INSERT INTO reads (rev, user_id, from_number, to_number, read_at, ahead)
       SELECT ? + n, ?, n * 2, n * 2, ?, 0 FROM i`,
      ...[reads, read, senders[0] ?? "", now],
    );
    sql.exec(
      `UPDATE counters SET rev = ?, last_number = ?, last_counted = ?, last_created_at = ?,
         counted = ? - (SELECT count(*) FROM uncounted)`,
      ...[read + reads, messages, messages, now, messages],
    );
    return read + reads;
  });
  await evictDurableObject(stub, { webSockets: "close" });
  return rev;
}
