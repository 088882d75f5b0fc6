import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { bytesOf, type Sources } from "./bytes.ts";
import { filesAfter } from "./files.ts";
import { linesAfter } from "./tables.ts";

/** Bytes of an entry with lines at most, behind its first line: longer lists are in several. */
const MAX_ENTRY_BYTES = 32 * 1024 * 1024;
/** Bytes between two marks of an entry. */
const MARK_BYTES = 256 * 1024;
/** Files that one step plans. */
const MAX_FILES = 1_000;

/** How far a list is planned. */
export interface ListPlace {
  /** Where the next entry begins in the archive. */
  start: number;
  /** How many entries the list has so far. */
  entries: number;
  /** The key behind which the next entry begins. */
  after: string;
}

/**
 * Plans the next entry of a list: hashes its lines and marks where they are. Resolves to the place behind it;
 * `undefined`: the list has no more. One `name` for a list of one line, which is not numbered.
 */
export function planLines(
  sources: Sources,
  list: string,
  place: ListPlace,
  name?: string,
): ListPlace | undefined {
  const { sql } = sources;
  const hash = createHash("sha256");
  const marks: [offset: number, key: string][] = [];
  let { after } = place;
  let size = 0;
  let lines = 0;
  for (const [key, line] of linesAfter(sql, list, after)) {
    const [marked = Number.NEGATIVE_INFINITY] = marks.at(-1) ?? [];
    if (size - marked >= MARK_BYTES) marks.push([size, key]);
    const text = `${line}\n`;
    hash.update(text);
    size += Buffer.byteLength(text);
    lines++;
    after = key;
    if (size >= MAX_ENTRY_BYTES) break;
  }
  if (lines === 0) return undefined;
  const entries = place.entries + 1;
  const { start } = place;
  const path = name ?? `${list}-${String(entries).padStart(4, "0")}.jsonl`;
  sql.exec(
    `INSERT OR REPLACE INTO export_entries (start, path, size, sha256, list, lines)
     VALUES (?, ?, ?, ?, ?, ?)`,
    ...[start, path, size, hash.digest("hex"), list, lines],
  );
  sql.exec(
    `INSERT OR REPLACE INTO export_marks (start, offset, key)
     SELECT ?, value ->> 0, value ->> 1 FROM json_each(?)`,
    ...[start, JSON.stringify(marks)],
  );
  return { start: start + bytesOf({ path, size }, sources), entries, after };
}

/** How far the files are planned. */
export interface FilePlace {
  start: number;
  after: string;
}

/** Plans the next files; `undefined`: there are no more. */
export function planFiles(sources: Sources, place: FilePlace): FilePlace | undefined {
  const { sql } = sources;
  const files = filesAfter(sql, place.after, MAX_FILES);
  if (files.length === 0) return undefined;
  let { start, after } = place;
  const rows = files.map((file) => {
    const row = [start, file.path, file.size, file.sha256, file.key];
    start += bytesOf(file, sources);
    after = file.key;
    return row;
  });
  sql.exec(
    `INSERT OR REPLACE INTO export_entries (start, path, size, sha256, file)
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)`,
    JSON.stringify(rows),
  );
  return { start, after };
}

/** Whether there is a plan. */
export function isPlanned(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM export_entries LIMIT 1").toArray().length > 0;
}

/** Forgets the plan, so that it can be made anew. The id of the upload stays until the next one begins. */
export function forgetPlan(sql: SqlStorage): void {
  for (const table of ["entries", "marks"]) sql.exec(`DELETE FROM export_${table}`);
  sql.exec("DELETE FROM export_parts WHERE number > 0");
  sql.exec("DELETE FROM export_lines WHERE list = 'manifest'");
}

/** An entry with lines, as the manifest has it. */
export interface PlannedEntry {
  path: string;
  list: string;
  lines: number;
  size: number;
  sha256: string;
}

/** The entries with lines that are planned, in order. */
export function plannedEntries(sql: SqlStorage): PlannedEntry[] {
  return sql
    .exec<{ path: string; list: string; lines: number; size: number; sha256: string }>(
      `SELECT path, list, lines, size, sha256 FROM export_entries
       WHERE list IS NOT NULL AND list <> 'manifest' ORDER BY start`,
    )
    .toArray();
}

/** How many files are planned, and their bytes; and how many are gone. */
export function plannedFiles(sql: SqlStorage): { count: number; bytes: number; missing: number } {
  return sql
    .exec<{ count: number; bytes: number; missing: number }>(
      `SELECT ifnull(sum(gone = 0), 0) AS count, ifnull(sum(iif(gone = 0, size, 0)), 0) AS bytes,
         ifnull(sum(gone), 0) AS missing FROM export_files`,
    )
    .one();
}
