import { fail, ok, type Result } from "./error.ts";
import { codePoints, hasControlCharacters, hasSpoofingCharacters } from "./text.ts";

/**
 * A stored file of a message, not to be confused with a socket's serialized attachment. `key` names
 * it in R2; links are signed when it is shown.
 */
export interface Attachment {
  key: string;
  name: string;
  mimeType: string;
  /** Bytes. */
  size: number;
  /** Pixels, of images whose header has them. */
  width?: number;
  height?: number;
}

/** Code points of a file's name. */
export const MAX_FILE_NAME = 255;

/** The MIME type of an extension, and the format family that its first bytes must have. */
interface FileType {
  mimeType: string;
  family: Family;
}

/**
 * Format families that the first bytes distinguish. Within a family the extension decides, because
 * its formats share one container.
 */
type Family =
  | "jpeg"
  | "png"
  | "gif"
  | "webp"
  | "avif"
  | "heic"
  | "bmp"
  | "tiff"
  | "pdf"
  | "compound"
  | "zip"
  | "rtf"
  | "text"
  | "iso-media"
  | "matroska"
  | "avi"
  | "mp3"
  | "wav"
  | "ogg"
  | "flac"
  | "aac"
  | "rar"
  | "7z"
  | "gzip"
  | "tar";

const OFFICE = "application/vnd.openxmlformats-officedocument";
const OASIS = "application/vnd.oasis.opendocument";

const TYPES: Record<string, FileType> = {
  jpg: { mimeType: "image/jpeg", family: "jpeg" },
  jpeg: { mimeType: "image/jpeg", family: "jpeg" },
  jpe: { mimeType: "image/jpeg", family: "jpeg" },
  jfif: { mimeType: "image/jpeg", family: "jpeg" },
  pjpeg: { mimeType: "image/jpeg", family: "jpeg" },
  pjp: { mimeType: "image/jpeg", family: "jpeg" },
  png: { mimeType: "image/png", family: "png" },
  apng: { mimeType: "image/png", family: "png" },
  gif: { mimeType: "image/gif", family: "gif" },
  webp: { mimeType: "image/webp", family: "webp" },
  avif: { mimeType: "image/avif", family: "avif" },
  heic: { mimeType: "image/heic", family: "heic" },
  heif: { mimeType: "image/heif", family: "heic" },
  hif: { mimeType: "image/heif", family: "heic" },
  bmp: { mimeType: "image/bmp", family: "bmp" },
  dib: { mimeType: "image/bmp", family: "bmp" },
  tiff: { mimeType: "image/tiff", family: "tiff" },
  tif: { mimeType: "image/tiff", family: "tiff" },
  pdf: { mimeType: "application/pdf", family: "pdf" },
  doc: { mimeType: "application/msword", family: "compound" },
  xls: { mimeType: "application/vnd.ms-excel", family: "compound" },
  ppt: { mimeType: "application/vnd.ms-powerpoint", family: "compound" },
  pps: { mimeType: "application/vnd.ms-powerpoint", family: "compound" },
  zip: { mimeType: "application/zip", family: "zip" },
  docx: { mimeType: `${OFFICE}.wordprocessingml.document`, family: "zip" },
  xlsx: { mimeType: `${OFFICE}.spreadsheetml.sheet`, family: "zip" },
  pptx: { mimeType: `${OFFICE}.presentationml.presentation`, family: "zip" },
  odt: { mimeType: `${OASIS}.text`, family: "zip" },
  ods: { mimeType: `${OASIS}.spreadsheet`, family: "zip" },
  odp: { mimeType: `${OASIS}.presentation`, family: "zip" },
  rtf: { mimeType: "application/rtf", family: "rtf" },
  txt: { mimeType: "text/plain", family: "text" },
  text: { mimeType: "text/plain", family: "text" },
  log: { mimeType: "text/plain", family: "text" },
  csv: { mimeType: "text/csv", family: "text" },
  md: { mimeType: "text/markdown", family: "text" },
  markdown: { mimeType: "text/markdown", family: "text" },
  mp4: { mimeType: "video/mp4", family: "iso-media" },
  m4v: { mimeType: "video/mp4", family: "iso-media" },
  f4v: { mimeType: "video/mp4", family: "iso-media" },
  mov: { mimeType: "video/quicktime", family: "iso-media" },
  qt: { mimeType: "video/quicktime", family: "iso-media" },
  "3gp": { mimeType: "video/3gpp", family: "iso-media" },
  "3gpp": { mimeType: "video/3gpp", family: "iso-media" },
  "3g2": { mimeType: "video/3gpp2", family: "iso-media" },
  m4a: { mimeType: "audio/mp4", family: "iso-media" },
  m4b: { mimeType: "audio/mp4", family: "iso-media" },
  webm: { mimeType: "video/webm", family: "matroska" },
  mkv: { mimeType: "video/x-matroska", family: "matroska" },
  avi: { mimeType: "video/x-msvideo", family: "avi" },
  mp3: { mimeType: "audio/mpeg", family: "mp3" },
  wav: { mimeType: "audio/wav", family: "wav" },
  wave: { mimeType: "audio/wav", family: "wav" },
  ogg: { mimeType: "audio/ogg", family: "ogg" },
  oga: { mimeType: "audio/ogg", family: "ogg" },
  opus: { mimeType: "audio/opus", family: "ogg" },
  flac: { mimeType: "audio/flac", family: "flac" },
  aac: { mimeType: "audio/aac", family: "aac" },
  rar: { mimeType: "application/vnd.rar", family: "rar" },
  "7z": { mimeType: "application/x-7z-compressed", family: "7z" },
  gz: { mimeType: "application/gzip", family: "gzip" },
  tgz: { mimeType: "application/gzip", family: "gzip" },
  tar: { mimeType: "application/x-tar", family: "tar" },
};

