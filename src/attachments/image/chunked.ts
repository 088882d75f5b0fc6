import { orientationIn } from "./exif.ts";
import type { ImageHeader } from "./header.ts";
import { MAX_STEPS, nameAt, uint } from "./reading.ts";

/** Bytes at the beginning of a PNG or WebP that contain its size. */
const HEAD_BYTES = 64;

/** PNG: the size is at the beginning, the orientation in a chunk `eXIf`. */
export function pngHeader(bytes: Uint8Array): ImageHeader {
  return {
    head: bytes.slice(0, HEAD_BYTES),
    orientation: orientationOf(bytes, 8, "eXIf", (at) => {
      const length = uint(bytes, at, 4);
      return { name: nameAt(bytes, at + 4), from: at + 8, length, next: at + 12 + length };
    }),
  };
}

/** WebP: the size is at the beginning, the orientation in a chunk `EXIF` after the image. */
export function webpHeader(bytes: Uint8Array): ImageHeader {
  return {
    head: bytes.slice(0, HEAD_BYTES),
    orientation: orientationOf(bytes, 12, "EXIF", (at) => {
      const length = uint(bytes, at + 4, 4, true);
      // Chunks are padded to an even length.
      return {
        name: nameAt(bytes, at),
        from: at + 8,
        length,
        next: at + 8 + length + (length % 2),
      };
    }),
  };
}

interface Chunk {
  name: string;
  from: number;
  length: number;
  next: number;
}

function orientationOf(
  bytes: Uint8Array,
  first: number,
  exif: string,
  chunkAt: (at: number) => Chunk,
): number {
  let at = first;
  for (let step = 0; step < MAX_STEPS && at + 12 <= bytes.length; step++) {
    const { name, from, length, next } = chunkAt(at);
    if (name === exif) return orientationIn(bytes, from, from + length);
    at = next;
  }
  return 1;
}
