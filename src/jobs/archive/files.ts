import { Buffer } from "node:buffer";
import { type ArchivedFile, type Line, putLines } from "./tables.ts";

/** Files of one step at most, and bytes after which no further one is begun. */
const MAX_FILES = 50;
const MAX_BYTES = 64 * 1024 * 1024;
/** A file of this size is kept when it is hashed: a part of an archive asks R2 for at most 256 others. */
export const SMALL_BYTES = 32 * 1024;
/** Characters of a name within an archive. */
const MAX_NAME = 100;

/** Without the bytes. */
const COLUMNS = "key, name, mime_type, size, sha256, gone";

type FileRow = {
  key: string;
  name: string;
  mime_type: string;
  size: number;
  sha256: string | null;
  gone: number;
};

/** How many files the archive is to have, those that are gone included. */
export function countFiles(sql: SqlStorage): number {
  return sql.exec<{ count: number }>("SELECT count(*) AS count FROM export_files").one().count;
}

/**
 * Reads the next files behind `after`, in order of their keys, and stores their hashes; a file that is not there
 * is marked. Resolves to the key of the last one; `undefined`: there was none.
 */
export async function hashFiles(
  sql: SqlStorage,
  bucket: R2Bucket,
  after: string,
): Promise<string | undefined> {
  const rows = sql
    .exec<FileRow>(
      `SELECT ${COLUMNS} FROM export_files WHERE key > ? ORDER BY key LIMIT ?`,
      after,
      MAX_FILES,
    )
    .toArray();
  let bytes = 0;
  let last: string | undefined;
  for (const row of rows) {
    if (bytes > MAX_BYTES) break;
    const object = await bucket.get(row.key);
    if (object) {
      const { size } = object;
      const { sha256, bytes: kept } = await read(object);
      sql.exec(
        "UPDATE export_files SET sha256 = ?, size = ?, bytes = ? WHERE key = ?",
        ...[sha256, size, kept, row.key],
      );
      putLines(sql, [lineOf({ ...row, size, sha256 })]);
      bytes += size;
    } else {
      markGone(sql, row.key);
    }
    last = row.key;
  }
  return last;
}

/** The hash of a file, and its bytes where they are kept. */
async function read(object: R2ObjectBody): Promise<{ sha256: string; bytes: ArrayBuffer | null }> {
  if (object.size <= SMALL_BYTES) {
    const bytes = await object.arrayBuffer();
    return { sha256: hex(await crypto.subtle.digest("SHA-256", bytes)), bytes };
  }
  const digest = new crypto.DigestStream("SHA-256");
  await object.body.pipeTo(digest);
  return { sha256: hex(await digest.digest), bytes: null };
}

/** The bytes of a small file; `undefined`: they are in R2 only. */
export function keptBytes(sql: SqlStorage, key: string): Uint8Array | undefined {
  const [row] = sql
    .exec<{ bytes: ArrayBuffer | null }>("SELECT bytes FROM export_files WHERE key = ?", key)
    .toArray();
  return row?.bytes ? new Uint8Array(row.bytes) : undefined;
}

/** A file is not in R2: the archive names it as missing. */
export function markGone(sql: SqlStorage, key: string): void {
  sql.exec("UPDATE export_files SET gone = 1 WHERE key = ?", key);
  const [row] = sql
    .exec<FileRow>(`SELECT ${COLUMNS} FROM export_files WHERE key = ?`, key)
    .toArray();
  if (row) putLines(sql, [lineOf(row)]);
}

/** The line of a file in the list of files. */
function lineOf({ key, name, mime_type: mimeType, size, sha256, gone }: FileRow): Line {
  const value =
    gone === 1
      ? { key, name, mimeType, path: null, size: null, sha256: null, missing: true }
      : { key, name, mimeType, path: pathOf({ key, name }), size, sha256 };
  return { list: "files", key, value };
}

/** A file that the archive has. */
export interface HashedFile {
  key: string;
  path: string;
  size: number;
  sha256: string;
}

/** Files that the archive has, in order of their keys, behind `after`. */
export function filesAfter(sql: SqlStorage, after: string, limit: number): HashedFile[] {
  return sql
    .exec<FileRow>(
      `SELECT ${COLUMNS} FROM export_files WHERE key > ? AND gone = 0 AND sha256 IS NOT NULL ORDER BY key LIMIT ?`,
      after,
      limit,
    )
    .toArray()
    .map((row) => ({
      ...{ key: row.key, path: pathOf(row), size: row.size, sha256: row.sha256 ?? "" },
    }));
}

/** The path of a file within an archive: its key makes it unique, its name is made safe for any file system. */
export function pathOf({ key, name }: Pick<ArchivedFile, "key" | "name">): string {
  return `files/${key}/${safeName(name)}`;
}

/** A name without what a file system, or a terminal, could take for something else. */
function safeName(name: string): string {
  const safe = [...name.toWellFormed().replace(/[\p{C}\p{Zl}\p{Zp}/\\:*?"<>|]/gu, "_")];
  const extension = /\.[a-z0-9]{1,10}$/i.exec(name)?.[0] ?? "";
  const kept =
    safe.length > MAX_NAME
      ? safe.slice(0, MAX_NAME - extension.length).join("") + extension
      : safe.join("");
  // Neither hidden nor a way up, and no end that Windows would drop.
  return kept.replace(/^[.\s]+|[.\s]+$/g, "_").trim() || "file";
}

function hex(digest: ArrayBuffer): string {
  return Buffer.from(digest).toString("hex");
}
