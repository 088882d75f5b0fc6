import { imageSize } from "image-size";
import { pngHeader, webpHeader } from "./chunked.ts";
import type { ImageHeader, Pixels } from "./header.ts";
import { heifPixels } from "./heif.ts";
import { jpegHeader } from "./jpeg.ts";
import { tiffHeader } from "./tiff.ts";

/** Bytes at the beginning of a GIF or BMP that contain its size. */
const HEAD_BYTES = 64;
/** Exif orientations from this one on are rotated by 90 degrees. */
const FIRST_TURNED = 5;

/**
 * The displayed size in an image's header, if any: width and height are swapped where it is
 * rotated. `part` is the beginning of the file. Parsing is bounded by a few thousand steps for any
 * input.
 */
export function pixelsOf(mimeType: string, part: Uint8Array): Partial<Pixels> {
  if (!mimeType.startsWith("image/")) return {};
  try {
    const { width, height } = shownPixels(mimeType, part) ?? {};
    return width && height && width > 0 && height > 0 ? { width, height } : {};
  } catch {
    return {}; // A truncated or invalid header.
  }
}

function shownPixels(mimeType: string, part: Uint8Array): Pixels | undefined {
  if (/^image\/(avif|heic|heif)$/.test(mimeType)) return heifPixels(part);
  const header = imageHeader(mimeType, part);
  if (!header) return undefined;
  const { width, height } = imageSize(header.head);
  return header.orientation >= FIRST_TURNED ? { width: height, height: width } : { width, height };
}

/** The part of an image that `image-size` parses. */
export function imageHeader(mimeType: string, part: Uint8Array): ImageHeader | undefined {
  switch (mimeType) {
    case "image/jpeg":
      return jpegHeader(part);
    case "image/png":
      return pngHeader(part);
    case "image/webp":
      return webpHeader(part);
    case "image/tiff":
      return tiffHeader(part);
    default:
      return { head: part.slice(0, HEAD_BYTES), orientation: 1 };
  }
}
