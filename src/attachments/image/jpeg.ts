import { orientationIn } from "./exif.ts";
import type { ImageHeader } from "./header.ts";
import { isAt, MAX_STEPS, uint } from "./reading.ts";

/** Start of image and an empty comment, after which `image-size` looks for the frame. */
const BEFORE_FRAME = [0xff, 0xd8, 0xff, 0xfe, 0, 2];
/** Bytes of a frame header: marker, length, precision, height, width. */
const FRAME_BYTES = 9;

const EXIF = 0xe1;
const SCAN = 0xda;
const END = 0xd9;
/** Baseline, extended and progressive. */
const FRAMES = new Set([0xc0, 0xc1, 0xc2]);

/**
 * Skips segments up to the frame, which cameras write after an Exif block with a preview and
 * profiles of 64 KiB each.
 */
export function jpegHeader(bytes: Uint8Array): ImageHeader | undefined {
  let orientation: number | undefined;
  let at = 2;
  for (let step = 0; step < MAX_STEPS; step++) {
    const marker = bytes[at + 1];
    // Fill bytes may precede a marker; anything else is skipped.
    if (bytes[at] !== 0xff || marker === 0xff || marker === 0) {
      at++;
      continue;
    }
    if (marker === undefined || marker === SCAN || marker === END) return undefined;
    if (FRAMES.has(marker)) {
      const frame = bytes.subarray(at, at + FRAME_BYTES);
      return { head: Uint8Array.from([...BEFORE_FRAME, ...frame]), orientation: orientation ?? 1 };
    }
    const end = at + 2 + Math.max(2, uint(bytes, at + 2, 2));
    if (marker === EXIF && isAt(bytes, at + 4, "Exif\0\0")) {
      orientation ??= orientationIn(bytes, at + 4, end);
    }
    at = end;
  }
  return undefined;
}
