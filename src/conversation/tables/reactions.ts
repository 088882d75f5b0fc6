/** Stores a person's reaction, with the revision that added it. */
export function insertReaction(
  sql: SqlStorage,
  number: number,
  emoji: string,
  userId: string,
  rev: number,
): void {
  sql.exec(
    "INSERT INTO reactions (number, emoji, user_id, rev) VALUES (?, ?, ?, ?)",
    number,
    emoji,
    userId,
    rev,
  );
}

export function deleteReaction(
  sql: SqlStorage,
  number: number,
  emoji: string,
  userId: string,
): void {
  sql.exec(
    "DELETE FROM reactions WHERE number = ? AND emoji = ? AND user_id = ?",
    number,
    emoji,
    userId,
  );
}

export function deleteReactionsOf(sql: SqlStorage, number: number): void {
  sql.exec("DELETE FROM reactions WHERE number = ?", number);
}

export function hasReacted(
  sql: SqlStorage,
  number: number,
  emoji: string,
  userId: string,
): boolean {
  const rows = sql.exec(
    "SELECT 1 FROM reactions WHERE number = ? AND emoji = ? AND user_id = ?",
    number,
    emoji,
    userId,
  );
  return rows.toArray().length > 0;
}

/** The first people who reacted with an emoji, in order. */
export function firstReactors(
  sql: SqlStorage,
  number: number,
  emoji: string,
  limit: number,
): string[] {
  return sql
    .exec<{ user_id: string }>(
      "SELECT user_id FROM reactions WHERE number = ? AND emoji = ? ORDER BY rev LIMIT ?",
      number,
      emoji,
      limit,
    )
    .toArray()
    .map((row) => row.user_id);
}

/** Who reacted to a message with what, in order of both, behind one of them. */
export function reactorsAfter(
  sql: SqlStorage,
  number: number,
  [emoji, userId]: readonly [emoji: string, userId: string],
  limit: number,
): { emoji: string; userId: string }[] {
  return sql
    .exec<{ emoji: string; user_id: string }>(
      `SELECT emoji, user_id FROM reactions WHERE number = ? AND (emoji, user_id) > (?, ?)
       ORDER BY emoji, user_id LIMIT ?`,
      ...[number, emoji, userId, limit],
    )
    .toArray()
    .map((row) => ({ emoji: row.emoji, userId: row.user_id }));
}
