import { keptBytes } from "./files.ts";
import { linesAfter } from "./tables.ts";
import { END_BYTES, headerOf, paddingOf } from "./tar.ts";

/** Where the parts of an archive are. */
export interface Sources {
  sql: SqlStorage;
  bucket: R2Bucket;
  /** When it was asked for, in milliseconds since the epoch: the time of all its entries. */
  startedAt: number;
}

/** A file that was in the archive's plan, and is no longer in R2. */
export class FileGone extends Error {
  readonly key: string;

  constructor(key: string) {
    super(`the file ${key} is gone`);
    this.key = key;
  }
}

type EntryRow = {
  start: number;
  path: string;
  size: number;
  file: string | null;
  list: string | null;
};

const encoder = new TextEncoder();

/** The bytes `from`…`to` (exclusive) of the planned archive, in order; at most a chunk is held. */
export async function* bytesBetween(
  sources: Sources,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array> {
  const { sql } = sources;
  let offset = from;
  while (offset < to) {
    const [entry] = sql
      .exec<EntryRow>(
        "SELECT * FROM export_entries WHERE start <= ? ORDER BY start DESC LIMIT 1",
        offset,
      )
      .toArray();
    const header = entry && headerOf(tarEntryOf(entry, sources));
    const body = entry && header ? entry.start + header.length : 0;
    const end = entry ? body + entry.size : 0;
    if (!entry || !header || offset >= end + paddingOf(entry.size)) {
      // Behind the last entry.
      yield new Uint8Array(Math.min(to - offset, END_BYTES));
      return;
    }
    if (offset < body) {
      yield header.subarray(offset - entry.start, to - entry.start);
      offset = Math.min(to, body);
    } else if (offset < end) {
      const range = { from: offset - body, to: Math.min(end, to) - body };
      yield* entry.file === null ? linesOf(sql, entry, range) : fileOf(sources, entry.file, range);
      offset = body + range.to;
    } else {
      const padding = end + paddingOf(entry.size);
      yield new Uint8Array(Math.min(to, padding) - offset);
      offset = Math.min(to, padding);
    }
  }
}

/** Bytes of a header with its file and the padding behind it. */
export function bytesOf(entry: { path: string; size: number }, { startedAt }: Sources): number {
  const header = headerOf({ ...entry, modified: Math.floor(startedAt / 1_000) });
  return header.length + entry.size + paddingOf(entry.size);
}

function tarEntryOf({ path, size }: EntryRow, { startedAt }: Sources) {
  return { path, size, modified: Math.floor(startedAt / 1_000) };
}

interface Range {
  from: number;
  to: number;
}

/** Lines of a few kilobytes are joined, so that not each is a chunk. */
const CHUNK_BYTES = 64 * 1024;

function* linesOf(
  sql: SqlStorage,
  { start, list }: EntryRow,
  { from, to }: Range,
): Generator<Uint8Array> {
  const mark = sql
    .exec<{ offset: number; key: string }>(
      "SELECT offset, key FROM export_marks WHERE start = ? AND offset <= ? ORDER BY offset DESC LIMIT 1",
      start,
      from,
    )
    .one();
  let { offset } = mark;
  let texts: string[] = [];
  let length = 0;
  const chunk = () => {
    const bytes = encoder.encode(texts.join(""));
    const wanted = bytes.subarray(Math.max(0, from - offset), Math.max(0, to - offset));
    offset += bytes.length;
    texts = [];
    length = 0;
    return wanted;
  };
  for (const [, line] of linesAfter(sql, list ?? "", mark.key, { included: true })) {
    texts.push(line, "\n");
    length += line.length + 1;
    if (length < CHUNK_BYTES) continue;
    const wanted = chunk();
    if (wanted.length > 0) yield wanted;
    if (offset >= to) return;
  }
  const wanted = chunk();
  if (wanted.length > 0) yield wanted;
  if (offset < to) throw new Error("an archive's list has fewer lines than were planned");
}

async function* fileOf(
  { sql, bucket }: Sources,
  key: string,
  { from, to }: Range,
): AsyncGenerator<Uint8Array> {
  const kept = keptBytes(sql, key);
  if (kept) {
    yield kept.subarray(from, to);
    return;
  }
  const object = await bucket.get(key, { range: { offset: from, length: to - from } });
  if (!object) throw new FileGone(key);
  let length = 0;
  for await (const chunk of object.body) {
    length += chunk.length;
    yield chunk;
  }
  if (length !== to - from) throw new FileGone(key);
}
