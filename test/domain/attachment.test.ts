import { expect, test } from "vitest";
import {
  acceptedMimeTypes,
  fileNameOf,
  fileTypeOf,
  isShownInline,
} from "../../src/domain/attachment.ts";

const OFFICE = "application/vnd.openxmlformats-officedocument";
const OASIS = "application/vnd.oasis.opendocument";

/**
 * Every extension, its type, and the name that `file-type` has for its bytes; text has no
 * signature.
 */
const TABLE: [extension: string, mimeType: string, recognised: string | undefined][] = [
  ["jpg", "image/jpeg", "jpg"],
  ["jpeg", "image/jpeg", "jpg"],
  ["jpe", "image/jpeg", "jpg"],
  ["jfif", "image/jpeg", "jpg"],
  ["pjpeg", "image/jpeg", "jpg"],
  ["pjp", "image/jpeg", "jpg"],
  ["png", "image/png", "png"],
  ["png", "image/png", "apng"],
  ["apng", "image/png", "apng"],
  ["gif", "image/gif", "gif"],
  ["webp", "image/webp", "webp"],
  ["avif", "image/avif", "avif"],
  ["heic", "image/heic", "heic"],
  ["heif", "image/heif", "heic"],
  ["hif", "image/heif", "heic"],
  ["bmp", "image/bmp", "bmp"],
  ["dib", "image/bmp", "bmp"],
  ["tiff", "image/tiff", "tif"],
  ["tif", "image/tiff", "tif"],
  ["pdf", "application/pdf", "pdf"],
  ["doc", "application/msword", "cfb"],
  ["xls", "application/vnd.ms-excel", "cfb"],
  ["ppt", "application/vnd.ms-powerpoint", "cfb"],
  ["pps", "application/vnd.ms-powerpoint", "cfb"],
  ["docx", `${OFFICE}.wordprocessingml.document`, "docx"],
  ["docx", `${OFFICE}.wordprocessingml.document`, "zip"],
  ["xlsx", `${OFFICE}.spreadsheetml.sheet`, "xlsx"],
  ["pptx", `${OFFICE}.presentationml.presentation`, "pptx"],
  ["odt", `${OASIS}.text`, "odt"],
  ["ods", `${OASIS}.spreadsheet`, "ods"],
  ["odp", `${OASIS}.presentation`, "odp"],
  ["rtf", "application/rtf", "rtf"],
  ["txt", "text/plain", undefined],
  ["text", "text/plain", undefined],
  ["log", "text/plain", undefined],
  ["csv", "text/csv", undefined],
  ["md", "text/markdown", undefined],
  ["markdown", "text/markdown", undefined],
  ["mp4", "video/mp4", "mp4"],
  ["mp4", "video/mp4", "m4v"],
  ["mp4", "video/mp4", "3gp"],
  ["mp4", "video/mp4", "3g2"],
  ["mp4", "video/mp4", "f4p"],
  ["mp4", "video/mp4", "m4p"],
  ["m4v", "video/mp4", "m4v"],
  ["f4v", "video/mp4", "f4v"],
  ["3gp", "video/3gpp", "3gp"],
  ["3gpp", "video/3gpp", "3gp"],
  ["3gp", "video/3gpp", "mp4"],
  ["3g2", "video/3gpp2", "3g2"],
  ["mov", "video/quicktime", "mov"],
  ["qt", "video/quicktime", "mov"],
  ["webm", "video/webm", "webm"],
  ["mkv", "video/x-matroska", "mkv"],
  ["avi", "video/x-msvideo", "avi"],
  ["mp3", "audio/mpeg", "mp3"],
  ["m4a", "audio/mp4", "m4a"],
  ["m4a", "audio/mp4", "3gp"],
  ["m4a", "audio/mp4", "f4a"],
  ["m4b", "audio/mp4", "m4b"],
  ["m4b", "audio/mp4", "f4b"],
  ["wav", "audio/wav", "wav"],
  ["wave", "audio/wav", "wav"],
  ["ogg", "audio/ogg", "ogg"],
  ["ogg", "audio/ogg", "opus"],
  ["ogg", "audio/ogg", "oga"],
  ["ogg", "audio/ogg", "spx"],
  ["oga", "audio/ogg", "oga"],
  ["opus", "audio/opus", "opus"],
  ["flac", "audio/flac", "flac"],
  ["aac", "audio/aac", "aac"],
  ["zip", "application/zip", "zip"],
  ["zip", "application/zip", "docx"],
  ["rar", "application/vnd.rar", "rar"],
  ["7z", "application/x-7z-compressed", "7z"],
  ["gz", "application/gzip", "gz"],
  ["tgz", "application/gzip", "gz"],
  ["tar", "application/x-tar", "tar"],
];

