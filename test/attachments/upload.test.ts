import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { PART_BYTES } from "../../src/attachments/stream.ts";
import { Upload } from "../../src/attachments/upload.ts";
import { MAX_FILE_BYTES } from "../../src/domain/file-size.ts";
import { ORIGIN, person } from "../support.ts";
import { bytes, png, sample, zeros } from "./samples.ts";
import {
  BOUNDARY,
  FORM_HEADERS,
  formOf,
  getFile,
  keyOf,
  postForm,
  putFile,
  rowOf,
  stored,
  streamOf,
  upload,
  watchParts,
} from "./support.ts";

const UPLOAD = "/api/v1/chat/messages/upload";

afterEach(() => vi.restoreAllMocks());

test("a form with a file is answered with the stored file", async () => {
  const alice = await person();
  const { content } = sample("pdf");
  const answer = await upload(alice, "document.pdf", content);
  expect(answer.status).toBe(200);
  const { fileUrl, ...rest } = answer.body;
  expect(rest).toEqual({
    fileName: "document.pdf",
    fileSize: content.length,
    contentType: "application/pdf",
  });
  expect(fileUrl).toMatch(new RegExp(`^${ORIGIN}/uploads/chat/[0-9a-f-]{36}\\.pdf\\?`));
  expect(await rowOf(keyOf(fileUrl))).toMatchObject({
    owner_id: alice.userId,
    size: content.length,
    claim: null,
    sent_to: null,
  });
  const file = await getFile(fileUrl);
  expect(new Uint8Array(await file.arrayBuffer())).toEqual(content);
});

test("a body that is the file itself is stored in the same way", async () => {
  const alice = await person();
  const answer = await putFile(alice, "Übersicht 概要.png", png());
  expect(answer).toMatchObject({
    status: 200,
    body: { fileName: "Übersicht 概要.png", fileSize: png().length, contentType: "image/png" },
  });
  expect(keyOf(answer.body.fileUrl)).toMatch(/^[0-9a-f-]{36}\.png$/);
});

test.each(["Übersicht – 概要 📎.txt", "تقرير نهائي.txt", "a&b=c; d.txt", "100%.txt"])(
  "a form keeps the name %s",
  async (name) => {
    const alice = await person();
    expect((await upload(alice, name, "hello")).body.fileName).toBe(name);
  },
);

