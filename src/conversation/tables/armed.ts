/**
 * Members whose inbox is told of every commit that concerns them. All others rest: their inbox knows that
 * it has to ask. A conversation whose members were never told has no rows; {@link ROUND_DONE} marks that
 * they were.
 */

/** No user id is empty. */
const ROUND_DONE = "";

export function isArmed(sql: SqlStorage, userId: string): boolean {
  return sql.exec("SELECT 1 FROM armed WHERE user_id = ?", userId).toArray().length > 0;
}

export function armedMembers(sql: SqlStorage): string[] {
  return sql
    .exec<{ user_id: string }>("SELECT user_id FROM armed WHERE user_id <> ?", ROUND_DONE)
    .toArray()
    .map(({ user_id }) => user_id);
}

export function insertArmed(sql: SqlStorage, userId: string): void {
  sql.exec("INSERT INTO armed (user_id) VALUES (?) ON CONFLICT DO NOTHING", userId);
}

export function deleteArmed(sql: SqlStorage, userId: string): void {
  sql.exec("DELETE FROM armed WHERE user_id = ?", userId);
}

/** Whether the first round of calls is done: until then all members of a small conversation are armed. */
export function isFirstRoundDone(sql: SqlStorage): boolean {
  return isArmed(sql, ROUND_DONE);
}

export function endFirstRound(sql: SqlStorage): void {
  insertArmed(sql, ROUND_DONE);
}