const beginningOf = (recognised: string | undefined) =>
  recognised === undefined ? "Hello" : undefined;

test.each(TABLE)("%s is %s where the bytes are %s", (extension, mimeType, recognised) => {
  for (const name of [`a.${extension}`, `Foto.b.${extension.toUpperCase()}`]) {
    expect(fileTypeOf(name, { format: recognised }, beginningOf(recognised))).toEqual({
      ok: true,
      value: { extension, mimeType, isText: mimeType.startsWith("text/") },
    });
  }
});

test("the table is complete: at least 25 types", () => {
  expect(new Set(acceptedMimeTypes())).toEqual(new Set(TABLE.map(([, mimeType]) => mimeType)));
  expect(acceptedMimeTypes().length).toBeGreaterThanOrEqual(25);
});

test("bytes of one family with the extension of another are refused, for every pair", () => {
  const signatures = [...new Set(TABLE.map(([, , recognised]) => recognised))];
  const accepting = (extension: string) =>
    signatures.filter(
      (each) => fileTypeOf(`a.${extension}`, { format: each }, beginningOf(each)).ok,
    ).length;
  const counted = Object.fromEntries(TABLE.map(([extension]) => [extension, accepting(extension)]));
  const alone = Object.fromEntries(TABLE.map(([extension]) => [extension, 1]));
  const zips = { docx: 7, xlsx: 7, pptx: 7, odt: 7, ods: 7, odp: 7, zip: 7 };
  const media = ["mp4", "m4v", "f4v", "3gp", "3gpp", "3g2", "mov", "qt", "m4a", "m4b"];
  const isoMedia = Object.fromEntries(media.map((extension) => [extension, 12]));
  const containers = { webm: 2, mkv: 2, ogg: 4, oga: 4, opus: 4 };
  expect(counted).toEqual({ ...alone, ...zips, ...isoMedia, ...containers, png: 2, apng: 2 });
});

test.each([
  ["run.exe", "exe"],
  ["run.pdf", "exe"],
  ["run.elf", "elf"],
  ["macro.docm", "docm"],
  ["macro.docx", "docm"],
  ["page.html", undefined],
  ["drawing.svg", "xml"],
  ["drawing.svg", undefined],
  ["a.constructor", undefined],
  ["a.tostring", undefined],
  ["a", undefined],
  ["a", "exe"],
  ["a", "constructor"],
])("%s detected as %s is refused", (name, recognised) => {
  expect(fileTypeOf(name, { format: recognised }, "x")).toMatchObject({
    error: { code: "unsupported_type" },
  });
});

test.each([
  ["bundle.zip", "jar", "zip", true],
  ["bundle.zip", "docx", "zip", true],
  ["bundle.zip", "apk", "zip", true],
  ["bundle.zip", "exe", undefined, false],
  ["run.jar", "jar", "zip", false],
  ["app.apk", "apk", "zip", false],
  ["book.docx", "jar", "zip", false],
  ["book", "jar", "zip", false],
  ["secret.docx", "cfb", "encrypted", true],
  ["secret.xlsx", "cfb", "encrypted", true],
  ["secret.pptx", "cfb", "encrypted", true],
  ["secret.doc", "cfb", "encrypted", true],
  ["secret.zip", "cfb", "encrypted", false],
  ["old.docx", "cfb", undefined, false],
  ["paper.pdf", undefined, "pdf", true],
  ["paper.pdf", "exe", "pdf", false],
  ["paper.png", undefined, "pdf", false],
  ["paper", undefined, "pdf", false],
] as const)(
  "%s detected as %s, which is also %s, is accepted: %s",
  (name, format, container, taken) => {
    expect(fileTypeOf(name, { format, container }, undefined).ok).toBe(taken);
  },
);