test("a name in the form's extended notation takes precedence, and paths are removed", async () => {
  const alice = await person();
  const form = bytes(
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="x.txt"; `,
    `filename*=UTF-8''%C3%9Cber%20uns.txt\r\n\r\nhello\r\n--${BOUNDARY}--\r\n`,
  );
  expect((await postForm(alice, UPLOAD, form)).body.fileName).toBe("Über uns.txt");
  expect((await upload(alice, "C:/fakepath/../notes.txt", "hello")).body.fileName).toBe(
    "notes.txt",
  );
});

test.each([
  ["a%22b.txt", 'a"b.txt'],
  ["50%off.txt", "50%off.txt"],
  ["a%20b%2Fc%25.txt", "a%20b%2Fc%25.txt"],
  ["%2522.txt", "%2522.txt"],
  ["a%22%22.txt", 'a"".txt'],
])("a form's name %s, as browsers escape it, becomes %s", async (escaped, name) => {
  const alice = await person();
  expect((await upload(alice, escaped, "hello")).body.fileName).toBe(name);
});

test.each(["a%0Ab.txt", "a%0D%0Ab.txt", "a%0Db.txt", "photo_\u202egpj.txt", "a\u2028b.txt"])(
  "a form's name %s is refused as misleading",
  async (name) => {
    const alice = await person();
    const refused = [await upload(alice, name, "hello")];
    if (!name.includes("%")) refused.push(await putFile(alice, name, "hello"));
    for (const { status, body } of refused) {
      expect([status, body.code]).toEqual([400, "invalid_file_name"]);
    }
  },
);

test("a name outside a form is not unescaped", async () => {
  const alice = await person();
  expect((await putFile(alice, "a%22b.txt", "hello")).body.fileName).toBe("a%22b.txt");
});

test("a name of 255 characters is accepted, a longer one is refused", async () => {
  const alice = await person();
  const long = `${"ж".repeat(251)}.txt`;
  expect((await upload(alice, long, "hello")).body.fileName).toBe(long);
  expect((await putFile(alice, long, "hello")).body.fileName).toBe(long);
  for (const refused of [
    await upload(alice, `x${long}`, "hello"),
    await putFile(alice, `x${long}`, "hello"),
    await putFile(alice, "a\nb.txt", "hello"),
    await putFile(alice, "", "hello"),
  ]) {
    expect([refused.status, refused.body.code]).toEqual([400, "invalid_file_name"]);
  }
});

const file = { name: "file", filename: "notes.txt", content: "hello" };
const whole = formOf(file);
const headless = whole.subarray(0, 60);

test.each<[what: string, body: BodyInit, code: string, headers?: Record<string, string>]>([
  ["no file", formOf({ name: "content", content: "x" }), "no_file"],
  ["the file in another field", formOf({ ...file, name: "document" }), "no_file"],
  ["a field named file without a file", formOf({ name: "file", content: "x" }), "no_file"],
  ["a file field left empty", formOf({ name: "file", filename: "", content: "" }), "no_file"],
  ["no part", `--${BOUNDARY}--\r\n`, "no_file"],
  ["two files", formOf(file, file), "several_files"],
  ["two files in different fields", formOf(file, { ...file, name: "other" }), "no_file"],
  ["three files", formOf(file, file, file), "several_files"],
  ["an empty file", formOf({ ...file, content: "" }), "empty_file"],
  ["nothing", "", "invalid_form"],
  ["an end in the middle of the file", whole.subarray(0, whole.length - 50), "invalid_form"],
  ["an end in the last boundary", whole.subarray(0, whole.length - 4), "invalid_form"],
  ["an end in the part's header", headless, "invalid_form"],
  [
    "a boundary that differs from the header's",
    bytes("--other\r\n\r\nx\r\n--other--"),
    "invalid_form",
  ],
  ["no boundary", whole, "invalid_form", { "Content-Type": "multipart/form-data" }],
  ["another content type", whole, "invalid_form", { "Content-Type": "application/json" }],
  ["an urlencoded form", "file=x", "invalid_form", { "Content-Type": "application/x-www-form" }],
  [
    "more fields than a form needs",
    formOf(...Array.from({ length: 11 }, (_, i) => ({ name: `f${i}`, content: "x" })), file),
    "invalid_form",
  ],
  [
    "a field that is too long",
    formOf({ name: "content", content: "x".repeat(200_000) }, file),
    "invalid_form",
  ],
])("a form with %s is refused and stores nothing", async (_, body, code, headers = {}) => {
  const alice = await person();
  const before = await stored();
  const answer = await postForm(alice, UPLOAD, body, headers);
  expect([answer.status, answer.body.code]).toEqual([400, code]);
  expect(await stored()).toEqual(before);
});

test("an empty body and a body without a name are refused", async () => {
  const alice = await person();
  const before = await stored();
  const empty = await putFile(alice, "notes.txt", null);
  expect([empty.status, empty.body.code]).toEqual([400, "empty_file"]);
  const unnamed = await alice.put("/api/v1/chat/uploads");
  expect([unnamed.status, unnamed.body.code]).toEqual([400, "invalid_request"]);
  expect(await stored()).toEqual(before);
});

test("an upload without a token is refused", async () => {
  const stranger = await person();
  const before = await stored();
  for (const token of ["", "x"]) {
    const caller = Object.assign(Object.create(stranger), { token });
    expect((await upload(caller, "notes.txt", "hello")).status).toBe(401);
    expect((await putFile(caller, "notes.txt", "hello")).status).toBe(401);
  }
  expect(await stored()).toEqual(before);
});

/** A body that ends with an error after `content`, before its declared length. */
function brokenOff(content: Uint8Array): ReadableStream<Uint8Array> {
  const { readable, writable } = new FixedLengthStream(content.length + 100);
  const writer = writable.getWriter();
  const gone = new Error("the client went away");
  writer.write(content).then(
    () => writer.abort(gone),
    () => undefined,
  );
  return readable;
}

test.each([1_000, 6 * 1024 * 1024])(
  "a body that fails after %i bytes stores nothing",
  async (size) => {
    const alice = await person();
    const before = await stored();
    const parts = watchParts();
    const content = bytes(png(), zeros(size));
    const form = formOf({ name: "file", filename: "photo.png", content });
    const byForm = await postForm(alice, UPLOAD, brokenOff(form.subarray(0, -100)));
    expect([byForm.status, byForm.body.code]).toEqual([400, "invalid_form"]);
    const byPut = await putFile(alice, "photo.png", brokenOff(content));
    expect([byPut.status, byPut.body.code]).toEqual([400, "incomplete_body"]);
    expect(parts.begun()).toBe(size > PART_BYTES ? 2 : 0);
    expect(await parts.open()).toBe(0);
    expect(await stored()).toEqual(before);
  },
);

const formHead = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n`;
const formTail = bytes(`\r\n--${BOUNDARY}--\r\n`);

test("a file whose declared size is too large is refused before anything is stored", async () => {
  const alice = await person();
  const before = await stored();
  const parts = watchParts();
  const write = vi.spyOn(Upload.prototype, "write");
  const size = MAX_FILE_BYTES + 1024 * 1024;
  const body = () => streamOf(bytes(formHead, png()), size).pipeThrough(fixed(formHead, size));
  const byForm = await postForm(alice, UPLOAD, body());
  expect([byForm.status, byForm.body.code]).toEqual([400, "file_too_large"]);
  const byPut = await putFile(alice, "a.png", body());
  expect([byPut.status, byPut.body.code]).toEqual([400, "file_too_large"]);
  expect(write).not.toHaveBeenCalled();
  expect(parts.begun()).toBe(0);
  expect(await stored()).toEqual(before);
});

/** Gives a body a known length, so that it is sent with `Content-Length`. */
function fixed(head: string, size: number): FixedLengthStream {
  return new FixedLengthStream(head.length + png().length + size);
}

test("a file that exceeds the limit is refused as soon as it does, and stores nothing", async () => {
  const alice = await person();
  const before = await stored();
  const parts = watchParts();
  const finish = vi.spyOn(Upload.prototype, "finish");
  const size = MAX_FILE_BYTES - png().length + 1;
  const byForm = await postForm(
    alice,
    UPLOAD,
    streamOf(bytes(formHead, png()), size, undefined, formTail),
  );
  expect([byForm.status, byForm.body.code]).toEqual([400, "file_too_large"]);
  const byPut = await putFile(alice, "a.png", streamOf(png(), size));
  expect([byPut.status, byPut.body.code]).toEqual([400, "file_too_large"]);
  expect(finish).toHaveBeenCalledTimes(1);
  expect(parts.begun()).toBe(2);
  expect(await parts.open()).toBe(0);
  expect(await stored()).toEqual(before);
});

test("the body of a refused request is read, up to a limit", async () => {
  const alice = await person();
  let made = 0;
  const endless = streamOf(bytes("no picture"), 2 ** 40, (chunk) => {
    made += chunk.length;
  });
  const answer = await putFile(alice, "a.png", endless);
  expect([answer.status, answer.body.code]).toEqual([400, "unsupported_type"]);
  expect(made).toBeGreaterThan(16 * 1024 * 1024);
  expect(made).toBeLessThan(32 * 1024 * 1024);
});

test.each([
  ["its row cannot be written", () => vi.spyOn(env.DB, "prepare").mockImplementation(failing)],
  ["R2 refuses the file", () => vi.spyOn(env.FILES, "put").mockImplementation(failing)],
])("when %s, the answer is not a client error, and nothing is stored", async (_, breakIt) => {
  const alice = await person();
  const before = await stored();
  const form = formOf(file);
  breakIt();
  const answers = [await postForm(alice, UPLOAD, form), await putFile(alice, "a.txt", "hello")];
  vi.restoreAllMocks();
  for (const answer of answers) expect(answer.status).toBeGreaterThanOrEqual(500);
  expect(await stored()).toEqual(before);
});

function failing(): never {
  throw new Error("D1_ERROR: unwell");
}

test("a large file whose last step fails leaves neither an object nor a row", async () => {
  const alice = await person();
  const before = await stored();
  const prepare = env.DB.prepare.bind(env.DB);
  vi.spyOn(env.DB, "prepare").mockImplementation((query) =>
    /^update "uploads"/i.test(query) ? failing() : prepare(query),
  );
  const answer = await putFile(alice, "a.png", bytes(png(), zeros(6 * 1024 * 1024)));
  vi.restoreAllMocks();
  expect(answer.status).toBe(503);
  expect(await stored()).toEqual(before);
});

test("D1 has a row for the file before R2 receives its first byte", async () => {
  const alice = await person();
  const order: string[] = [];
  const put = env.FILES.put.bind(env.FILES) as (...args: unknown[]) => Promise<R2Object>;
  const known = async (key: string) => ((await rowOf(key)) ? "row, then object" : "object first");
  vi.spyOn(env.FILES, "put").mockImplementation(async (...args) => {
    order.push(await known(args[0]));
    return put(...args);
  });
  const create = env.FILES.createMultipartUpload.bind(env.FILES);
  vi.spyOn(env.FILES, "createMultipartUpload").mockImplementation(async (key, options) => {
    const parts = await create(key, options);
    const uploadPart = parts.uploadPart.bind(parts);
    return {
      key,
      uploadId: parts.uploadId,
      abort: () => parts.abort(),
      complete: (uploaded) => parts.complete(uploaded),
      uploadPart: async (number, content) => {
        order.push(`${await known(key)} ${number}`);
        return uploadPart(number, content);
      },
    };
  });
  await putFile(alice, "a.png", png());
  expect((await putFile(alice, "a.png", bytes(png(), zeros(6 * 1024 * 1024)))).status).toBe(200);
  expect(order).toEqual(["row, then object", "row, then object 1", "row, then object 2"]);
});

test("a file of exactly one part, and one of one byte more", async () => {
  const alice = await person();
  for (const more of [0, 1]) {
    const content = bytes(png(), zeros(PART_BYTES - png().length + more));
    const { body } = await putFile(alice, "a.png", content);
    expect(body.fileSize).toBe(PART_BYTES + more);
    const object = await env.FILES.head(keyOf(body.fileUrl));
    expect(object?.size).toBe(PART_BYTES + more);
  }
});

test("the header of a form's content type is case-insensitive", async () => {
  const alice = await person();
  const type = FORM_HEADERS["Content-Type"].replace("multipart/form-data", "Multipart/Form-Data");
  expect((await postForm(alice, UPLOAD, whole, { "Content-Type": type })).status).toBe(200);
});

test("nothing stays of a file whose row was removed while R2 took it, as by an erasure", async () => {
  const alice = await person();
  const put = env.FILES.put.bind(env.FILES);
  let stored = "";
  vi.spyOn(env.FILES, "put").mockImplementation((async (key: string, value: ArrayBuffer) => {
    stored = key;
    await env.DB.prepare("DELETE FROM uploads WHERE key = ?").bind(key).run();
    return await put(key, value);
  }) as typeof env.FILES.put);
  const { status, body } = await upload(alice, "a.txt", "a text of hers");
  expect([status, body.code]).toEqual([503, "unavailable"]);
  expect(stored).not.toBe("");
  expect(await env.FILES.head(stored)).toBeNull();
});
