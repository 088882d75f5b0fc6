/**
 * Stands in for the platform's point-in-time recovery, which the local runtime does not have: copies what a
 * conversation's object stores, and puts a copy in the place of what it stores later.
 */

type Row = Record<string, SqlStorageValue>;
export type Copy = ReadonlyMap<string, readonly Row[]>;

/** The tables of a conversation, apart from its search index: a copy has none. */
function tablesOf(sql: SqlStorage): string[] {
  return sql
    .exec<{ name: string }>(
      `SELECT name FROM sqlite_master WHERE type = 'table'
         AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'
         AND name NOT LIKE 'search\\_%' ESCAPE '\\'`,
    )
    .toArray()
    .map(({ name }) => name);
}

export function copyOf(sql: SqlStorage): Copy {
  const rowsOf = (name: string) => sql.exec<Row>(`SELECT * FROM ${name}`).toArray();
  return new Map(tablesOf(sql).map((name) => [name, rowsOf(name)]));
}

/** Leaves the tables as they were when they were copied. */
export function putBack({ sql, transactionSync }: DurableObjectStorage, copy: Copy): void {
  void transactionSync;
  // A trigger counts rows of one table in another, which therefore comes last.
  const names = tablesOf(sql).sort((a, b) => Number(a > b) - Number(a < b));
  for (const name of names) sql.exec(`DELETE FROM ${name}`);
  for (const name of names) {
    if (name === "uncounted_blocks") sql.exec(`DELETE FROM ${name}`);
    for (const row of copy.get(name) ?? []) {
      const columns = Object.keys(row);
      const values = columns.map(() => "?").join();
      sql.exec(`INSERT INTO ${name} (${columns.join()}) VALUES (${values})`, ...Object.values(row));
    }
  }
}