test("a text may mention PDF", () => {
  expect(fileTypeOf("a.txt", { format: undefined, container: "pdf" }, "%PDF-")).toMatchObject({
    value: { mimeType: "text/plain" },
  });
});

test("a name without an extension gets that of the detected type", () => {
  for (const name of ["photo", "photo.", "photo.of you", "."]) {
    expect(fileTypeOf(name, { format: "png" }, undefined)).toMatchObject({
      value: { extension: "png" },
    });
  }
});

test("in a text, only the signature of another text format counts", () => {
  for (const coincidence of ["bmp", "exe", "gif", "stl"]) {
    expect(fileTypeOf("a.csv", { format: coincidence }, "BMW")).toMatchObject({
      value: { isText: true },
    });
    expect(fileTypeOf("a.csv", { format: coincidence }, undefined).ok).toBe(false);
  }
  for (const format of ["pdf", "rtf", "xml", "ps", "eps"]) {
    expect(fileTypeOf("a.csv", { format }, "text").ok).toBe(false);
  }
});

test.each([
  ["<!doctype HTML>", false],
  ["<!DOCTYPE svg PUBLIC>", false],
  ["<html>", false],
  [" \n\t<Script src=x>", false],
  ["<svg/>", false],
  ["<?xml version='1.0'?>", false],
  ["<!-- a --><!-- b --> <body>", false],
  ["<!-- never closed <body>", true],
  ["<p>hello</p>", true],
  ["<https://example.org>", true],
  ["<svgs>", true],
  ["hello <html>", true],
  ["", true],
])("text that begins with %j is accepted: %s", (beginning, taken) => {
  for (const name of ["a.txt", "a.md", "a.csv"]) {
    expect(fileTypeOf(name, { format: undefined }, beginning).ok).toBe(taken);
  }
});

test("very long comments are scanned quickly", () => {
  const comments = "<!-- -->".repeat(500);
  expect(fileTypeOf("a.md", { format: undefined }, comments).ok).toBe(true);
});

test.each([
  ["report.pdf", "report.pdf"],
  ["  report.pdf ", "report.pdf"],
  ["Übersicht – 概要 📎.pdf", "Übersicht – 概要 📎.pdf"],
  ["تقرير.pdf", "تقرير.pdf"],
  ["דו\u05f4ח \u200f(2).pdf", "דו\u05f4ח \u200f(2).pdf"],
  ["../../etc/passwd.txt", "passwd.txt"],
  ["C:\\Users\\me\\report.pdf", "report.pdf"],
  ['a "quoted"; name=x.pdf', 'a "quoted"; name=x.pdf'],
  [`${"📎".repeat(251)}.pdf`, `${"📎".repeat(251)}.pdf`],
])("%j is displayed as %j", (text, name) => {
  expect(fileNameOf(text)).toEqual({ ok: true, value: name });
});

test.each([
  "",
  "  ",
  "folder/",
  "a\nb.pdf",
  "a\tb.pdf",
  "a\0.pdf",
  "a\u0085.pdf",
  "\ud83d.pdf",
  "a\u2028.pdf",
  "a\u2029.pdf",
  "photo_\u202egpj.exe",
  "\u2066a.pdf",
])("%j is not a valid name", (text) => {
  expect(fileNameOf(text)).toMatchObject({ error: { code: "invalid_file_name" } });
});

test("a name has at most 255 code points", () => {
  expect(fileNameOf(`${"a".repeat(251)}.pdf`).ok).toBe(true);
  expect(fileNameOf(`${"a".repeat(252)}.pdf`).ok).toBe(false);
  expect(fileNameOf(`${"📎".repeat(252)}.pdf`).ok).toBe(false);
});

test("only images, audio, video and PDF are served inline", () => {
  const shown = acceptedMimeTypes().filter(isShownInline);
  const families = new Set(shown.map((type) => type.split("/")[0]));
  expect(families).toEqual(new Set(["image", "audio", "video", "application"]));
  expect(shown.filter((type) => type.startsWith("application/"))).toEqual(["application/pdf"]);
});
