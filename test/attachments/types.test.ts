import { expect, test } from "vitest";
import { acceptedMimeTypes } from "../../src/domain/attachment.ts";
import { person } from "../support.ts";
import { bytes, PIXELS, png, SAMPLES, sample, zeros, zip } from "./samples.ts";
import { keyOf, putFile, rowOf, stored, upload } from "./support.ts";

test("there is a sample of every accepted type, and there are more than 25 types", () => {
  const sampled = new Set(SAMPLES.map(({ mimeType }) => mimeType));
  expect(sampled).toEqual(new Set(acceptedMimeTypes()));
  expect(sampled.size).toBeGreaterThanOrEqual(25);
});

test.each(SAMPLES)("accepts a $extension file as $mimeType", async (file) => {
  const alice = await person();
  const { extension, mimeType, content } = file;
  const answer = await upload(alice, `Sample.${extension.toUpperCase()}`, content);
  expect(answer).toMatchObject({
    status: 200,
    body: {
      fileName: `Sample.${extension.toUpperCase()}`,
      fileSize: content.length,
      contentType: mimeType,
    },
  });
  const key = keyOf(answer.body.fileUrl);
  expect(key).toMatch(new RegExp(`^[0-9a-f-]{36}\\.${extension}$`));
  const pixels = mimeType.startsWith("image/") ? PIXELS : { width: null, height: null };
  expect(await rowOf(key)).toMatchObject({ size: content.length, ...pixels });
});

const EXE = bytes("MZ", 0x90, 0, 3, 0, 0, 0, zeros(64));
const SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
const HTML = "<!DOCTYPE html><script>alert(1)</script>";

test.each([
  ["HTML", "page.html", HTML],
  ["HTML named as text", "page.txt", HTML],
  ["HTML after comments", "page.md", `\n<!-- a --> <!-- <b> -->\n<HTML lang=en>`],
  ["HTML named as a picture", "page.png", HTML],
  ["SVG", "drawing.svg", SVG],
  ["SVG named as text", "drawing.txt", SVG],
  ["SVG with a declaration", "drawing.txt", `<?xml version="1.0"?>${SVG}`],
  ["a script", "run.js", "alert(1)"],
  ["a shell script", "run.sh", "#!/bin/sh\necho"],
  ["a Windows executable", "run.exe", EXE],
  ["one named as a document", "run.pdf", EXE],
  ["one named as text", "run.txt", EXE],
  ["an ELF executable", "run.bin", bytes(0x7f, "ELF", 2, 1, 1, zeros(64))],
  ["a Java archive", "run.jar", zip({ "META-INF/MANIFEST.MF": "Manifest-Version: 1.0\n" })],
  ["a picture with another type's extension", "photo.jpg", png()],
  ["a picture named as text", "photo.txt", png()],
  ["text named as a picture", "photo.png", "not a picture"],
  ["PDF named as text", "paper.txt", "%PDF-1.7\n%%EOF\n"],
  ["RTF named as text", "letter.txt", "{\\rtf1 Hello.}"],
  ["an archive named as a picture", "photo.png", zip({ "a.txt": "a" })],
  ["text without an extension", "README", "hello"],
  ["text with a NUL", "notes.txt", "a\0b"],
  ["text that is not UTF-8", "notes.txt", bytes("caf", 0xe9)],
  ["text that ends within a character", "notes.txt", bytes("caf", 0xc3)],
  ["UTF-16", "notes.txt", bytes(0xff, 0xfe, "h", 0, "i", 0)],
  ["an unknown extension", "data.xyz", "hello"],
])("refuses %s", async (_, name, content) => {
  const alice = await person();
  const before = await stored();
  const byForm = await upload(alice, name, content);
  expect([byForm.status, byForm.body.code]).toEqual([400, "unsupported_type"]);
  const byPut = await putFile(alice, name, bytes(content));
  expect([byPut.status, byPut.body.code]).toEqual([400, "unsupported_type"]);
  expect(await stored()).toEqual(before);
});

test.each([
  ["BMW sells cars", "cars.csv"],
  ["MZ and other letters", "letters.txt"],
  ["GIFT list", "gifts.md"],
  ["FORMAT: free", "format.txt"],
  ["solid evidence", "case.txt"],
  ["\uFEFFwith a mark", "marked.csv"],
  ["<p>A paragraph</p>", "readme.md"],
])("accepts text that begins like another format: %s", async (content, name) => {
  const alice = await person();
  const answer = await upload(alice, name, content);
  expect([answer.status, answer.body.contentType.split("/")[0]]).toEqual([200, "text"]);
});

test("the client's content type is ignored, and a name without an extension is accepted", async () => {
  const alice = await person();
  const said = await putFile(alice, "photo.png", png(), { "Content-Type": "text/html" });
  expect(said.body.contentType).toBe("image/png");
  const nameless = await upload(alice, "photo", png());
  expect(nameless.body).toMatchObject({ fileName: "photo", contentType: "image/png" });
  expect(keyOf(nameless.body.fileUrl)).toMatch(/\.png$/);
});

test("within a family of formats the extension decides", async () => {
  const alice = await person();
  const answer = await upload(alice, "book.xlsx", sample("zip").content);
  expect(answer.body.contentType).toMatch(/spreadsheetml\.sheet$/);
});

test("text is checked to its end, beyond the first part", async () => {
  const alice = await person();
  const before = await stored();
  const letters = new Uint8Array(6 * 1024 * 1024).fill(97);
  // A character that is split between two parts.
  letters.set([0xc3, 0xa9], 5 * 1024 * 1024 - 1);
  expect((await putFile(alice, "long.txt", letters)).status).toBe(200);
  const after = await stored();
  for (const wrong of [0, 0xff]) {
    letters[letters.length - 10] = wrong;
    const answer = await putFile(alice, "long.txt", letters);
    expect([answer.status, answer.body.code]).toEqual([400, "unsupported_type"]);
  }
  expect(after.objects.length).toBe(before.objects.length + 1);
  expect(await stored()).toEqual(after);
});

test("a rotated image has the size at which it is displayed", async () => {
  const alice = await person();
  const { width, height } = PIXELS;
  const exif = bytes(
    "Exif",
    0,
    0,
    "MM",
    0,
    42,
    0,
    0,
    0,
    8,
    0,
    1,
    1,
    0x12,
    0,
    3,
    0,
    0,
    0,
    1,
    0,
    6,
    0,
    0,
  );
  const jpeg = sample("jpg").content;
  const turned = bytes(jpeg.subarray(0, 2), 0xff, 0xe1, 0, exif.length + 2, exif, jpeg.subarray(2));
  const answer = await upload(alice, "photo.jpg", turned);
  expect(await rowOf(keyOf(answer.body.fileUrl))).toMatchObject({ width: height, height: width });
});

test("an image whose header has no size is accepted without one", async () => {
  const alice = await person();
  const answer = await upload(alice, "photo.jpg", bytes(0xff, 0xd8, 0xff, 0xe0, zeros(8)));
  expect(answer.status).toBe(200);
  expect(await rowOf(keyOf(answer.body.fileUrl))).toMatchObject({ width: null, height: null });
});
