import { env } from "cloudflare:workers";
import { createHash, type Hash } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import { CHUNK_BYTES, PART_BYTES } from "../../src/attachments/stream.ts";
import { Upload } from "../../src/attachments/upload.ts";
import { MAX_FILE_BYTES } from "../../src/domain/file-size.ts";
import { type Answer, type Caller, person } from "../support.ts";
import { bytes, png } from "./samples.ts";
import { BOUNDARY, getFile, keyOf, postForm, putFile, stored, streamOf } from "./support.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await env.FILES.delete((await stored()).objects);
});

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZE = MAX_FILE_BYTES;
/** The size of files that are uploaded concurrently: several parts, and less than memory holds. */
const THREE_PARTS = 2 * PART_BYTES + MIB;
const FORM_HEAD = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n`;
const FORM_TAIL = `\r\n--${BOUNDARY}--\r\n`;

/** Fills a chunk from an offset on with bytes that depend only on their position. */
function fillFrom(chunk: Uint8Array, offset: number): void {
  for (let i = 0; i < chunk.length; i++) {
    const place = offset + i;
    chunk[i] = Math.imul(place ^ (place >>> 11), 0x9e3779b1) >>> 24;
  }
}

/** A file as it is made, hashed on the way. */
function largeFile(hash: Hash, size = SIZE, before = "", after = ""): ReadableStream<Uint8Array> {
  hash.update(png());
  const fill = (chunk: Uint8Array, offset: number) => {
    fillFrom(chunk, offset);
    hash.update(chunk);
  };
  return streamOf(bytes(before, png()), size - png().length, fill, bytes(after));
}

function byPut(caller: Caller, hash: Hash): Promise<Answer> {
  return putFile(caller, "a.png", largeFile(hash));
}

function byForm(caller: Caller, hash: Hash, size = SIZE): Promise<Answer> {
  const body = largeFile(hash, size, FORM_HEAD, FORM_TAIL);
  return postForm(caller, "/api/v1/chat/messages/upload", body);
}

/** A file of three parts that takes no time to make. */
function blank(caller: Caller, before = "", after = ""): Promise<Answer> {
  const size = THREE_PARTS - png().length;
  const body = streamOf(bytes(before, png()), size, undefined, bytes(after));
  if (before === "") return putFile(caller, "a.png", body);
  return postForm(caller, "/api/v1/chat/messages/upload", body);
}

/** The hash of the file behind a link. */
async function downloaded(url: string, range?: string): Promise<{ size: number; digest: string }> {
  const response = await getFile(url, range ? { headers: { Range: range } } : {});
  expect(response.status).toBe(range ? 206 : 200);
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of response.body ?? []) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { size, digest: hash.digest("hex") };
}

/** Tracks the bytes that uploads buffer: in their part, and between reading and storing. */
function watchBuffers() {
  const most = { held: 0, chunk: 0, inParser: 0, together: 0 };
  const uploads = new Set<Upload>();
  let read = 0;
  let written = 0;
  const { write } = Upload.prototype;
  vi.spyOn(Upload.prototype, "write").mockImplementation(async function (this: Upload, chunk) {
    uploads.add(this);
    most.chunk = Math.max(most.chunk, chunk.length);
    most.inParser = Math.max(most.inParser, read - written);
    await write.call(this, chunk);
    written += chunk.length;
    most.held = Math.max(most.held, this.held);
    const held = [...uploads].reduce((sum, upload) => sum + upload.held, 0);
    most.together = Math.max(most.together, held + read - written);
  });
  const { prototype } = ReadableStreamBYOBReader;
  const readChunk: (view: Uint8Array) => Promise<ReadableStreamReadResult<Uint8Array>> =
    prototype.read;
  vi.spyOn(prototype, "read").mockImplementation(async function (
    this: ReadableStreamBYOBReader,
    view: Uint8Array,
  ) {
    const result = await readChunk.call(this, view);
    read += result.value?.length ?? 0;
    return result;
  } as typeof prototype.read);
  return most;
}

test.each([
  ["as a body", byPut],
  ["by form", byForm],
])("50 MiB sent %s are returned unchanged, whole and in ranges", async (_, send) => {
  const alice = await person();
  const buffers = watchBuffers();
  const hash = createHash("sha256");
  const answer = await send(alice, hash);
  expect(answer).toMatchObject({ status: 200, body: { fileSize: SIZE } });
  expect(buffers.held).toBe(PART_BYTES);
  expect(buffers.chunk).toBeLessThanOrEqual(CHUNK_BYTES);
  expect(buffers.inParser).toBeLessThanOrEqual(2 * CHUNK_BYTES);
  expect(buffers.together).toBeLessThan(12 * MIB);

  const { fileUrl } = answer.body;
  expect(await downloaded(fileUrl)).toEqual({ size: SIZE, digest: hash.digest("hex") });
  const last = SIZE - 1;
  for (const [from, to] of [
    [PART_BYTES - 1, PART_BYTES],
    [3 * PART_BYTES - 1_000, 5 * PART_BYTES + 1_000],
    [last - 70 * KIB, last],
  ] as const) {
    const expected = new Uint8Array(to - from + 1);
    fillFrom(expected, from - png().length);
    expect(await downloaded(fileUrl, `bytes=${from}-${to}`)).toEqual({
      size: expected.length,
      digest: createHash("sha256").update(expected).digest("hex"),
    });
  }
});

test("eight files of three parts at once hold one part each, and little beside", async () => {
  const alice = await person();
  const buffers = watchBuffers();
  const hash = createHash("sha256");
  const answers = await Promise.all([
    byForm(alice, hash, THREE_PARTS),
    ...Array.from({ length: 3 }, () => blank(alice, FORM_HEAD, FORM_TAIL)),
    ...Array.from({ length: 4 }, () => blank(alice)),
  ]);
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200));
  console.log(`eight at once: ${JSON.stringify(buffers)}`);
  expect(buffers.held).toBe(PART_BYTES);
  expect(buffers.chunk).toBeLessThanOrEqual(CHUNK_BYTES);
  expect(buffers.inParser).toBeLessThanOrEqual(8 * 2 * CHUNK_BYTES);
  expect(buffers.together).toBeLessThanOrEqual(8 * (PART_BYTES + 2 * CHUNK_BYTES));
  const { fileUrl } = answers[0].body;
  expect(await downloaded(fileUrl)).toEqual({ size: THREE_PARTS, digest: hash.digest("hex") });
  const keys = answers.map((answer) => keyOf(answer.body.fileUrl));
  expect((await stored()).objects).toEqual(keys.sort());
}, 120_000);
