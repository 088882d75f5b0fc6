import { FileTypeParser } from "file-type";
import { expect, test, vi } from "vitest";
import { imageHeader, pixelsOf } from "../../src/attachments/image/pixels.ts";
import { signatureOf } from "../../src/attachments/inspect.ts";
import {
  big,
  box,
  bytes,
  isoMedia,
  little,
  png,
  riff,
  sample,
  zeros,
} from "../attachments/samples.ts";

const PART = 5 * 1024 * 1024;
/** The maximum of bytes of a file that are read one by one. */
const MAX_READS = 20_000;
/** The maximum of bytes that a parser gets. */
const MAX_HEAD = 16 * 1024;

/** As many copies of a piece as fit into the first part of a file, after its beginning. */
function repeated(head: Uint8Array, piece: Uint8Array, size = PART): Uint8Array {
  const whole = new Uint8Array(size);
  whole.set(head);
  for (let at = head.length; at + piece.length <= size; at += piece.length) whole.set(piece, at);
  return whole;
}

/** Counts the bytes that are read one by one. */
function counting(content: Uint8Array): { part: Uint8Array; reads: () => number } {
  let reads = 0;
  const part = new Proxy(content, {
    get(target, property) {
      if (typeof property === "string" && /^\d+$/.test(property)) reads++;
      const value = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { part, reads: () => reads };
}

const JPEG_START = bytes(0xff, 0xd8);
const empty = bytes(0xff, 0xe0, big(2, 2));
const ispe = box("ispe", zeros(4), big(1, 4), big(1, 4));
const meta = (...content: Uint8Array[]) =>
  isoMedia("heic", box("meta", zeros(4), box("iprp", box("ipco", ...content))));
const tiffOf = (pointer: number, rest: Uint8Array) => bytes("II", 42, 0, little(pointer, 4), rest);
const chunk = (type: string) => bytes(big(0, 4), type, zeros(4));
const exifLoop = bytes("Exif", 0, 0, tiffOf(8, bytes(0xff, 0xff, zeros(65_000))));

/** Files of one part each whose headers are made to be expensive to read. */
const HOSTILE: [what: string, mimeType: string, content: Uint8Array][] = [
  ["a JPEG of empty segments", "image/jpeg", repeated(JPEG_START, empty)],
  ["a JPEG of fill bytes", "image/jpeg", repeated(JPEG_START, Uint8Array.of(0xff))],
  ["a JPEG of zeros", "image/jpeg", repeated(JPEG_START, Uint8Array.of(0))],
  ["a JPEG of invalid markers", "image/jpeg", repeated(JPEG_START, bytes(0xff, 0))],
  [
    "a JPEG of Exif blocks of 65,535 entries",
    "image/jpeg",
    repeated(JPEG_START, bytes(0xff, 0xe1, big(exifLoop.length + 2, 2), exifLoop)),
  ],
  ["a PNG of empty chunks", "image/png", repeated(png().subarray(0, 33), chunk("teXt"))],
  ["a PNG of empty eXIf chunks", "image/png", repeated(png().subarray(0, 33), chunk("eXIf"))],
  [
    "a WebP of empty chunks",
    "image/webp",
    repeated(sample("webp").content, bytes("XXXX", zeros(4))),
  ],
  ["a GIF of empty extensions", "image/gif", repeated(sample("gif").content, bytes("!", 0xfe, 0))],
  ["a BMP of anything", "image/bmp", repeated(sample("bmp").content, bytes(1))],
  ["a TIFF of 65,535 entries", "image/tiff", tiffOf(8, bytes(0xff, 0xff, zeros(PART)))],
  [
    "a TIFF of entries for the same tag",
    "image/tiff",
    repeated(
      tiffOf(8, bytes(0xff, 0xff)),
      bytes(little(300, 2), little(4, 2), little(1, 4), 0, 0, 0, 0),
    ),
  ],
  ["a TIFF whose directory is its own pointer", "image/tiff", tiffOf(0, zeros(PART))],
  ["a TIFF whose directory is elsewhere", "image/tiff", tiffOf(0xfffffff0, zeros(PART))],
  [
    "a BigTIFF of 2^63 entries",
    "image/tiff",
    bytes("II", 43, 0, 8, 0, 0, 0, little(16, 8), little(2 ** 52, 8), zeros(PART)),
  ],
  ["a HEIF of empty boxes", "image/heic", repeated(isoMedia("heic"), box("free"))],
  [
    "a HEIF of image sizes",
    "image/heic",
    meta(repeated(new Uint8Array(), ispe, ispe.length * 100_000)),
  ],
  ["a HEIF of boxes without a size", "image/heic", repeated(isoMedia("heic"), zeros(8))],
  ["an AVIF of meta within meta", "image/avif", nested(2_000)],
];

/** Nested boxes. */
function nested(depth: number): Uint8Array {
  let inner = new Uint8Array();
  for (let i = 0; i < depth; i++)
    inner = new Uint8Array(box(i % 2 ? "meta" : "iprp", zeros(4), inner));
  return isoMedia("avif", inner);
}

test.each(HOSTILE)(
  "only a little of %s is read, and only a little of it is parsed",
  (_, mimeType, content) => {
    const { part, reads } = counting(content);
    pixelsOf(mimeType, part);
    expect(reads()).toBeLessThan(MAX_READS);
    if (!/heic|avif/.test(mimeType)) {
      let length = 0;
      try {
        length = imageHeader(mimeType, content)?.head.length ?? 0;
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
      expect(length).toBeLessThanOrEqual(MAX_HEAD);
    }
  },
);

const id3 = (size: number) =>
  bytes("ID3", 4, 0, 0, ...[21, 14, 7, 0].map((shift) => (size >> shift) & 0x7f));

test.each<[what: string, content: Uint8Array]>([
  ...HOSTILE.map(([what, , content]): [string, Uint8Array] => [what, content]),
  ["many ID3 tags", repeated(new Uint8Array(), id3(0))],
  ["an ID3 tag over all of it", repeated(id3(PART - 10), bytes(0xff))],
  ["many byte order marks", repeated(new Uint8Array(), bytes(0xef, 0xbb, 0xbf))],
  [
    "an archive of empty entries",
    repeated(new Uint8Array(), bytes("PK", 3, 4, zeros(22), 1, 0, 0, 0, "a")),
  ],
  ["Matroska elements", repeated(bytes(0x1a, 0x45, 0xdf, 0xa3), bytes(0x42, 0x86, 0x80))],
  ["RIFF", repeated(riff("WAVE"), bytes("LIST", zeros(4)))],
  ["a compound file", repeated(sample("doc").content, bytes("EncryptedPackag"))],
])("file-type gets at most 64 KiB of %s", async (_, content) => {
  const given = vi.spyOn(FileTypeParser.prototype, "fromBuffer");
  await signatureOf(content, false);
  for (const [head] of given.mock.calls) expect(head.byteLength).toBeLessThanOrEqual(64 * 1024);
  vi.restoreAllMocks();
});

test("nothing is decompressed", async () => {
  const given = vi.spyOn(FileTypeParser.prototype, "fromBuffer");
  expect((await signatureOf(sample("tgz").content, true)).format).toBe("gz");
  expect(given).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

const WIDE = { width: 640, height: 480 };
const TALL = { width: 480, height: 640 };

function exifOf(orientation: number, order: "II" | "MM"): Uint8Array {
  const number = order === "II" ? little : big;
  const entry = bytes(number(0x0112, 2), number(3, 2), number(1, 4), number(orientation, 2), 0, 0);
  return bytes(order, number(42, 2), number(8, 4), number(1, 2), entry, number(0, 4));
}

function jpegOf(...segments: Uint8Array[]): Uint8Array {
  const frame = bytes(0xff, 0xc0, big(17, 2), 8, big(480, 2), big(640, 2), 3, zeros(9));
  return bytes(JPEG_START, ...segments, frame, 0xff, 0xda, zeros(100));
}

const segment = (marker: number, content: Uint8Array) =>
  bytes(0xff, marker, big(content.length + 2, 2), content);
const app1 = (exif: Uint8Array) => segment(0xe1, bytes("Exif", 0, 0, exif));

function pngOf(exif: Uint8Array): Uint8Array {
  const header = bytes(big(13, 4), "IHDR", big(640, 4), big(480, 4), 8, 2, 0, 0, 0, zeros(4));
  const data = bytes(big(4, 4), "IDAT", zeros(8));
  return bytes(png().subarray(0, 8), header, data, big(exif.length, 4), "eXIf", exif, zeros(4));
}

function webpOf(exif: Uint8Array): Uint8Array {
  const size = bytes(0, 0, 0, 0, little(639, 3), little(479, 3));
  const image = bytes("VP8 ", little(5, 4), zeros(6));
  return riff(
    "WEBP",
    bytes("VP8X", little(10, 4), size),
    image,
    bytes("EXIF", little(exif.length, 4), exif),
  );
}

function tiffWith(orientation: number): Uint8Array {
  const entry = (tag: number, type: number, value: number) =>
    bytes(little(tag, 2), little(type, 2), little(1, 4), little(value, 4));
  const entries = [entry(256, 4, 640), entry(257, 3, 480), entry(274, 3, orientation)];
  // As libtiff writes it: the directory after the image.
  return tiffOf(100_008, bytes(zeros(100_000), little(3, 2), ...entries, zeros(4)));
}

const heifWith = (...properties: Uint8Array[]) =>
  meta(
    box("ispe", zeros(4), big(320, 4), big(240, 4)),
    box("ispe", zeros(4), big(640, 4), big(480, 4)),
    ...properties,
  );

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "the size is that of the displayed image, rotated as in orientation %i",
  (orientation) => {
    const shown = orientation < 5 ? WIDE : TALL;
    for (const order of ["II", "MM"] as const) {
      const exif = exifOf(orientation, order);
      expect(pixelsOf("image/jpeg", jpegOf(app1(exif)))).toEqual(shown);
      expect(pixelsOf("image/png", pngOf(exif))).toEqual(shown);
      expect(pixelsOf("image/webp", webpOf(exif))).toEqual(shown);
      expect(pixelsOf("image/webp", webpOf(bytes("Exif", 0, 0, exif)))).toEqual(shown);
    }
    expect(pixelsOf("image/tiff", tiffWith(orientation))).toEqual(shown);
  },
);

test.each([
  ["image/heic", 0, WIDE],
  ["image/heif", 1, TALL],
  ["image/avif", 2, WIDE],
  ["image/heic", 3, TALL],
])("%s rotated by %i quarter turns", (mimeType, turns, shown) => {
  expect(pixelsOf(mimeType, heifWith(box("irot", bytes(turns))))).toEqual(shown);
});

test.each([0, 9, 0xffff])("an orientation of %i is ignored", (orientation) => {
  expect(pixelsOf("image/jpeg", jpegOf(app1(exifOf(orientation, "II"))))).toEqual(WIDE);
});

test("a camera's JPEG has its own size, not that of its preview, profile or depth map", () => {
  const preview = bytes(exifOf(6, "MM"), zeros(65_000));
  const profile = segment(0xe2, zeros(65_000));
  const depths = Array.from({ length: 50 }, () => segment(0xe1, zeros(65_000)));
  expect(pixelsOf("image/jpeg", jpegOf(app1(preview), profile, ...depths))).toEqual(TALL);
  expect(pixelsOf("image/jpeg", jpegOf(segment(0xfe, zeros(9)), bytes(0xff, 0xff)))).toEqual(WIDE);
});

test("data after the image is ignored", () => {
  const image = bytes(JPEG_START, 0xff, 0xda, zeros(20), jpegOf());
  expect(pixelsOf("image/jpeg", image)).toEqual({});
});