/** Other names that `file-type` uses for formats of {@link TYPES}. */
const RECOGNISED: Record<string, string> = {
  cfb: "doc",
  f4a: "m4a",
  f4b: "m4b",
  f4p: "mp4",
  m4p: "mp4",
  ogx: "ogg",
  spx: "ogg",
};

/**
 * Formats that bytes can have in addition to the recognised one, if the file's extension says so.
 */
export type Container = "zip" | "encrypted" | "pdf";

/** The result of inspecting the first bytes of a file. */
export interface Signature {
  /** The format by `file-type`'s name; `undefined` without a known signature. */
  format: string | undefined;
  /**
   * Any ZIP archive, whatever its entries suggest; an Office document with a password, which is
   * encrypted within a compound file ([MS-OFFCRYPTO]); a PDF that does not begin at the first byte.
   */
  container?: Container | undefined;
}

/** The extensions that a container is accepted for. */
const CONTAINERS: Record<Container, readonly string[]> = {
  zip: ["zip"],
  encrypted: ["docx", "xlsx", "pptx"],
  pdf: ["pdf"],
};

/** Formats that are text themselves: their signature also counts in a text file. */
const TEXTUAL = new Set(["pdf", "rtf", "xml", "ps", "eps"]);

/** The beginning of an HTML page, an SVG or a script. */
const MARKUP = /^<(!doctype\s+(html|svg)|\?xml|html|head|body|script|iframe|svg)\b/i;

/**
 * The type of a file: the family by its first bytes, the type within it by its extension. Bytes
 * without a signature can only be text; `beginning` is the start of the file if it is text.
 */
export function fileTypeOf(
  name: string,
  { format: recognised, container }: Signature,
  beginning: string | undefined,
): Result<{ extension: string; mimeType: string; isText: boolean }> {
  const named = extensionOf(name);
  if (named && container && isContainer(named, container, recognised)) {
    return ok({ extension: named, mimeType: TYPES[named]?.mimeType ?? "", isText: false });
  }
  // Signatures of two or three letters also begin texts: BMW, GIFT, MZ.
  const signature =
    typeOf(named)?.family === "text" && beginning !== undefined && !TEXTUAL.has(recognised ?? "")
      ? undefined
      : recognised;
  const found = signature === undefined ? "txt" : (RECOGNISED[signature] ?? signature);
  const family = typeOf(found)?.family;
  // A name without an extension gets the one of its bytes; text without an extension is refused.
  const extension = named ?? (signature === undefined ? "" : found);
  const type = typeOf(extension);
  if (!family || type?.family !== family) return fail("unsupported_type");
  const isText = family === "text";
  if (isText && isMarkup(beginning ?? "")) return fail("unsupported_type");
  return ok({ extension, mimeType: type.mimeType, isText });
}

/** Whether a file's extension matches its container; a PDF only if the bytes are nothing else. */
function isContainer(named: string, container: Container, recognised: string | undefined): boolean {
  if (container === "pdf" && recognised !== undefined) return false;
  return CONTAINERS[container].includes(named);
}

/** Whether a browser would interpret the text as markup, even after comments. */
function isMarkup(beginning: string): boolean {
  let text = beginning.trimStart();
  while (text.startsWith("<!--")) {
    const end = text.indexOf("-->", 4);
    if (end < 0) return false;
    text = text.slice(end + 3).trimStart();
  }
  return MARKUP.test(text);
}

function typeOf(extension: string | undefined): FileType | undefined {
  return Object.hasOwn(TYPES, extension ?? "") ? TYPES[extension ?? ""] : undefined;
}

/** All MIME types that are accepted. */
export function acceptedMimeTypes(): string[] {
  return [...new Set(Object.values(TYPES).map((type) => type.mimeType))];
}

/** A file's display name: any script, one line, at most 255 characters, no path. */
export function fileNameOf(text: string): Result<string> {
  const name = (text.split(/[/\\]/).at(-1) ?? "").trim();
  const fits = name !== "" && codePoints(name) <= MAX_FILE_NAME && name.isWellFormed();
  const misleads = hasControlCharacters(name) || /[\n\t]/.test(name) || hasSpoofingCharacters(name);
  if (!fits || misleads) return fail("invalid_file_name");
  return ok(name);
}

/** Whether a browser may show it in a page; other files are only downloaded. */
export function isShownInline(mimeType: string): boolean {
  return /^(image|audio|video)\//.test(mimeType) || mimeType === "application/pdf";
}

function extensionOf(name: string): string | undefined {
  return /\.([a-z0-9]{1,10})$/i.exec(name)?.[1]?.toLowerCase();
}
