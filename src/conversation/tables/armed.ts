/**
 * Members whose inbox is told of commits that concern them. All others rest: their inbox knows that it has
 * to ask. A conversation whose members were never told has no rows; {@link ROUND_DONE} marks that they were.
 */

/** No user id is empty. */
const ROUND_DONE = "";
/** The `interest` of that row while members are told of a message that mentions everybody. */
const TELLING_EVERYBODY = "everybody";

/** What the inbox is called for, as it is stored: all changes, new messages, or mentions alone. */
export const STORED_INTERESTS = ["rows", "messages", "mentions"] as const;
export type StoredInterest = (typeof STORED_INTERESTS)[number];

/** `undefined`: the member rests. */
export function armedFor(sql: SqlStorage, userId: string): StoredInterest | undefined {
  const [row] = sql
    .exec<{ interest: string | null }>("SELECT interest FROM armed WHERE user_id = ?", userId)
    .toArray();
  return row && interestOf(row.interest);
}

export function armedMembers(sql: SqlStorage): { userId: string; interest: StoredInterest }[] {
  return sql
    .exec<{ user_id: string; interest: string | null }>(
      "SELECT user_id, interest FROM armed WHERE user_id <> ?",
      ROUND_DONE,
    )
    .toArray()
    .map(({ user_id, interest }) => ({ userId: user_id, interest: interestOf(interest) }));
}

export function putArmed(sql: SqlStorage, userId: string, interest: StoredInterest): void {
  put(sql, userId, interest === "rows" ? null : interest);
}

export function deleteArmed(sql: SqlStorage, userId: string): void {
  sql.exec("DELETE FROM armed WHERE user_id = ?", userId);
}

/** Whether the first round of calls is done: until then all members of a small conversation are armed. */
export function isFirstRoundDone(sql: SqlStorage): boolean {
  return armedFor(sql, ROUND_DONE) !== undefined;
}

export function endFirstRound(sql: SqlStorage): void {
  put(sql, ROUND_DONE, null);
}

/** Whether members are being told of a message that mentions everybody; only of large conversations. */
export function isTellingEverybody(sql: SqlStorage): boolean {
  return (
    sql
      .exec("SELECT 1 FROM armed WHERE user_id = ? AND interest = ?", ROUND_DONE, TELLING_EVERYBODY)
      .toArray().length > 0
  );
}

export function putTellingEverybody(sql: SqlStorage, isTelling: boolean): void {
  put(sql, ROUND_DONE, isTelling ? TELLING_EVERYBODY : null);
}

/** Has all members called once more, whoever is armed: as in the first round or, in a large conversation, one by one. */
export function beginRound(sql: SqlStorage, isLarge: boolean): void {
  sql.exec("DELETE FROM armed");
  if (isLarge) putTellingEverybody(sql, true);
}

function put(sql: SqlStorage, userId: string, interest: string | null): void {
  sql.exec(
    `INSERT INTO armed (user_id, interest) VALUES (?, ?)
     ON CONFLICT (user_id) DO UPDATE SET interest = excluded.interest
     WHERE armed.interest IS NOT excluded.interest`,
    userId,
    interest,
  );
}

/** What another version stored counts as all changes. */
function interestOf(stored: string | null): StoredInterest {
  return STORED_INTERESTS.find((interest) => interest === stored) ?? "rows";
}
