import type { Pixels } from "./header.ts";
import { MAX_STEPS, nameAt, uint } from "./reading.ts";

/**
 * The displayed size of a HEIF or AVIF image: that of its largest image (the others are tiles and
 * previews), rotated by its property `irot`. `image-size` ignores rotations, and its work grows
 * with the square of the boxes.
 */
export function heifPixels(bytes: Uint8Array): Pixels | undefined {
  const meta = boxIn(bytes, "meta", 0, bytes.length);
  // `meta` has a version and flags before its boxes.
  const iprp = meta && boxIn(bytes, "iprp", meta.from + 4, meta.end);
  const ipco = iprp && boxIn(bytes, "ipco", iprp.from, iprp.end);
  if (!ipco) return undefined;
  let largest: Pixels = { width: 0, height: 0 };
  let quarterTurns: number | undefined;
  for (const { name, from } of boxesIn(bytes, ipco.from, ipco.end)) {
    if (name === "irot") quarterTurns ??= uint(bytes, from, 1) & 3;
    if (name !== "ispe") continue;
    const size = { width: uint(bytes, from + 4, 4), height: uint(bytes, from + 8, 4) };
    if (size.width * size.height > largest.width * largest.height) largest = size;
  }
  const { width, height } = largest;
  return (quarterTurns ?? 0) % 2 === 1 ? { width: height, height: width } : largest;
}

interface Box {
  name: string;
  /** Start and end of its content. */
  from: number;
  end: number;
}

function boxIn(bytes: Uint8Array, name: string, from: number, end: number): Box | undefined {
  for (const box of boxesIn(bytes, from, end)) if (box.name === name) return box;
  return undefined;
}

/** The boxes of a range (ISO/IEC 14496-12, 4.2), at most {@link MAX_STEPS}. */
function* boxesIn(bytes: Uint8Array, from: number, end: number): Generator<Box> {
  let at = from;
  for (let step = 0; step < MAX_STEPS && at + 8 <= Math.min(end, bytes.length); step++) {
    const short = uint(bytes, at, 4);
    // 1: the size follows in eight bytes; 0: the box extends to the end.
    const header = short === 1 ? 16 : 8;
    const size = short === 1 ? uint(bytes, at + 10, 6) : short === 0 ? end - at : short;
    if (size < header) return;
    yield { name: nameAt(bytes, at + 4), from: at + header, end: Math.min(at + size, end) };
    at += size;
  }
}
