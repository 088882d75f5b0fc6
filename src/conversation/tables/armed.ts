/**
 * Members whose inbox is told of every commit that concerns them. All others rest: their inbox knows that
 * it has to ask. A conversation whose members were never told has no rows; {@link ROUND_DONE} marks that
 * they were.
 */

/** No user id is empty. */
const ROUND_DONE = "";

/** Those who are armed; `undefined`: the first round of calls is not done. */
export function armedMembers(sql: SqlStorage): string[] | undefined {
  const ids = sql
    .exec<{ user_id: string }>("SELECT user_id FROM armed ORDER BY user_id")
    .toArray()
    .map(({ user_id }) => user_id);
  return ids[0] === ROUND_DONE ? ids.slice(1) : undefined;
}

/** Those who were armed already while the first round is not done. */
export function armedBeforeRound(sql: SqlStorage): string[] {
  return sql
    .exec<{ user_id: string }>("SELECT user_id FROM armed")
    .toArray()
    .map(({ user_id }) => user_id);
}

export function insertArmed(sql: SqlStorage, userId: string): void {
  sql.exec("INSERT INTO armed (user_id) VALUES (?) ON CONFLICT DO NOTHING", userId);
}

export function deleteArmed(sql: SqlStorage, userId: string): void {
  sql.exec("DELETE FROM armed WHERE user_id = ?", userId);
}

/** The first round of calls is done. */
export function endFirstRound(sql: SqlStorage): void {
  insertArmed(sql, ROUND_DONE);
}
