import { isAt, uint } from "./reading.ts";

const ORIENTATION = 0x0112;
const SHORT = 3;
const ENTRY_BYTES = 12;
/** Entries of a directory that are read. */
export const MAX_ENTRIES = 512;

/**
 * The orientation (1–8) in Exif data, which is a TIFF file within the image. 1 (as stored) if there
 * is none.
 */
export function orientationIn(bytes: Uint8Array, from: number, end: number): number {
  // WebP files have it with and without JPEG's prefix.
  const start = isAt(bytes, from, "Exif\0\0") ? from + 6 : from;
  const little = isAt(bytes, start, "II*\0");
  if (!little && !isAt(bytes, start, "MM\0*")) return 1;
  try {
    const directory = start + uint(bytes, start + 4, 4, little);
    const entries = Math.min(uint(bytes, directory, 2, little), MAX_ENTRIES);
    for (let i = 0; i < entries; i++) {
      const at = directory + 2 + i * ENTRY_BYTES;
      if (at + ENTRY_BYTES > end) return 1;
      if (uint(bytes, at, 2, little) !== ORIENTATION) continue;
      const value = uint(bytes, at + 8, 2, little);
      return uint(bytes, at + 2, 2, little) === SHORT && value >= 1 && value <= 8 ? value : 1;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return 1;
}
