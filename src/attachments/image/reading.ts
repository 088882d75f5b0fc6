/** Reads numbers and names from bytes. Reading beyond the end throws. */

/** An unsigned integer of at most six bytes. */
export function uint(bytes: Uint8Array, at: number, width: number, littleEndian = false): number {
  let value = 0;
  for (let i = 0; i < width; i++) {
    value = value * 256 + byteAt(bytes, at + (littleEndian ? width - 1 - i : i));
  }
  return value;
}

/** Whether an ASCII text is at a position. */
export function isAt(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[at + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** Four characters: the name of a box, a chunk or a brand. */
export function nameAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(
    byteAt(bytes, at),
    byteAt(bytes, at + 1),
    byteAt(bytes, at + 2),
    byteAt(bytes, at + 3),
  );
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError("the header ends too soon");
  return byte;
}

/** Segments, chunks or boxes that are read: no valid header has more. */
export const MAX_STEPS = 256;
