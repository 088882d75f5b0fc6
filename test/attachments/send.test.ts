import { afterEach, expect, test, vi } from "vitest";
import { Upload } from "../../src/attachments/upload.ts";
import { type Answer, type Caller, directPair, openLive, person, send } from "../support.ts";
import { PIXELS, png, sample } from "./samples.ts";
import {
  asAttachment,
  formOf,
  getFile,
  keyOf,
  postForm,
  rowOf,
  sendFile,
  sendUploads,
  stored,
  upload,
} from "./support.ts";

afterEach(() => vi.restoreAllMocks());

const WITH = "/api/v1/chat/messages/with-attachments";

async function newest(caller: Caller, conversationId: string) {
  const { body } = await caller.get(`/api/v1/chat/messages?conversationId=${conversationId}`);
  return body.items[0];
}

function uploadSample(caller: Caller, extension: string): Promise<Answer> {
  return upload(caller, `a.${extension}`, sample(extension).content);
}

test("uploads are sent with a text, and returned with links to the files", async () => {
  const { alice, bob, conversationId } = await directPair();
  const files = [await uploadSample(alice, "pdf"), await uploadSample(alice, "png")];
  const first = await send(bob, conversationId, "show me");
  const sent = await sendUploads(alice, conversationId, files, {
    content: "  here  ",
    replyToMessageId: first.body.messageId,
  });
  expect(sent.status).toBe(201);
  expect(sent.body).toEqual({ messageId: expect.any(String), sentAt: expect.any(String) });
  const message = await newest(bob, conversationId);
  expect(message).toMatchObject({
    messageId: sent.body.messageId,
    content: "here",
    type: "File",
    replyToMessageId: first.body.messageId,
    attachments: files.map((file) => ({ ...asAttachment(file), thumbnailUrl: null })),
  });
  const file = await getFile(message.attachments[0].fileUrl);
  expect(new Uint8Array(await file.arrayBuffer())).toEqual(sample("pdf").content);
  const { body } = await bob.get("/api/v1/chat/conversations");
  expect(body[0].lastMessage).toMatchObject({ type: "File" });
});

test.each([
  [["png", "jpg"], "Image"],
  [["mp4", "webm"], "Video"],
  [["png", "mp4"], "File"],
  [["mp3"], "File"],
  [["png", "pdf"], "File"],
])("files %j create a message of type %s, which needs no text", async (extensions, type) => {
  const { alice, conversationId } = await directPair();
  const files: Answer[] = [];
  for (const extension of extensions) files.push(await uploadSample(alice, extension));
  expect((await sendUploads(alice, conversationId, files)).status).toBe(201);
  expect(await newest(alice, conversationId)).toMatchObject({ type, content: "" });
});

test.each([
  ["name", { fileName: "other.pdf" }],
  ["size", { fileSize: 1 }],
  ["type", { mimeType: "image/png" }],
])(
  "a %s that differs from the stored one is refused, and the file can be sent afterwards",
  async (_, change) => {
    const { alice, conversationId } = await directPair();
    const file = await uploadSample(alice, "pdf");
    const wrong = await alice.post(WITH, {
      conversationId,
      attachments: [{ ...asAttachment(file), ...change }],
    });
    expect([wrong.status, wrong.body.code]).toEqual([400, "file_mismatch"]);
    expect((await rowOf(keyOf(file.body.fileUrl)))?.claim).toBeNull();
    expect((await sendUploads(alice, conversationId, [file])).status).toBe(201);
  },
);

test("a user can send only their own uploads, each in one message", async () => {
  const { alice, bob, conversationId } = await directPair();
  const own = await uploadSample(alice, "pdf");
  const other = await uploadSample(bob, "pdf");
  const unknown = asAttachment(own);
  unknown.fileUrl = unknown.fileUrl.replace(/[0-9a-f]{12}\.pdf/, "000000000000.pdf");
  const elsewhere = { ...asAttachment(own), fileUrl: "https://example.org/a.pdf" };
  for (const attachments of [
    [asAttachment(other)],
    [unknown],
    [elsewhere],
    [asAttachment(own), asAttachment(own)],
    [asAttachment(own), asAttachment(other)],
  ]) {
    const refused = await alice.post(WITH, { conversationId, attachments });
    expect([refused.status, refused.body.code]).toEqual([400, "unknown_attachments"]);
  }
  expect((await sendUploads(alice, conversationId, [own])).status).toBe(201);
  const again = await sendUploads(alice, conversationId, [own]);
  expect([again.status, again.body.code]).toEqual([400, "unknown_attachments"]);
});

