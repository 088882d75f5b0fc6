import { Buffer } from "node:buffer";
import { crc32, gzipSync } from "node:zlib";

/** Minimal files of each type: handwritten headers with little content. */

const encoder = new TextEncoder();

/** Concatenates numbers and strings to bytes. */
export function bytes(...parts: (number | string | Uint8Array)[]): Uint8Array {
  const pieces = parts.map((part) => {
    if (typeof part === "number") return Uint8Array.of(part);
    return typeof part === "string" ? encoder.encode(part) : part;
  });
  return new Uint8Array(Buffer.concat(pieces));
}

/** A number in this many bytes, little-endian. */
export function little(value: number, width: number): Uint8Array {
  return Uint8Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** i) % 256);
}

/** A number in this many bytes, big-endian. */
export function big(value: number, width: number): Uint8Array {
  return little(value, width).reverse();
}

export function zeros(length: number): Uint8Array {
  return new Uint8Array(length);
}

/** The size in pixels of every image here. */
export const PIXELS = { width: 321, height: 123 };
const { width, height } = PIXELS;

export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const body = bytes(type, data);
  return bytes(big(data.length, 4), body, big(crc32(body), 4));
}

export function png(): Uint8Array {
  return bytes(
    0x89,
    "PNG\r\n",
    0x1a,
    "\n",
    pngChunk("IHDR", bytes(big(width, 4), big(height, 4), 8, 2, 0, 0, 0)),
    pngChunk("IDAT", zeros(10)),
    pngChunk("IEND", zeros(0)),
  );
}

export function jpeg(): Uint8Array {
  const app0 = bytes(0xff, 0xe0, big(16, 2), "JFIF", 0, 1, 1, 0, 0, 1, 0, 1, 0, 0);
  const frame = bytes(0xff, 0xc0, big(17, 2), 8, big(height, 2), big(width, 2), 3, zeros(9));
  return bytes(0xff, 0xd8, app0, frame, 0xff, 0xd9);
}

export function riff(form: string, ...chunks: Uint8Array[]): Uint8Array {
  const body = bytes(form, ...chunks);
  return bytes("RIFF", little(body.length, 4), body);
}

export function webp(): Uint8Array {
  const header = bytes(0, 0, 0, 0, little(width - 1, 3), little(height - 1, 3));
  return riff("WEBP", bytes("VP8X", little(header.length, 4), header));
}

export function box(type: string, ...content: (Uint8Array | string)[]): Uint8Array {
  const body = bytes(...content);
  return bytes(big(body.length + 8, 4), type, body);
}

export function isoMedia(brand: string, ...boxes: Uint8Array[]): Uint8Array {
  return bytes(box("ftyp", brand, zeros(4), brand), ...boxes);
}

/** AVIF and HEIC. */
export function heif(brand: string): Uint8Array {
  const size = box("ispe", zeros(4), big(width, 4), big(height, 4));
  return isoMedia(brand, box("meta", zeros(4), box("iprp", box("ipco", size))));
}

export function bmp(): Uint8Array {
  const header = bytes(little(40, 4), little(width, 4), little(height, 4), zeros(28));
  return bytes("BM", little(54, 4), zeros(4), little(54, 4), header);
}

export function tiff(): Uint8Array {
  const entry = (tag: number, value: number) =>
    bytes(little(tag, 2), little(4, 2), little(1, 4), little(value, 4));
  const entries = bytes(entry(256, width), entry(257, height));
  return bytes("II", 42, 0, little(8, 4), little(2, 2), entries, little(0, 4), zeros(16));
}

/** An archive with uncompressed files. */
export function zip(files: Record<string, string>): Uint8Array {
  const locals: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const data = encoder.encode(text);
    const sizes = bytes(little(crc32(data), 4), little(data.length, 4), little(data.length, 4));
    const meta = bytes(little(20, 2), zeros(8), sizes, little(name.length, 2), zeros(2));
    const local = bytes("PK", 3, 4, meta, name, data);
    locals.push(local);
    central.push(bytes("PK", 1, 2, little(20, 2), meta, zeros(10), little(offset, 4), name));
    offset += local.length;
  }
  const directory = bytes(...central);
  const count = little(central.length, 2);
  const end = bytes("PK", 5, 6, zeros(4), count, count, little(directory.length, 4));
  return bytes(...locals, directory, end, little(offset, 4), zeros(2));
}

