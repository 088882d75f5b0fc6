import { Buffer } from "node:buffer";
import { fileTypeFromBuffer } from "file-type";
import { imageSize } from "image-size";

/** Bytes that are looked at to see whether a file begins as text. */
const BEGINNING_BYTES = 4_096;

/** The extension of what a signature tells, if there is one. */
export async function recognised(head: Uint8Array): Promise<string | undefined> {
  try {
    return (await fileTypeFromBuffer(head))?.ext;
  } catch {
    return undefined; // a signature, and then nothing that fits it
  }
}

/** How a file begins, if it begins as text does. */
export function beginningOf(head: Uint8Array): string | undefined {
  const bytes = head.subarray(0, BEGINNING_BYTES);
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes, {
      stream: true,
    });
  } catch {
    return undefined;
  }
}

/** The size that an image's header tells, if it does. */
export function pixelsOf(mimeType: string, head: Uint8Array): { width?: number; height?: number } {
  if (!mimeType.startsWith("image/")) return {};
  try {
    const { width, height } = imageSize(Buffer.from(head.buffer, head.byteOffset, head.length));
    return width > 0 && height > 0 ? { width, height } : {};
  } catch {
    return {};
  }
}