test("the query and the origin of a link are ignored", async () => {
  const { alice, conversationId } = await directPair();
  const attachment = asAttachment(await uploadSample(alice, "pdf"));
  const { pathname } = new URL(attachment.fileUrl);
  const fileUrl = `http://localhost:5000${pathname}?v=2`;
  const sent = await alice.post(WITH, {
    conversationId,
    attachments: [{ ...attachment, fileUrl }],
  });
  expect(sent.status).toBe(201);
});

test("a message with files has one to ten of them", async () => {
  const { alice, conversationId } = await directPair();
  const files: Answer[] = [];
  for (let i = 0; i < 11; i++) files.push(await upload(alice, `${i}.txt`, `file ${i}`));
  for (const wrong of [files, []]) {
    const refused = await sendUploads(alice, conversationId, wrong);
    expect([refused.status, refused.body.code]).toEqual([400, "invalid_request"]);
  }
  expect((await sendUploads(alice, conversationId, files.slice(0, 10))).status).toBe(201);
  const message = await newest(alice, conversationId);
  const names = message.attachments.map((file: { fileName: string }) => file.fileName);
  expect(names).toEqual(Array.from({ length: 10 }, (_, i) => `${i}.txt`));
});

test.each([
  ["a size of nothing", { fileSize: 0 }],
  ["no name", { fileName: "" }],
  ["no type", { mimeType: undefined }],
  ["no link", { fileUrl: undefined }],
])("an attachment with %s is refused", async (_, change) => {
  const { alice, conversationId } = await directPair();
  const attachment = { ...asAttachment(await uploadSample(alice, "pdf")), ...change };
  const refused = await alice.post(WITH, { conversationId, attachments: [attachment] });
  expect([refused.status, refused.body.code]).toEqual([400, "invalid_request"]);
});

test("a refused send releases its files", async () => {
  const { alice, conversationId } = await directPair();
  const carol = await person("carol");
  const file = await uploadSample(alice, "pdf");
  const carols = await uploadSample(carol, "pdf");
  const nowhere = conversationId.replace(/^.{8}/, "00000000");
  const refusals = [
    [await sendUploads(carol, conversationId, [carols]), 403],
    [await sendUploads(alice, nowhere, [file]), 404],
    [await sendUploads(alice, conversationId, [file], { content: "x".repeat(2_001) }), 400],
    [await sendUploads(alice, conversationId, [file], { content: "a\0b" }), 400],
    [await sendUploads(alice, conversationId, [file], { replyToMessageId: conversationId }), 400],
  ] as const;
  for (const [answer, status] of refusals) expect(answer.status).toBe(status);
  expect((await rowOf(keyOf(file.body.fileUrl)))?.claim).toBeNull();
  expect((await sendUploads(alice, conversationId, [file])).status).toBe(201);
});

test("a socket sends uploads by their keys, and all members receive links", async () => {
  const { alice, bob, conversationId } = await directPair();
  const [a, b] = [await openLive(alice, conversationId), await openLive(bob, conversationId)];
  const file = await upload(alice, "photo.png", png());
  const key = keyOf(file.body.fileUrl);
  a.send({ op: "send", id: 1, content: "look", attachments: [key] });
  const ack = await a.next("ack");
  const { message } = await b.next("message");
  expect(message).toMatchObject({
    id: ack.messageId,
    kind: "image",
    content: "look",
    attachments: [{ key, name: "photo.png", mimeType: "image/png", size: png().length, ...PIXELS }],
  });
  expect((await getFile(message.attachments[0]?.url ?? "")).status).toBe(200);

  a.send({ op: "send", id: 2, attachments: [key] });
  expect(await a.next("error")).toMatchObject({ id: 2, code: "unknown_attachments" });
  const bobs = keyOf((await upload(bob, "photo.png", png())).body.fileUrl);
  a.send({ op: "send", id: 3, attachments: [bobs] });
  expect(await a.next("error")).toMatchObject({ id: 3, code: "unknown_attachments" });
  const eleven = Array.from({ length: 11 }, (_, i) => `${i}`);
  a.send({ op: "send", id: 4, attachments: eleven });
  expect(await a.next("error")).toMatchObject({ id: 4, code: "invalid_frame" });
});

test("a refused send over a socket releases its files, and a retry returns the first message", async () => {
  const { alice, conversationId } = await directPair();
  const a = await openLive(alice, conversationId);
  const key = keyOf((await upload(alice, "photo.png", png())).body.fileUrl);
  a.send({ op: "send", id: 1, content: "x".repeat(10_000), attachments: [key] });
  expect(await a.next("error")).toMatchObject({ id: 1, code: "content_too_long" });
  const frame = { op: "send", content: "look", clientMessageId: "k1", attachments: [key] };
  a.send({ ...frame, id: 2 });
  const first = await a.next("ack");
  a.send({ ...frame, id: 3 });
  expect(await a.next("ack")).toMatchObject({
    id: 3,
    messageId: first.messageId,
    deduplicated: true,
  });
  a.send({ ...frame, id: 4, content: "another" });
  expect(await a.next("error")).toMatchObject({ id: 4, code: "idempotency_conflict" });
});

