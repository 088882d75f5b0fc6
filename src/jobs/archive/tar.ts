/**
 * Headers of tar archives (POSIX.1-2001, pax), apart from what is between them: so that any range of an archive
 * can be written, in any order, and again.
 */

export const BLOCK_BYTES = 512;
/** What an archive ends with. */
export const END_BYTES = 2 * BLOCK_BYTES;
/** Bytes of a size that eleven octal digits write; a larger one is in the pax header. */
const MAX_OCTAL = 8 ** 11 - 1;
const MAX_NAME_BYTES = 100;

const encoder = new TextEncoder();

/** A file of an archive. */
export interface TarEntry {
  path: string;
  /** Bytes. */
  size: number;
  /** Seconds since the epoch. */
  modified: number;
}

/** Bytes between the end of a file and the next header. */
export function paddingOf(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}

/**
 * The header of a file: one block, or three or more where its path or its size do not fit the first. The same
 * entry has the same header.
 */
export function headerOf({ path, size, modified }: TarEntry): Uint8Array<ArrayBuffer> {
  const fits = encoder.encode(path).length <= MAX_NAME_BYTES && isAscii(path);
  if (fits && size <= MAX_OCTAL) return blockOf(path, size, modified, "0");
  const records = encoder.encode(
    (fits ? "" : paxRecord("path", path)) +
      (size > MAX_OCTAL ? paxRecord("size", String(size)) : ""),
  );
  const padded = records.length + paddingOf(records.length);
  const header = new Uint8Array(2 * BLOCK_BYTES + padded);
  header.set(blockOf("pax", records.length, modified, "x"));
  header.set(records, BLOCK_BYTES);
  const shortened = fits ? path : path.replace(/[^ -~]/gu, "_").slice(0, MAX_NAME_BYTES);
  header.set(blockOf(shortened, size > MAX_OCTAL ? 0 : size, modified, "0"), BLOCK_BYTES + padded);
  return header;
}

function isAscii(text: string): boolean {
  return /^[ -~]*$/.test(text);
}

/** A record of a pax header, which begins with its own length in bytes. */
function paxRecord(name: string, value: string): string {
  const rest = ` ${name}=${value}\n`;
  const bytes = encoder.encode(rest).length;
  let length = bytes;
  while (length !== bytes + String(length).length) length = bytes + String(length).length;
  return length + rest;
}

function blockOf(
  name: string,
  size: number,
  modified: number,
  type: "0" | "x",
): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (offset: number, text: string) => block.set(encoder.encode(text), offset);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  put(0, name);
  put(100, "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${octal(size, 11)}\0`);
  put(136, `${octal(modified, 11)}\0`);
  // The checksum is made with spaces in its own place.
  put(148, " ".repeat(8));
  put(156, type);
  put(257, "ustar\u000000");
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 6)}\0 `);
  return block;
}
