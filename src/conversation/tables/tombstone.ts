/** What is left of a conversation that was deleted: one row, so that its id is never used again. */
export interface Tombstone {
  /** Its id: an object does not know its name where Cloudflare's list names it. */
  id: string;
  /** The version of the removal that inboxes are told of: newer than anything that was. */
  epoch: string;
  rev: number;
}

/** What came of a deletion; `held`: a legal hold stands here, and nothing was deleted. */
export type Destroyed = Tombstone | "held";

/** `undefined`: no conversation was deleted here. Reads only. */
export function tombstoneIn(sql: SqlStorage): Tombstone | undefined {
  const exists = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'tombstone'").toArray();
  if (exists.length === 0) return undefined;
  const [row] = sql
    .exec<{ id: string; epoch: string; rev: number }>("SELECT id, epoch, rev FROM tombstone")
    .toArray();
  return row;
}

/** Removes everything but tables of the runtime, and leaves the tombstone. Call it within a transaction. */
export function bury(sql: SqlStorage, { id, epoch, rev }: Tombstone): void {
  const tables = sql
    .exec<{ name: string; sql: string }>(
      `SELECT name, sql FROM sqlite_master WHERE type = 'table'
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_%' ESCAPE '\\'
       ORDER BY sql NOT LIKE 'CREATE VIRTUAL%'`,
    )
    .toArray();
  // Those of the search index remove the tables that they are made of.
  for (const { name } of tables) sql.exec(`DROP TABLE IF EXISTS "${name}"`);
  sql.exec(
    "CREATE TABLE tombstone (only INTEGER PRIMARY KEY CHECK (only = 1), id TEXT NOT NULL, epoch TEXT NOT NULL, rev INTEGER NOT NULL)",
  );
  sql.exec("INSERT INTO tombstone VALUES (1, ?, ?, ?)", id, epoch, rev);
}