test("a form uploads and sends a file in one step", async () => {
  const { alice, bob, conversationId } = await directPair();
  const first = await send(bob, conversationId, "show me");
  const answer = await sendFile(
    alice,
    conversationId,
    { content: "here", replyToMessageId: first.body.messageId },
    { filename: "photo.png", content: png() },
  );
  expect(answer).toMatchObject({
    status: 201,
    body: {
      success: true,
      data: {
        message: {
          chatId: conversationId,
          senderId: alice.userId,
          content: "here",
          type: "image",
          replyToMessageId: first.body.messageId,
          readBy: [],
        },
      },
    },
  });
  const { attachments } = answer.body.data.message;
  expect(attachments).toEqual([
    {
      url: expect.any(String),
      filename: "photo.png",
      mimeType: "image/png",
      size: png().length,
      ...PIXELS,
    },
  ]);
  const file = await getFile(attachments[0].url);
  expect(new Uint8Array(await file.arrayBuffer())).toEqual(png());
  expect(answer.headers.get("ratelimit-limit")).toBeTruthy();
});

test("a form to the endpoint for texts is treated as a form, and JSON as JSON", async () => {
  const { alice, conversationId } = await directPair();
  const path = `/api/chat/${conversationId}/messages`;
  const form = formOf({ name: "file", filename: "a.pdf", content: sample("pdf").content });
  const file = await postForm(alice, path, form);
  expect(file).toMatchObject({ status: 201, body: { data: { message: { type: "file" } } } });
  const text = await alice.post(path, { content: "text" });
  expect(text).toMatchObject({ status: 201, body: { data: { message: { type: "text" } } } });
});

const file = { filename: "a.txt", content: "hello" };

test("a form that is not allowed is refused before its body is read", async () => {
  const { conversationId } = await directPair();
  const carol = await person("carol");
  const before = await stored();
  const write = vi.spyOn(Upload.prototype, "write");
  const stranger = await sendFile(carol, conversationId, {}, file);
  expect(stranger).toMatchObject({ status: 403, body: { success: false, code: "not_a_member" } });
  for (const nowhere of ["x", conversationId.replace(/^.{8}/, "00000000")]) {
    expect((await sendFile(carol, nowhere, {}, file)).status).toBe(404);
  }
  expect(write).not.toHaveBeenCalled();
  expect(await stored()).toEqual(before);
});

test("empty fields of a form are the same as missing ones", async () => {
  const { alice, conversationId } = await directPair();
  const empty = { content: "", replyToMessageId: "", clientMessageId: "" };
  const answers = [
    await sendFile(alice, conversationId, {}, file),
    await sendFile(alice, conversationId, empty, file),
  ];
  const [plain, withEmpty] = answers.map(({ status, body }) => {
    const { type, content, replyToMessageId } = body.data.message;
    return { status, type, content, replyToMessageId };
  });
  expect(plain?.status).toBe(201);
  expect(withEmpty).toEqual(plain);
});

test("a form whose message is refused stores nothing", async () => {
  const { alice, conversationId } = await directPair();
  const before = await stored();
  for (const [fields, code] of [
    [{ replyToMessageId: "x" }, "invalid_request"],
    [{ replyToMessageId: conversationId }, "invalid_reply"],
    [{ content: "x".repeat(5_001) }, "content_too_long"],
    [{ content: "a\0b" }, "control_characters"],
    [{ clientMessageId: "with space" }, "invalid_request"],
  ] as const) {
    const answer = await sendFile(alice, conversationId, fields, file);
    expect([answer.status, answer.body.code]).toEqual([400, code]);
  }
  const wrong = await sendFile(alice, conversationId, {}, { ...file, filename: "a.exe" });
  expect([wrong.status, wrong.body.code]).toEqual([400, "unsupported_type"]);
  expect(await stored()).toEqual(before);
});

test("a form over the rate limit stores nothing", async () => {
  const [alice, bob] = [await person("alice"), await person("bob")];
  const chat = await alice.post("/api/chat", { type: "direct", participantIds: [bob.userId] });
  const chatId = chat.body.data.chat._id;
  for (let i = 0; i < 20; i++) await alice.post(`/api/chat/${chatId}/messages`, { content: "x" });
  const before = await stored();
  const answer = await sendFile(alice, chatId, {}, file);
  expect([answer.status, answer.body.code]).toEqual([429, "rate_limited"]);
  expect(await stored()).toEqual(before);
});
