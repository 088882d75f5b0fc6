import { MAX_ENTRIES, orientationIn } from "./exif.ts";
import type { ImageHeader } from "./header.ts";
import { uint } from "./reading.ts";

/** Differences of TIFF and BigTIFF (version 43), in bytes. */
const TIFF = { pointerAt: 4, pointer: 4, count: 2, entry: 12, directoryAt: 8 };
const BIG_TIFF = { pointerAt: 8, pointer: 8, count: 8, entry: 20, directoryAt: 16 };

/**
 * A small TIFF of the first directory alone, which may be anywhere in the file; many programs write
 * it last.
 */
export function tiffHeader(bytes: Uint8Array): ImageHeader {
  const little = bytes[0] === 0x49;
  const isBig = uint(bytes, 2, 2, little) === 43;
  const layout = isBig ? BIG_TIFF : TIFF;
  // The lower six of eight bytes: no file is larger.
  const lower = (at: number, width: number) =>
    width === 8 ? uint(bytes, at + (little ? 0 : 2), 6, little) : uint(bytes, at, width, little);
  const directory = lower(layout.pointerAt, layout.pointer);
  const entries = Math.min(lower(directory, layout.count), MAX_ENTRIES);
  const length = layout.count + entries * layout.entry;
  // An empty entry terminates the list.
  const head = new Uint8Array(layout.directoryAt + length + layout.entry + 1);
  head.set(bytes.subarray(0, layout.pointerAt));
  head[little ? layout.pointerAt : layout.directoryAt - 1] = layout.directoryAt;
  head.set(bytes.subarray(directory, directory + length), layout.directoryAt);
  return { head, orientation: isBig ? 1 : orientationIn(bytes, 0, bytes.length) };
}
