import { evictDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { directPair, groupOf, objectOf, openLive, person, send } from "../support.ts";
import { acked, answerTo } from "./answer.ts";

async function pair() {
  const { alice, bob, conversationId } = await directPair();
  const [a, b] = await Promise.all([
    openLive(alice, conversationId),
    openLive(bob, conversationId),
  ]);
  return { alice, bob, conversationId, a, b };
}

test("content, reply, metadata and clientMessageId are delivered as sent", async () => {
  const { conversationId, alice, a, b } = await pair();
  await answerTo(a, { op: "send", content: "first" });
  const first = await b.next("message");
  const metadata = { list: [1, { deep: null }], ключ: "значение", empty: "" };
  await answerTo(b, {
    op: "send",
    content: "  second\r\nline\t👋🏽 ",
    replyTo: first.message.id,
    metadata,
    clientMessageId: "k",
  });
  const { message } = await a.next("message", ({ message }) => message.number === 2);
  expect(message).toMatchObject({
    content: "second\nline\t👋🏽",
    replyTo: first.message.id,
    metadata,
    clientMessageId: "k",
  });
  const again = await openLive(alice, conversationId);
  expect(again.all("sync")[0]?.messages).toEqual([first.message, message]);
});

test.each([
  ["no content", {}, "empty_content"],
  ["white space alone", { content: " \n\t\u00a0\u2003" }, "empty_content"],
  ["2,001 characters", { content: "x".repeat(2_001) }, "content_too_long"],
  ["2,001 characters of two units", { content: "👋".repeat(2_001) }, "content_too_long"],
  ["a NUL", { content: "a\u0000b" }, "control_characters"],
  ["an escape sequence", { content: "\u001b[31mred" }, "control_characters"],
  ["a C1 control character", { content: "a\u0085b" }, "control_characters"],
  ["half a character", { content: "a\ud83d" }, "control_characters"],
  ["a reply to nothing", { content: "x", replyTo: "nothing" }, "invalid_reply"],
  ["a reply to the future", { content: "x", replyTo: 9 }, "invalid_reply"],
  ["a reply to the conversation", { content: "x", replyTo: 0 }, "invalid_reply"],
  ["unknown files", { attachments: ["key"] }, "unknown_attachments"],
])("%s: refused, and nothing changes", async (_, fields, code) => {
  const { alice, conversationId, a, b } = await pair();
  const named = "replyTo" in fields && typeof fields.replyTo === "number";
  const replyTo = named ? conversationId.slice(0, -1) + fields.replyTo : undefined;
  const frame = { op: "send", ...fields, ...(replyTo && { replyTo }) };
  expect(await answerTo(a, frame)).toMatchObject({ type: "error", code });
  await send(alice, conversationId, "the first");
  expect((await b.next("message")).message.number).toBe(1);
  expect(b.all("message")[0]?.rev).toBe(4);
});

test("2,000 characters are accepted regardless of their size in bytes", async () => {
  const { a } = await pair();
  const frame = { op: "send", content: `  ${"👋".repeat(2_000)}\n` };
  expect(await answerTo(a, frame)).toMatchObject({ type: "ack" });
});

test("a reply to a message of another conversation is refused", async () => {
  const { alice, bob, a } = await pair();
  const elsewhere = await groupOf(alice, bob, await person("carol"));
  const { body } = await send(alice, elsewhere, "elsewhere");
  await answerTo(a, { op: "send", content: "here" });
  const frame = { op: "send", content: "x", replyTo: body.messageId };
  expect(await answerTo(a, frame)).toMatchObject({ code: "invalid_reply" });
});

test("the same clientMessageId is the same message, over socket and REST, after edits and deletions", async () => {
  const { alice, bob, conversationId, a, b } = await pair();
  const metadata = { b: 1, a: { d: 2, c: 3 } };
  const first = { op: "send", content: "once", clientMessageId: "k", metadata };
  const { messageId } = await acked(a, first);
  const turned = { ...first, content: " once\r\n", metadata: { a: { c: 3, d: 2 }, b: 1 } };
  const again = () => answerTo(a, turned);
  const other = () => answerTo(a, { ...first, content: "twice" });
  const holds = async () => {
    expect(await again()).toMatchObject({ type: "ack", messageId, deduplicated: true });
    expect(await other()).toMatchObject({ type: "error", code: "idempotency_conflict" });
    const rest = await send(alice, conversationId, "once", { clientMessageId: "k", metadata });
    expect(rest).toMatchObject({ status: 201, body: { messageId, deduplicated: true } });
    const conflict = await send(alice, conversationId, "once", { clientMessageId: "k" });
    expect(conflict).toMatchObject({ status: 409, body: { code: "idempotency_conflict" } });
  };
  await holds();
  await answerTo(a, { op: "edit", messageId, content: "twice" });
  await holds();
  await evictDurableObject(objectOf(conversationId));
  await holds();
  await answerTo(a, { op: "delete", messageId });
  await holds();
  // The scope of the key is its sender.
  expect(await answerTo(b, first)).not.toHaveProperty("deduplicated");
  await b.next("ack");
  expect(b.all("message").map(({ cause, message }) => [cause, message.number])).toEqual([
    ["created", 1],
    ["edited", 1],
    ["deleted", 1],
    ["created", 2],
  ]);
  expect(bob.userId).toBe(b.all("message")[3]?.message.senderId);
});

test.each([
  ["metadata of a different shape", { metadata: { x: { a: 1 } } }, { metadata: { x: [["a", 1]] } }],
  ["metadata in one of them", { metadata: { x: 1 } }, {}],
])("%s under the same key is a conflict", async (_, one, two) => {
  const { a } = await pair();
  const frame = { op: "send", content: "x", clientMessageId: "k" };
  await answerTo(a, { ...frame, ...one });
  const answer = await answerTo(a, { ...frame, ...two });
  expect(answer).toMatchObject({ code: "idempotency_conflict" });
});

test("the same key sent twenty times concurrently creates one message", async () => {
  const { alice, conversationId, a, b } = await pair();
  const fields = { content: "once", clientMessageId: "k" };
  const rest = Array.from({ length: 10 }, () =>
    send(alice, conversationId, fields.content, { clientMessageId: fields.clientMessageId }),
  );
  for (let id = 0; id < 10; id++) a.send({ op: "send", id, ...fields });
  const ids = new Set((await Promise.all(rest)).map(({ body }) => body.messageId));
  await a.until(() => a.all("ack").length === 10);
  for (const ack of a.all("ack")) ids.add(ack.messageId);
  expect(ids.size).toBe(1);
  b.send({ op: "history", id: 1 });
  expect((await b.next("sync")).messages.length).toBe(1);
  expect(b.all("message").length).toBe(1);
});

test("a retry does not count against the limit, and is marked as deduplicated", async () => {
  const { alice, conversationId, a } = await pair();
  const frame = { op: "send", content: "once", clientMessageId: "k" };
  expect(await answerTo(a, frame)).toMatchObject({ remaining: 99 });
  expect(await answerTo(a, frame)).toMatchObject({ remaining: 99 });
  const retry = await send(alice, conversationId, "once", { clientMessageId: "k" });
  expect(retry.headers.get("RateLimit-Remaining")).toBe("99");
  expect(await answerTo(a, { op: "send", content: "next" })).toMatchObject({
    remaining: 98,
  });
});