function office(kind: string, folder: string): Uint8Array {
  const type = `application/vnd.openxmlformats-officedocument.${kind}.main+xml`;
  return zip({
    "[Content_Types].xml": `<Types><Override PartName="/${folder}" ContentType="${type}"/></Types>`,
    "_rels/.rels": "<Relationships/>",
    [folder]: "<document/>",
  });
}

function openDocument(kind: string): Uint8Array {
  return zip({
    mimetype: `application/vnd.oasis.opendocument.${kind}`,
    "content.xml": "<office:document-content/>",
  });
}

/** The container that Word, Excel and PowerPoint used before 2007. */
export function compound(): Uint8Array {
  return bytes(Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1), zeros(504));
}

function matroska(docType: string): Uint8Array {
  const name = bytes(0x42, 0x82, 0x80 + docType.length, docType);
  return bytes(Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3), 0x80 + name.length, name, zeros(32));
}

function oggPage(packet: Uint8Array): Uint8Array {
  return bytes("OggS", 0, 2, zeros(8), little(7, 4), zeros(8), 1, packet.length, packet);
}

/** A frame of MPEG audio: 128 kbit/s, 44.1 kHz. */
export function mp3(): Uint8Array {
  return bytes(0xff, 0xfb, 0x90, 0x64, zeros(413));
}

function tar(): Uint8Array {
  const name = bytes("a.txt", zeros(95));
  const numbers = "0000644\0" + "0000000\0" + "0000000\0" + "00000000000\0" + "00000000000\0";
  const rest = bytes("0", zeros(100), "ustar\0", "00", zeros(247));
  const blank = bytes(name, numbers, " ".repeat(8), rest);
  const sum = blank.reduce((total, byte) => total + byte, 0);
  const check = `${sum.toString(8).padStart(6, "0")}\0 `;
  return bytes(name, numbers, check, rest, zeros(1_024));
}

const OFFICE = "application/vnd.openxmlformats-officedocument";
const OASIS = "application/vnd.oasis.opendocument";

export interface Sample {
  extension: string;
  mimeType: string;
  content: Uint8Array;
}

