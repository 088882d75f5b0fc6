import { Buffer } from "node:buffer";
import { fileTypeFromBuffer } from "file-type";
import type { Container, Signature } from "../domain/attachment.ts";
import { isAt, nameAt, uint } from "./image/reading.ts";

/** Bytes inspected to decide whether a file begins as text. */
const BEGINNING_BYTES = 4_096;
/** Bytes passed to `file-type`, which bound its work. */
export const HEAD_BYTES = 64 * 1024;
/** Bytes within which a PDF has its header (PDF 1.7, implementation note 13). */
const PDF_BYTES = 1_024;
/** Brands of an ISO media file that are read. */
const MAX_BRANDS = 64;

const AVIF_BRANDS = ["avif", "avis"];
const HEVC_BRANDS = ["heic", "heix", "hevc", "hevx", "heim", "heis", "hevm", "hevs"];
/** Generic image brands: the compatible brands have the format. */
const IMAGE_BRANDS = ["mif1", "mif2", "msf1", "miaf"];

const COMPOUND = Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1);
/**
 * The stream of an encrypted Office document that contains the original ([MS-OFFCRYPTO] 2.3.4.4).
 */
const ENCRYPTED_PACKAGE = Buffer.from("EncryptedPackage", "utf16le");

/** Inspects the first part of a file; `isWhole`: the part is the whole file. */
export async function signatureOf(part: Uint8Array, isWhole: boolean): Promise<Signature> {
  const container = containerOf(part, isWhole);
  // Its content does not matter, and would have to be decompressed.
  if (isAt(part, 0, "\x1f\x8b\x08")) return { format: "gz", container };
  const image = imageBrandOf(part);
  if (image) return { format: image, container };
  if (!isAt(part, 0, "ID3")) return { format: await recognised(part), container };
  // After the tag comes the audio; if that is unknown or zeros, it is an MP3.
  return { format: (await recognised(part.subarray(endOfTag(part)))) ?? "mp3", container };
}

/** The extension of a recognised signature, if any. */
async function recognised(bytes: Uint8Array): Promise<string | undefined> {
  try {
    return (await fileTypeFromBuffer(bytes.subarray(0, HEAD_BYTES)))?.ext;
  } catch {
    return undefined; // A signature followed by nothing that matches it.
  }
}

function containerOf(part: Uint8Array, isWhole: boolean): Container | undefined {
  if (isAt(part, 0, "PK\x03\x04") || isAt(part, 0, "PK\x05\x06")) return "zip";
  if (COMPOUND.every((byte, i) => part[i] === byte)) {
    // Stream names may be at the end of the file, beyond this part.
    const isEncrypted = bufferOf(part).includes(ENCRYPTED_PACKAGE);
    return isEncrypted || !isWhole ? "encrypted" : undefined;
  }
  return bufferOf(part.subarray(0, PDF_BYTES)).includes("%PDF-") ? "pdf" : undefined;
}

/** Whether an ISO media file is an image, by its brands (ISO/IEC 14496-12, 4.3). */
function imageBrandOf(part: Uint8Array): "avif" | "heic" | undefined {
  if (!isAt(part, 4, "ftyp") || part.length < 16) return undefined;
  const major = nameAt(part, 8);
  if (AVIF_BRANDS.includes(major)) return "avif";
  if (HEVC_BRANDS.includes(major)) return "heic";
  if (!IMAGE_BRANDS.includes(major)) return undefined;
  const end = Math.min(uint(part, 0, 4), 16 + 4 * MAX_BRANDS, part.length);
  for (let at = 16; at + 4 <= end; at += 4) {
    if (AVIF_BRANDS.includes(nameAt(part, at))) return "avif";
  }
  return "heic";
}

/** The end of an ID3v2 tag: its size has seven bits per byte and excludes header and footer. */
function endOfTag(part: Uint8Array): number {
  if (part.length < 10) return part.length;
  const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + (uint(part, at, 1) & 0x7f), 0);
  const hasFooter = (uint(part, 5, 1) & 0x10) !== 0;
  return 10 + size + (hasFooter ? 10 : 0);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The beginning of a file if it is text. */
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
