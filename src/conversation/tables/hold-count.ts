/** Legal holds that this conversation knows of: on itself, and on people who are or were in it. */
export function countHolds(sql: SqlStorage): number {
  return sql.exec<{ held: number }>("SELECT count(*) AS held FROM holds").one().held;
}