/** One file for every accepted extension. */
export const SAMPLES: readonly Sample[] = (
  [
    ["jpg", "image/jpeg", jpeg()],
    ["jpeg", "image/jpeg", jpeg()],
    ["jpe", "image/jpeg", jpeg()],
    ["jfif", "image/jpeg", jpeg()],
    ["pjpeg", "image/jpeg", jpeg()],
    ["pjp", "image/jpeg", jpeg()],
    ["png", "image/png", png()],
    ["apng", "image/png", png()],
    ["gif", "image/gif", bytes("GIF89a", little(width, 2), little(height, 2), 0, 0, 0, ";")],
    ["webp", "image/webp", webp()],
    ["avif", "image/avif", heif("avif")],
    ["heic", "image/heic", heif("heic")],
    ["heif", "image/heif", heif("mif1")],
    ["hif", "image/heif", heif("heix")],
    ["bmp", "image/bmp", bmp()],
    ["dib", "image/bmp", bmp()],
    ["tiff", "image/tiff", tiff()],
    ["tif", "image/tiff", tiff()],
    [
      "pdf",
      "application/pdf",
      bytes("%PDF-1.7\n%", 0xe2, 0xe3, "\n1 0 obj\n<<>>\nendobj\n%%EOF\n"),
    ],
    ["doc", "application/msword", compound()],
    ["xls", "application/vnd.ms-excel", compound()],
    ["ppt", "application/vnd.ms-powerpoint", compound()],
    ["pps", "application/vnd.ms-powerpoint", compound()],
    [
      "docx",
      `${OFFICE}.wordprocessingml.document`,
      office("wordprocessingml.document", "word/document.xml"),
    ],
    ["xlsx", `${OFFICE}.spreadsheetml.sheet`, office("spreadsheetml.sheet", "xl/workbook.xml")],
    [
      "pptx",
      `${OFFICE}.presentationml.presentation`,
      office("presentationml.presentation", "ppt/presentation.xml"),
    ],
    ["odt", `${OASIS}.text`, openDocument("text")],
    ["ods", `${OASIS}.spreadsheet`, openDocument("spreadsheet")],
    ["odp", `${OASIS}.presentation`, openDocument("presentation")],
    ["rtf", "application/rtf", bytes("{\\rtf1\\ansi Hello.}")],
    ["txt", "text/plain", bytes("Grüße, 世界\n")],
    ["text", "text/plain", bytes("Hello\n")],
    ["log", "text/plain", bytes("12:00 started\n")],
    ["csv", "text/csv", bytes("a,b\n1,2\n")],
    ["md", "text/markdown", bytes("# Title\n\n<p align=center>text</p>\n")],
    ["markdown", "text/markdown", bytes("# Title\n")],
    ["m4v", "video/mp4", isoMedia("M4V ", box("moov", zeros(8)))],
    ["f4v", "video/mp4", isoMedia("F4V ", box("moov", zeros(8)))],
    ["3gp", "video/3gpp", isoMedia("3gp4", box("moov", zeros(8)))],
    ["3gpp", "video/3gpp", isoMedia("3gp5", box("moov", zeros(8)))],
    ["3g2", "video/3gpp2", isoMedia("3g2a", box("moov", zeros(8)))],
    ["qt", "video/quicktime", bytes(box("moov", zeros(8)))],
    ["m4b", "audio/mp4", isoMedia("M4B ", box("moov", zeros(8)))],
    ["mp4", "video/mp4", isoMedia("isom", box("moov", zeros(8)))],
    ["mov", "video/quicktime", isoMedia("qt  ", box("moov", zeros(8)))],
    ["webm", "video/webm", matroska("webm")],
    ["mkv", "video/x-matroska", matroska("matroska")],
    ["avi", "video/x-msvideo", riff("AVI ", bytes("LIST", little(4, 4), "hdrl"))],
    ["mp3", "audio/mpeg", mp3()],
    ["m4a", "audio/mp4", isoMedia("M4A ", box("moov", zeros(8)))],
    ["wav", "audio/wav", riff("WAVE", bytes("fmt ", little(16, 4), zeros(16)))],
    ["wave", "audio/wav", riff("WAVE", bytes("fmt ", little(16, 4), zeros(16)))],
    ["oga", "audio/ogg", oggPage(bytes(0x7f, "FLAC", zeros(23)))],
    ["ogg", "audio/ogg", oggPage(bytes(1, "vorbis", zeros(23)))],
    ["opus", "audio/opus", oggPage(bytes("OpusHead", 1, 2, zeros(9)))],
    ["flac", "audio/flac", bytes("fLaC", 0x80, big(34, 3), zeros(34))],
    ["aac", "audio/aac", bytes(0xff, 0xf1, 0x50, 0x80, 0x02, 0x1f, 0xfc, zeros(32))],
    ["zip", "application/zip", zip({ "a.txt": "hello", "b/c.txt": "world" })],
    ["rar", "application/vnd.rar", bytes("Rar!", 0x1a, 7, 1, 0, zeros(16))],
    ["7z", "application/x-7z-compressed", bytes("7z", 0xbc, 0xaf, 0x27, 0x1c, 0, 4, zeros(24))],
    ["gz", "application/gzip", new Uint8Array(gzipSync("hello"))],
    ["tgz", "application/gzip", new Uint8Array(gzipSync(tar()))],
    ["tar", "application/x-tar", tar()],
  ] as const
).map(([extension, mimeType, content]) => ({ extension, mimeType, content }));

/** The sample of an extension. */
export function sample(extension: string): Sample {
  const found = SAMPLES.find((each) => each.extension === extension);
  if (!found) throw new Error(`no sample of ${extension}`);
  return found;
}
