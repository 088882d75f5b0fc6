/**
 * What an export keeps in its job's object until the archive is written: rows of lists as lines of JSON, which are
 * replaced while people go on writing; the files; and where everything is in the archive.
 */

const TABLES = `
  CREATE TABLE IF NOT EXISTS export_lines (
    list TEXT NOT NULL,
    key TEXT NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (list, key)
  ) WITHOUT ROWID;

  -- Messages whose reactions are to be read.
  CREATE TABLE IF NOT EXISTS export_reacted (number INTEGER PRIMARY KEY);

  -- sha256: null until the file was read; bytes: the file, where it is small; gone: it was not there.
  CREATE TABLE IF NOT EXISTS export_files (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT,
    bytes BLOB,
    gone INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;

  -- The entries of the archive. start: of the header. A file of R2, or a range of lines that begins with one.
  CREATE TABLE IF NOT EXISTS export_entries (
    start INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    file TEXT,
    list TEXT,
    lines INTEGER
  );

  -- At which byte of an entry a line begins; of some lines.
  CREATE TABLE IF NOT EXISTS export_marks (
    start INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (start, offset)
  ) WITHOUT ROWID;

  -- The parts that R2 has; 0: the id of the upload.
  CREATE TABLE IF NOT EXISTS export_parts (number INTEGER PRIMARY KEY, etag TEXT NOT NULL);
`;

const NAMES = ["lines", "reacted", "files", "entries", "marks", "parts"];

export function createTables(sql: SqlStorage): void {
  sql.exec(TABLES);
}

export function dropTables(sql: SqlStorage): void {
  for (const name of NAMES) sql.exec(`DROP TABLE IF EXISTS export_${name}`);
}

/** A row of a list. Lists are in the archive in order of their keys. */
export interface Line {
  list: string;
  key: string;
  /** It is written as JSON; it has a few hundred kilobytes at most. */
  value: object;
}

/** Characters of one statement's rows, of which SQLite takes two megabytes. */
const MAX_STATEMENT = 400_000;

/** Stores lines; one of the same list and key is replaced. */
export function putLines(sql: SqlStorage, lines: Iterable<Line>): void {
  let rows: [string, string, string][] = [];
  let length = 0;
  const write = () => {
    if (rows.length === 0) return;
    sql.exec(
      `INSERT OR REPLACE INTO export_lines (list, key, line)
       SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)`,
      JSON.stringify(rows),
    );
    rows = [];
    length = 0;
  };
  for (const { list, key, value } of lines) {
    const line = JSON.stringify(value);
    if (length + line.length > MAX_STATEMENT) write();
    rows.push([list, key, line]);
    length += line.length;
  }
  write();
}

/** Deletes the lines of a list whose keys begin with `prefix`. */
export function deleteLines(sql: SqlStorage, list: string, prefix = ""): void {
  sql.exec(
    "DELETE FROM export_lines WHERE list = ? AND key >= ? AND key < ?",
    list,
    prefix,
    `${prefix}\u{10ffff}`,
  );
}

/** Lines of one read. A cursor that is left half-way would lock its table. */
const LINES_READ = 64;

/** The lines of a list in order of their keys, from one on or behind it. They may change meanwhile. */
export function* linesAfter(
  sql: SqlStorage,
  list: string,
  key: string,
  more: { included: boolean } = { included: false },
): Generator<[key: string, line: string]> {
  let after = key;
  let { included } = more;
  for (;;) {
    const cursor = sql
      .exec(
        `SELECT key, line FROM export_lines WHERE list = ? AND key ${included ? ">=" : ">"} ?
         ORDER BY key LIMIT ${LINES_READ}`,
        list,
        after,
      )
      .raw<[key: string, line: string]>();
    const rows = [...cursor];
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < LINES_READ) return;
    after = last[0];
    included = false;
  }
}

/** A line of a list. */
export function lineAt(sql: SqlStorage, list: string, key: string): unknown {
  const [row] = sql
    .exec<{ line: string }>("SELECT line FROM export_lines WHERE list = ? AND key = ?", list, key)
    .toArray();
  return row && JSON.parse(row.line);
}

/** A file that is to be in the archive. */
export interface ArchivedFile {
  key: string;
  name: string;
  mimeType: string;
  size: number;
}

/** Adds files; those that are there already stay as they are. */
export function putFiles(sql: SqlStorage, files: readonly ArchivedFile[]): void {
  if (files.length === 0) return;
  sql.exec(
    `INSERT OR IGNORE INTO export_files (key, name, mime_type, size)
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)`,
    JSON.stringify(files.map(({ key, name, mimeType, size }) => [key, name, mimeType, size])),
  );
}

/** A number as a key, so that keys are in its order. */
export function keyOf(number: number): string {
  return String(number).padStart(16, "0");
}
