import { fail, ok, type Result } from "./error.ts";
import { codePoints, hasControlCharacters, hasSpoofingCharacters } from "./text.ts";

/** A stored file as a message carries it. `key` names it in R2; a link to it is signed when shown. */
export interface Attachment {
  key: string;
  name: string;
  mimeType: string;
  /** Bytes. */
  size: number;
  /** Pixels, of images whose header tells. */
  width?: number;
  height?: number;
}

/** Bytes of a file. */
export const MAX_FILE_BYTES = 50 * 1024 * 1024;
/** Code points of a file's name. */
export const MAX_FILE_NAME = 255;

/** What an extension stands for, and the family that its first bytes must belong to. */
interface FileType {
  mimeType: string;
  family: Family;
}

/**
 * Formats that are told apart by their first bytes. Within a family the extension decides, because the
 * bytes are those of a container that all of its members share.
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

/** Extensions that bytes are recognised by, beside those of {@link TYPES}: what `file-type` calls them. */
const RECOGNISED: Record<string, string> = {
  cfb: "doc",
  f4a: "m4a",
  f4b: "m4b",
  f4p: "mp4",
  m4p: "mp4",
  ogx: "ogg",
  spx: "ogg",
};

/** What bytes can be besides what they are recognised as. It counts under a name that says so. */
export type Container = "zip" | "encrypted" | "pdf";

/** What the first bytes of a file tell. */
export interface Signature {
  /** What `file-type` calls their format; `undefined` for bytes without a signature. */
  format: string | undefined;
  /**
   * Any ZIP archive, whatever its entries make of it; an Office document with a password, which is
   * encrypted within a compound file ([MS-OFFCRYPTO]); a PDF that does not begin with its first byte.
   */
  container?: Container | undefined;
}

/** The names under which a container counts. */
const CONTAINERS: Record<Container, readonly string[]> = {
  zip: ["zip"],
  encrypted: ["docx", "xlsx", "pptx"],
  pdf: ["pdf"],
};

/** Formats that are text themselves: their signature counts in a text as well. */
const TEXTUAL = new Set(["pdf", "rtf", "xml", "ps", "eps"]);

/** How a page, a drawing or a script begins. */
const MARKUP = /^<(!doctype\s+(html|svg)|\?xml|html|head|body|script|iframe|svg)\b/i;

/**
 * What a file is: the family from its first bytes, and the extension of its name within it. Bytes without
 * a signature can only be text; `beginning` is how the file begins if that is text.
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
  // Signatures of two or three letters begin many a text: BMW, GIFT, MZ.
  const signature =
    typeOf(named)?.family === "text" && beginning !== undefined && !TEXTUAL.has(recognised ?? "")
      ? undefined
      : recognised;
  const found = signature === undefined ? "txt" : (RECOGNISED[signature] ?? signature);
  const family = typeOf(found)?.family;
  // A name without an extension takes the one its bytes tell; text without one could be anything.
  const extension = named ?? (signature === undefined ? "" : found);
  const type = typeOf(extension);
  if (!family || type?.family !== family) return fail("unsupported_type");
  const isText = family === "text";
  if (isText && isMarkup(beginning ?? "")) return fail("unsupported_type");
  return ok({ extension, mimeType: type.mimeType, isText });
}

/** Whether a name says what the bytes are besides; a PDF only where they are nothing else. */
function isContainer(named: string, container: Container, recognised: string | undefined): boolean {
  if (container === "pdf" && recognised !== undefined) return false;
  return CONTAINERS[container].includes(named);
}

/** Whether a text is one that a browser would run, whatever comments it begins with. */
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

/** A file's name as it is shown: any script, one line, at most 255 characters, no path. */
export function fileNameOf(text: string): Result<string> {
  const name = (text.split(/[/\\]/).at(-1) ?? "").trim();
  const fits = name !== "" && codePoints(name) <= MAX_FILE_NAME && name.isWellFormed();
  const misleads = hasControlCharacters(name) || /[\n\t]/.test(name) || hasSpoofingCharacters(name);
  if (!fits || misleads) return fail("invalid_file_name");
  return ok(name);
}

/** Whether a browser may show it within a page; everything else is only to be saved. */
export function isShownInline(mimeType: string): boolean {
  return /^(image|audio|video)\//.test(mimeType) || mimeType === "application/pdf";
}

function extensionOf(name: string): string | undefined {
  return /\.([a-z0-9]{1,10})$/i.exec(name)?.[1]?.toLowerCase();
}
