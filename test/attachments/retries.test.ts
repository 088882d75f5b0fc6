import { afterEach, expect, test, vi } from "vitest";
import { Upload } from "../../src/attachments/upload.ts";
import { type Answer, directPair } from "../support.ts";
import { sendFile, sendUploads, stored, upload } from "./support.ts";

afterEach(() => vi.restoreAllMocks());

const file = { filename: "a.txt", content: "hello" };

test("uploads sent twice with one key create one message; a different message is a conflict", async () => {
  const { alice, conversationId } = await directPair();
  const uploads = [await upload(alice, "a.txt", "hello")];
  const key = { "Idempotency-Key": "k1" };
  const first = await sendUploads(alice, conversationId, uploads, { content: "x" }, key);
  const again = await sendUploads(alice, conversationId, uploads, { content: "x" }, key);
  expect(first.status).toBe(201);
  expect(again).toMatchObject({ status: 201, body: { ...first.body, deduplicated: true } });
  const inBody = { content: "x", clientMessageId: "k1" };
  const third = await sendUploads(alice, conversationId, uploads, inBody);
  expect(third.body).toEqual(again.body);
  const other = [await upload(alice, "a.txt", "hello")];
  for (const conflict of [
    await sendUploads(alice, conversationId, uploads, { content: "y" }, key),
    await sendUploads(alice, conversationId, other, { content: "x" }, key),
  ]) {
    expect([conflict.status, conflict.body.code]).toEqual([409, "idempotency_conflict"]);
  }
  expect((await sendUploads(alice, conversationId, other)).status).toBe(201);
});

test("a file message repeated with its key stores nothing, and returns the first message", async () => {
  const { alice, conversationId } = await directPair();
  const key = { "Idempotency-Key": "k1" };
  const first = await sendFile(alice, conversationId, { content: "x" }, file, key);
  expect(first.status).toBe(201);
  const before = await stored();
  const write = vi.spyOn(Upload.prototype, "write");
  const again = await sendFile(alice, conversationId, { content: "x" }, file, key);
  expect(again.status).toBe(201);
  expect(again.body.data.message).toEqual(first.body.data.message);
  expect(again.body.data.deduplicated).toBe(true);
  for (const [fields, changed] of [
    [{ content: "y" }, file],
    [{ content: "x" }, { ...file, content: "hello!" }],
    [{ content: "x" }, { ...file, filename: "b.txt" }],
  ] as const) {
    const conflict = await sendFile(alice, conversationId, fields, changed, key);
    expect([conflict.status, conflict.body.code]).toEqual([409, "idempotency_conflict"]);
  }
  expect(write).not.toHaveBeenCalled();
  expect(await stored()).toEqual(before);
});

test("a key inside the form has the same effect", async () => {
  const { alice, conversationId } = await directPair();
  const fields = { content: "x", clientMessageId: "k1" };
  const first = await sendFile(alice, conversationId, fields, file);
  expect(first.status).toBe(201);
  const before = await stored();
  const again = await sendFile(alice, conversationId, fields, file);
  expect(again.body.data.message._id).toBe(first.body.data.message._id);
  const conflict = await sendFile(alice, conversationId, { ...fields, content: "y" }, file);
  expect([conflict.status, conflict.body.code]).toEqual([409, "idempotency_conflict"]);
  expect(await stored()).toEqual(before);
});

test("the key of a text is not accepted for a file message", async () => {
  const { alice, conversationId } = await directPair();
  const key = { "Idempotency-Key": "k1" };
  const path = `/api/chat/${conversationId}/messages`;
  expect((await alice.post(path, { content: "x" }, key)).status).toBe(201);
  const before = await stored();
  const conflict = await sendFile(alice, conversationId, { content: "x" }, file, key);
  expect([conflict.status, conflict.body.code]).toEqual([409, "idempotency_conflict"]);
  expect(await stored()).toEqual(before);
});

function count(answers: readonly Answer[], status: number): number {
  return answers.filter((answer) => answer.status === status).length;
}

test("of twenty concurrent sends of one upload exactly one succeeds", async () => {
  const { alice, conversationId } = await directPair();
  const uploads = [await upload(alice, "a.txt", "hello")];
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => sendUploads(alice, conversationId, uploads)),
  );
  expect(count(answers, 201)).toBe(1);
  expect(count(answers, 400) + count(answers, 409)).toBe(19);
  const { body } = await alice.get(`/api/v1/chat/messages?conversationId=${conversationId}`);
  expect(body.totalCount).toBe(1);
});

test("of sends that share uploads no two succeed, and unused uploads can still be sent", async () => {
  const { alice, conversationId } = await directPair();
  const [one, two, three] = [
    await upload(alice, "1.txt", "one"),
    await upload(alice, "2.txt", "two"),
    await upload(alice, "3.txt", "three"),
  ];
  const pairs = [
    [one, two],
    [two, three],
    [three, one],
  ];
  const answers = await Promise.all(pairs.map((pair) => sendUploads(alice, conversationId, pair)));
  expect(count(answers, 201)).toBeLessThanOrEqual(1);
  const { body } = await alice.get(`/api/v1/chat/messages?conversationId=${conversationId}`);
  const sent = body.items.flatMap((item: { attachments: unknown[] }) => item.attachments).length;
  const rest = await Promise.all(
    [one, two, three].map((each) => sendUploads(alice, conversationId, [each])),
  );
  expect(count(rest, 201)).toBe(3 - sent);
});

test("twenty concurrent retries of one send create one message, and all are answered with it", async () => {
  const { alice, conversationId } = await directPair();
  const uploads = [await upload(alice, "a.txt", "hello")];
  const key = { "Idempotency-Key": "k1" };
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => sendUploads(alice, conversationId, uploads, {}, key)),
  );
  const made = answers.filter((answer) => answer.status === 201);
  expect(new Set(made.map((answer) => answer.body.messageId)).size).toBe(1);
  expect(count(answers, 409)).toBe(20 - made.length);
  const after = await sendUploads(alice, conversationId, uploads, {}, key);
  expect(after.body).toMatchObject({ messageId: made[0]?.body.messageId, deduplicated: true });
});

test("concurrent file messages with one key create one message with one file", async () => {
  const { alice, conversationId } = await directPair();
  const before = await stored();
  const key = { "Idempotency-Key": "k1" };
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => sendFile(alice, conversationId, {}, file, key)),
  );
  expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 5 }, () => 201));
  expect(new Set(answers.map((answer) => answer.body.data.message._id)).size).toBe(1);
  const after = await stored();
  expect(after.objects.length).toBe(before.objects.length + 1);
  expect(after.rows).toEqual(after.objects);
});
