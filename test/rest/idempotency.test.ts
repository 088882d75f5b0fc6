import { describe, expect, test } from "vitest";
import {
  type Answer,
  type Caller,
  directPair,
  groupOf,
  openLive,
  person,
  send,
} from "../support.ts";
import { carryOut, MESSAGES, page, pathsOf } from "./requests.ts";

function sendAs(caller: Caller, conversationId: string, content: string, key: string, more = {}) {
  return send(caller, conversationId, content, { clientMessageId: key, ...more });
}

/** Checks that the original is returned: its status, its body, and that it is a repetition. */
function expectRepeated(again: Answer, first: Answer): void {
  expect(again.status).toBe(201);
  expect(again.body).toStrictEqual({ ...first.body, deduplicated: true });
}

function expectConflict(answer: Answer): void {
  expect(answer.status).toBe(409);
  expect(answer.body).toEqual({ error: expect.any(String), code: "idempotency_conflict" });
}

describe("repeating a key", () => {
  test("201 with the original message, however often and wherever the key is given", async () => {
    const { alice, bob, conversationId } = await directPair();
    const socket = await openLive(bob, conversationId);
    const first = await sendAs(alice, conversationId, "hello", "key-1");
    expect(first.status).toBe(201);
    expect(first.body).not.toHaveProperty("deduplicated");
    const body = { conversationId, content: "hello" };
    expectRepeated(await sendAs(alice, conversationId, "hello", "key-1"), first);
    expectRepeated(await alice.post(MESSAGES, body, { "Idempotency-Key": "key-1" }), first);
    expectRepeated(await sendAs(alice, conversationId.toUpperCase(), " hello\n", "key-1"), first);
    await send(alice, conversationId, "end");
    await socket.next("message", ({ message }) => message.content === "end");
    expect(socket.all("message")).toHaveLength(2);
    expect((await page(bob, conversationId)).body.totalCount).toBe(2);
  });

  test("201 and one message for twenty concurrent requests", async () => {
    const { alice, conversationId } = await directPair();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => sendAs(alice, conversationId, "hello", "key")),
    );
    expect(new Set(answers.map((answer) => answer.body.messageId)).size).toBe(1);
    expect(answers.map((answer) => answer.status)).toEqual(Array(20).fill(201));
    expect(answers.filter((answer) => !answer.body.deduplicated)).toHaveLength(1);
    expect((await page(alice, conversationId)).body.totalCount).toBe(1);
  });

  test("the key in the body takes precedence over the header's", async () => {
    const { alice, conversationId } = await directPair();
    const body = { conversationId, content: "hello", clientMessageId: "body" };
    const first = await alice.post(MESSAGES, body, { "Idempotency-Key": "header" });
    expectRepeated(await sendAs(alice, conversationId, "hello", "body"), first);
    expect((await sendAs(alice, conversationId, "other", "header")).status).toBe(201);
  });

  test("201 with the original text after the message was edited over a socket", async () => {
    const { alice, conversationId } = await directPair();
    const first = await sendAs(alice, conversationId, "hello", "key");
    const socket = await openLive(alice, conversationId);
    const { messageId } = first.body;
    await carryOut(socket, { op: "edit", messageId, content: "changed" });
    expectRepeated(await sendAs(alice, conversationId, "hello", "key"), first);
    expectConflict(await sendAs(alice, conversationId, "changed", "key"));
    expect((await page(alice, conversationId)).body.items).toMatchObject([{ content: "changed" }]);
  });

  test("201 after the message was deleted, and it stays deleted", async () => {
    const { alice, conversationId } = await directPair();
    const first = await sendAs(alice, conversationId, "hello", "key");
    const socket = await openLive(alice, conversationId);
    await carryOut(socket, { op: "delete", messageId: first.body.messageId });
    expectRepeated(await sendAs(alice, conversationId, "hello", "key"), first);
    expectConflict(await sendAs(alice, conversationId, "other", "key"));
    const { items } = (await page(alice, conversationId)).body;
    expect(items).toMatchObject([{ content: "", isDeleted: true }]);
  });

  test("201 for a message that a socket sent before, and the reverse", async () => {
    const { alice, conversationId } = await directPair();
    const socket = await openLive(alice, conversationId);
    const frame = { op: "send", content: "hello", clientMessageId: "socket" };
    const { messageId } = await carryOut(socket, frame);
    const again = await sendAs(alice, conversationId, "hello", "socket");
    expect(again.body).toMatchObject({ messageId, deduplicated: true });
    const first = await sendAs(alice, conversationId, "hello", "rest");
    const ack = await carryOut(socket, { ...frame, clientMessageId: "rest" });
    expect(ack).toMatchObject({ messageId: first.body.messageId, deduplicated: true });
  });

  test("201 when the rate limit is reached: a repetition does not count", async () => {
    const { alice, conversationId } = await directPair();
    const first = await sendAs(alice, conversationId, "hello", "key");
    await Promise.all(Array.from({ length: 99 }, () => send(alice, conversationId, "x")));
    expect((await send(alice, conversationId, "x")).status).toBe(429);
    expectRepeated(await sendAs(alice, conversationId, "hello", "key"), first);
  });

  test("201 with the same metadata in another order", async () => {
    const { alice, conversationId } = await directPair();
    const one = { metadata: { a: 1, b: { c: [1, 2], d: null } } };
    const same = { metadata: { b: { d: null, c: [1, 2] }, a: 1 } };
    const first = await sendAs(alice, conversationId, "hello", "key", one);
    expectRepeated(await sendAs(alice, conversationId, "hello", "key", same), first);
    for (const metadata of [undefined, {}, { a: 1 }, { a: 1, b: { c: [2, 1], d: null } }]) {
      expectConflict(await sendAs(alice, conversationId, "hello", "key", { metadata }));
    }
  });
});

