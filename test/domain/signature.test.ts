import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import { beginningOf, signatureOf } from "../../src/attachments/inspect.ts";
import { fileTypeOf } from "../../src/domain/attachment.ts";
import {
  big,
  box,
  bytes,
  compound,
  isoMedia,
  mp3,
  sample,
  zeros,
  zip,
} from "../attachments/samples.ts";

const PART = 5 * 1024 * 1024;

async function typeOf(name: string, content: Uint8Array): Promise<string> {
  const part = content.subarray(0, PART);
  const signature = await signatureOf(part, content.length < PART);
  const type = fileTypeOf(name, signature, beginningOf(part));
  return type.ok ? type.value.mimeType : type.error.code;
}

const REFUSED = "unsupported_type";
const utf16 = (text: string) => new Uint8Array(Buffer.from(text, "utf16le"));
const encrypted = bytes(compound(), utf16("EncryptionInfo"), zeros(98), utf16("EncryptedPackage"));
const media = (brand: string) => isoMedia(brand, box("moov", zeros(8)));
const image = (...brands: string[]) =>
  bytes(box("ftyp", brands[0] ?? "", zeros(4), ...brands), box("meta", zeros(4)));
const tagged = (size: number, behind: Uint8Array) =>
  bytes("ID3", 4, 0, 0, ...[21, 14, 7, 0].map((n) => (size >> n) & 0x7f), zeros(size), behind);
const manifest = zip({ "META-INF/MANIFEST.MF": "Manifest-Version: 1.0\n", "a.txt": "a" });

test.each<[name: string, content: Uint8Array, type: string]>([
  ["secret.docx", encrypted, sample("docx").mimeType],
  ["secret.xlsx", encrypted, sample("xlsx").mimeType],
  ["secret.pptx", encrypted, sample("pptx").mimeType],
  // The directory of a large file may be at its end, where it is not read.
  [
    "large.xlsx",
    bytes(compound(), zeros(PART), utf16("EncryptedPackage")),
    sample("xlsx").mimeType,
  ],
  ["old.docx", compound(), REFUSED],
  ["secret.odt", encrypted, REFUSED],
  ["a.pdf", bytes("\r\n%PDF-1.4\n%", 0xe2, 0xe3), "application/pdf"],
  ["a.pdf", bytes("MIME-Version: 1.0\r\nContent-Type: x\r\n\r\n%PDF-1.4\n"), "application/pdf"],
  ["a.pdf", bytes(0xef, 0xbb, 0xbf, "%PDF-1.7\n"), "application/pdf"],
  ["a.pdf", bytes(" ".repeat(1_019), "%PDF-1.4\n"), "application/pdf"],
  ["a.pdf", bytes(" ".repeat(1_020), "%PDF-1.4\n"), REFUSED],
  ["a.pdf", bytes("MZ", zeros(100), "%PDF-1.4\n"), REFUSED],
  ["a.txt", bytes("A file begins with %PDF-1.4\n"), "text/plain"],
  ["a.mp4", media("3gp4"), "video/mp4"],
  ["a.m4a", media("3gp4"), "audio/mp4"],
  ["a.mp4", media("3g2a"), "video/mp4"],
  ["a.3gp", media("3gp6"), "video/3gpp"],
  ["a.3gp", media("isom"), "video/3gpp"],
  ["a.3g2", media("3g2b"), "video/3gpp2"],
  ["a.m4v", media("M4VH"), "video/mp4"],
  ["a.m4b", media("M4B "), "audio/mp4"],
  ["a.mp4", media("M4P "), "video/mp4"],
  ["a.qt", media("qt  "), "video/quicktime"],
  ["a.mp4", media("crx "), REFUSED],
  ["a.mp4", image("heic"), REFUSED],
  ["a.avif", image("mif1", "mif1", "avif"), "image/avif"],
  ["a.avif", image("msf1", "avis"), "image/avif"],
  ["a.avif", image("avis"), "image/avif"],
  ["a.avif", image("mif1", "heic"), REFUSED],
  ["a.heic", image("mif1", "heic"), "image/heic"],
  ["a.heic", image("mif1", "avif"), REFUSED],
  ["a.heic", image("hevm"), "image/heic"],
  ["a.heif", image("mif1"), "image/heif"],
  ["a.hif", image("heix"), "image/heif"],
  ["a.jfif", sample("jpg").content, "image/jpeg"],
  ["a.mp3", tagged(100, zeros(5_000)), "audio/mpeg"],
  ["a.mp3", tagged(100, bytes(zeros(5_000), mp3())), "audio/mpeg"],
  ["a.mp3", tagged(300_000, mp3()), "audio/mpeg"],
  ["a.mp3", tagged(100, sample("png").content), REFUSED],
  ["a.aac", tagged(300_000, sample("aac").content), "audio/aac"],
  ["a.flac", tagged(300_000, sample("flac").content), "audio/flac"],
  ["a.zip", manifest, "application/zip"],
  ["a.zip", zip({ "classes.dex": "x" }), "application/zip"],
  ["a.zip", sample("docx").content, "application/zip"],
  ["a.jar", manifest, REFUSED],
  ["a.apk", manifest, REFUSED],
  ["a.docx", manifest, REFUSED],
  ["a.zip", bytes("PK", 5, 6, zeros(18)), "application/zip"],
  ["a.zip", bytes(big(0x504b, 2), zeros(40)), REFUSED],
])("%s is detected from its bytes (%#)", async (name, content, type) => {
  expect(await typeOf(name, content)).toBe(type);
});
