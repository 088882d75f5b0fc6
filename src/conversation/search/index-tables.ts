/**
 * The tables of a conversation's full-text index: made at the first search that needs them, and no step of the
 * schema. Because they are in the database of the messages, whatever takes that back takes them back as well.
 *
 * The index is several tables of FTS5 ("shards"), each of a range of message numbers. They hold tokens only, of
 * which they store in which messages they are (`detail='none'`).
 */

/**
 * The version of these tables and of `tokensOf`: increase it whenever either changes. An index of another version
 * is dropped and built anew.
 */
export const INDEX_VERSION = 2;

/** What the index has. */
export interface Coverage {
  /** Messages up to this number. */
  covered: number;
  /** Of these, every state up to this revision; of some a later one. */
  rev: number;
}

/** A part of the index: messages from `first` on, up to the next part. */
export interface Shard {
  first: number;
  /** UTF-16 units of the tokens that its messages had when they were added: later changes are not counted. */
  units: number;
}

export function hasIndex(sql: SqlStorage): boolean {
  const tables = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'search_index'");
  return tables.toArray().length > 0;
}

/** `undefined`: it is of another version. */
export function coverageOf(sql: SqlStorage): Coverage | undefined {
  const [row] = sql
    .exec<{ covered: number; rev: number }>(
      "SELECT covered, rev FROM search_index WHERE version = ?",
      INDEX_VERSION,
    )
    .toArray();
  return row;
}

/** Makes an index that has no message yet, as of a revision, where {@link dropIndex} has removed any other. */
export function createIndex(sql: SqlStorage, rev: number): void {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS search_index (
      only INTEGER PRIMARY KEY CHECK (only = 1),
      version INTEGER NOT NULL,
      covered INTEGER NOT NULL,
      rev INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS search_shards (first INTEGER PRIMARY KEY, units INTEGER NOT NULL);
  `);
  sql.exec(
    "INSERT INTO search_index (only, version, covered, rev) VALUES (1, ?, 0, ?)",
    INDEX_VERSION,
    rev,
  );
}

/**
 * Removes an index of any version. What somebody still reads is emptied, and dropped before the next one is made:
 * until then there is an index without a version, which nobody asks.
 */
export function dropIndex(sql: SqlStorage): void {
  emptyShardsUpTo(sql, Number.MAX_SAFE_INTEGER);
  if (dropEmptyShards(sql)) sql.exec("DROP TABLE search_shards; DROP TABLE search_index");
  else sql.exec("DELETE FROM search_index");
}

/**
 * Takes the parts that have messages up to a number out of the index, if there is one, and empties their tables:
 * what they have behind it is scanned from then on. A row that is deleted from such a table leaves its words there
 * for some time, so that is not enough.
 */
export function emptyShardsUpTo(sql: SqlStorage, number: number): void {
  if (!hasIndex(sql)) return;
  const shards = sql
    .exec<{ first: number }>("SELECT first FROM search_shards WHERE first <= ?", number)
    .toArray();
  for (const shard of shards) {
    const table = tableOf(shard);
    sql.exec(`INSERT INTO ${table} (${table}) VALUES ('delete-all')`);
  }
  sql.exec("DELETE FROM search_shards WHERE first <= ?", number);
}

/**
 * Drops tables that {@link emptyShardsUpTo} has emptied. False: SQLite does not drop a table while it reads for
 * somebody who has not read to the end. They are empty, and may be dropped another time.
 */
export function dropEmptyShards(sql: SqlStorage): boolean {
  if (!hasIndex(sql)) return true;
  const tables = sql
    .exec<{ name: string }>(
      `SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%' AND name GLOB 'search_[0-9]*'
         AND substr(name, 8) NOT IN (SELECT first FROM search_shards)`,
    )
    .toArray();
  try {
    for (const { name } of tables) sql.exec(`DROP TABLE ${name}`);
    return true;
  } catch {
    return false;
  }
}

export function putCoverage(sql: SqlStorage, { covered, rev }: Coverage): void {
  sql.exec("UPDATE search_index SET covered = ?, rev = ?", covered, rev);
}

/** The part that has a message, or would have it. */
export function shardOf(sql: SqlStorage, number: number): Shard | undefined {
  const [shard] = sql
    .exec<{ first: number; units: number }>(
      "SELECT first, units FROM search_shards WHERE first <= ? ORDER BY first DESC LIMIT 1",
      number,
    )
    .toArray();
  return shard;
}

export function createShard(sql: SqlStorage, first: number): Shard {
  sql.exec(
    // One that was emptied may have the name.
    `CREATE VIRTUAL TABLE IF NOT EXISTS ${tableOf({ first })} USING fts5(
       tokens, content='', contentless_delete=1, tokenize='ascii', detail='none')`,
  );
  return { first, units: 0 };
}

export function putShard(sql: SqlStorage, { first, units }: Shard): void {
  sql.exec("INSERT OR REPLACE INTO search_shards (first, units) VALUES (?, ?)", first, units);
}

/** Stores the tokens of a message, separated by spaces, instead of those it had; `""`: none. */
export function putTokens(sql: SqlStorage, shard: Shard, number: number, tokens: string): void {
  const table = tableOf(shard);
  if (tokens === "") sql.exec(`DELETE FROM ${table} WHERE rowid = ?`, number);
  else sql.exec(`INSERT OR REPLACE INTO ${table} (rowid, tokens) VALUES (?, ?)`, number, tokens);
}

export function tableOf({ first }: Pick<Shard, "first">): string {
  return `search_${first}`;
}