describe("the key of another message", () => {
  test("409 with different content or another reply, and nothing is sent", async () => {
    const { alice, conversationId } = await directPair();
    const earlier = await send(alice, conversationId, "earlier");
    await sendAs(alice, conversationId, "hello", "key");
    const more = { replyToMessageId: earlier.body.messageId };
    expectConflict(await sendAs(alice, conversationId, "hello", "key", more));
    expectConflict(await sendAs(alice, conversationId, "Hello", "key"));
    const body = { conversationId, content: "hello!" };
    expectConflict(await alice.post(MESSAGES, body, { "Idempotency-Key": "key" }));
    expect((await page(alice, conversationId)).body.totalCount).toBe(2);
  });

  test("201 for one of two concurrent requests, 409 for the other", async () => {
    const { alice, conversationId } = await directPair();
    const answers = await Promise.all(
      ["heads", "tails"].map((content) => sendAs(alice, conversationId, content, "key")),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409]);
    expect((await page(alice, conversationId)).body.totalCount).toBe(1);
  });

  test("201: the scope of a key is its sender and its conversation", async () => {
    const [alice, bob, carol] = await Promise.all([person(), person(), person()]);
    const [one, other] = [await groupOf(alice, bob), await groupOf(alice, bob, carol)];
    const answers = [
      await sendAs(alice, one, "mine", "key"),
      await sendAs(bob, one, "yours", "key"),
      await sendAs(alice, other, "elsewhere", "key"),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map((answer) => answer.body.messageId)).size).toBe(3);
    for (const answer of answers) expect(answer.body).not.toHaveProperty("deduplicated");
  });

  test("403 for a user who is not in the conversation and guesses a key", async () => {
    const { alice, conversationId } = await directPair();
    await sendAs(alice, conversationId, "hello", "key");
    const answer = await sendAs(await person("mallory"), conversationId, "hello", "key");
    expect(answer.status).toBe(403);
  });
});

test("400 with a key in the header that is too long, empty, or not printable", async () => {
  const { alice, conversationId } = await directPair();
  for (const key of ["", "k".repeat(129), "two words"]) {
    const body = { conversationId, content: "hello" };
    const answer = await alice.post(MESSAGES, body, { "Idempotency-Key": key });
    expect(answer.status, key).toBe(400);
    expect(new Set(pathsOf(answer))).toEqual(new Set(["idempotency-key"]));
  }
  const longest = { "Idempotency-Key": "k".repeat(128) };
  expect((await alice.post(MESSAGES, { conversationId, content: "hello" }, longest)).status).toBe(
    201,
  );
});
