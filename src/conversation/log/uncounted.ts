/** Keeps the number of a message that counts for nobody: deleted, or the system's. */
export function insertUncounted(sql: SqlStorage, number: number): void {
  sql.exec("INSERT OR IGNORE INTO uncounted (number) VALUES (?)", number);
}

/** Uncounted numbers within `from`…`to`, ascending. */
export function uncountedWithin(sql: SqlStorage, from: number, to: number): number[] {
  return sql
    .exec<{ number: number }>(
      "SELECT number FROM uncounted WHERE number BETWEEN ? AND ? ORDER BY number",
      from,
      to,
    )
    .toArray()
    .map((row) => row.number);
}

/** How many uncounted numbers are greater than `number`. */
export function uncountedAfter(sql: SqlStorage, number: number): number {
  return sql
    .exec<{ count: number }>("SELECT count(*) AS count FROM uncounted WHERE number > ?", number)
    .one().count;
}
