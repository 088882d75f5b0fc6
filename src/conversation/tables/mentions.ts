import type { Member } from "../../domain/conversation.ts";
import { EVERYBODY, MENTIONS_COUNTED } from "../../domain/mentions.ts";
import { isHiddenFrom } from "./messages.ts";

/** In whose unread mentions messages count: rows of user ids, or of {@link EVERYBODY}. */

/** `rev`: the revision in which the message began to mention them. */
export function insertMentions(
  sql: SqlStorage,
  { number, rev }: { number: number; rev: number },
  userIds: readonly string[],
): void {
  if (userIds.length === 0) return;
  const list = JSON.stringify(userIds);
  sql.exec(
    `INSERT INTO mentions (user_id, number, rev) SELECT value, ?, ? FROM json_each(?) WHERE true
     ON CONFLICT DO NOTHING`,
    ...[number, rev, list],
  );
  sql.exec(
    "DELETE FROM unmentioned WHERE number = ? AND user_id IN (SELECT value FROM json_each(?))",
    number,
    list,
  );
}

export function deleteMentions(sql: SqlStorage, number: number, userIds: readonly string[]): void {
  if (userIds.length === 0) return;
  const list = JSON.stringify(userIds);
  sql.exec(
    "DELETE FROM mentions WHERE number = ? AND user_id IN (SELECT value FROM json_each(?))",
    number,
    list,
  );
  sql.exec(
    "INSERT INTO unmentioned (number, user_id) SELECT ?, value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
    number,
    list,
  );
}

/** Whether a message counts in a user's mentions, or everybody's, and has since before a revision. */
export function isMentioned(
  sql: SqlStorage,
  { userId, number, before }: { userId: string; number: number; before: number },
): boolean {
  const found = sql.exec(
    "SELECT 1 FROM mentions WHERE user_id = ? AND number = ? AND rev < ?",
    ...[userId, number, before],
  );
  return found.toArray().length > 0;
}

/** Whether a message counts in anybody's mentions, read or not. */
export function hasMentions(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM mentions LIMIT 1").toArray().length > 0;
}

/** Those whom a message mentioned and no longer does. */
export function unmentionedBy(sql: SqlStorage, number: number): string[] {
  return sql
    .exec<{ user_id: string }>("SELECT user_id FROM unmentioned WHERE number = ?", number)
    .toArray()
    .map(({ user_id }) => user_id);
}

/** Numbers of messages within `from`…`to` that count in a user's mentions. */
export function mentionsWithin(
  sql: SqlStorage,
  userId: string,
  from: number,
  to: number,
): number[] {
  if (from > to) return [];
  return sql
    .exec<{ number: number }>(
      "SELECT number FROM mentions WHERE user_id IN (?, ?) AND number BETWEEN ? AND ?",
      userId,
      EVERYBODY,
      from,
      to,
    )
    .toArray()
    .map(({ number }) => number);
}

/** Numbers from `from` on that count in a user's mentions and were hidden from them by a block of the sender. */
export function hiddenMentionsFrom(
  sql: SqlStorage,
  { userId, blockedId }: { userId: string; blockedId: string },
  from: number,
): number[] {
  return sql
    .exec<{ number: number }>(
      `SELECT m.number FROM mentions JOIN messages m ON m.number = mentions.number
       WHERE mentions.user_id IN (?1, '${EVERYBODY}') AND mentions.number >= ?3
         AND m.sender_id = ?2 AND ${isHiddenFrom("?1")}`,
      ...[userId, blockedId, from],
    )
    .toArray()
    .map(({ number }) => number);
}

/**
 * A member's unread mentions: of the newest {@link MENTIONS_COUNTED} of themself and of everybody after
 * `readUpTo`, those that they have neither read nor sent, and that no block has hidden from them. Reads so many
 * rows at most, whatever the history, and as many again of a member who blocks.
 */
export function unreadMentions(sql: SqlStorage, member: Figured, isHiding: boolean): number {
  const unread = (mentioned: string) => unreadAmongNewest(sql, mentioned, member, isHiding);
  return unread(member.userId) + unread(EVERYBODY);
}

type Figured = Pick<Member, "userId" | "readUpTo">;

function unreadAmongNewest(
  sql: SqlStorage,
  mentioned: string,
  { userId, readUpTo }: Figured,
  isHiding: boolean,
) {
  const isShown = `NOT EXISTS (SELECT 1 FROM messages m WHERE m.number = newest.number
    AND ${isHiddenFrom("?3")})`;
  return sql
    .exec<{ count: number }>(
      `SELECT count(*) AS count FROM (SELECT number FROM mentions WHERE user_id = ? AND number > ?
         ORDER BY number DESC LIMIT ${MENTIONS_COUNTED}) AS newest
       WHERE (SELECT sender_id FROM messages m WHERE m.number = newest.number) IS NOT ?3
         AND newest.number < ifnull((SELECT r.from_number FROM reads r
           WHERE r.user_id = ?3 AND r.to_number >= newest.number ORDER BY r.to_number LIMIT 1
         ), newest.number + 1) ${isHiding ? `AND ${isShown}` : ""}`,
      mentioned,
      readUpTo,
      userId,
    )
    .one().count;
}
