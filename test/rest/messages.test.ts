import { describe, expect, test } from "vitest";
import { directPair, fetchJson, openLive, person, send } from "../support.ts";
import {
  DIRECT,
  FOREIGN,
  ISO_TIME,
  MESSAGES,
  NOBODYS,
  page,
  pathsOf,
  raw,
  UUID,
} from "./requests.ts";

describe("POST /messages", () => {
  test("201 with the id and the time, after every socket received the message", async () => {
    const { alice, bob, conversationId } = await directPair();
    const socket = await openLive(bob, conversationId);
    const answer = await send(alice, conversationId, "hello");
    expect(answer.status).toBe(201);
    expect(answer.body).toStrictEqual({
      messageId: expect.stringMatching(UUID),
      sentAt: expect.stringMatching(ISO_TIME),
    });
    const { message } = await socket.next("message");
    expect(message).toMatchObject({ id: answer.body.messageId, createdAt: answer.body.sentAt });
  });

  test.each([
    ["one character", "x", "x"],
    ["2,000 characters", "x".repeat(2_000), "x".repeat(2_000)],
    ["2,000 characters of two UTF-16 units each", "😀".repeat(2_000), "😀".repeat(2_000)],
    ["2,000 characters after trimming", ` \n${"x".repeat(2_000)}\t `, "x".repeat(2_000)],
    ["white space around it", "  hello \n", "hello"],
    ["newlines and tabs within", "a\n\tb", "a\n\tb"],
    ["CRLF line ends", "a\r\nb", "a\nb"],
    ["CR line ends", "a\rb\r", "a\nb"],
    ["markup", `<script>alert("x")</script> & '`, `<script>alert("x")</script> & '`],
    ["joined emoji and other scripts", "👩‍👩‍👧 مرحبا नमस्ते", "👩‍👩‍👧 مرحبا नमस्ते"],
  ])("201 with content of %s", async (_, content, kept) => {
    const { alice, bob, conversationId } = await directPair();
    expect((await send(alice, conversationId, content)).status).toBe(201);
    expect((await page(bob, conversationId)).body.items[0].content).toBe(kept);
  });

  test.each([
    ["", "empty_content"],
    [" \n\t ", "empty_content"],
    ["\u3000\ufeff", "empty_content"],
    ["x".repeat(2_001), "content_too_long"],
    ["😀".repeat(2_001), "content_too_long"],
    ["a\u0000b", "control_characters"],
    ["a\u001bb", "control_characters"],
    [" \r\r\n ", "empty_content"],
    ["a\u007f", "control_characters"],
    ["\u0085", "control_characters"],
    ["\u000b", "control_characters"],
    ["half a pair \ud83d", "control_characters"],
  ])("400 with the content %j: %s", async (content, code) => {
    const { alice, conversationId } = await directPair();
    const answer = await send(alice, conversationId, content);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: expect.any(String), code });
    expect((await page(alice, conversationId)).body.totalCount).toBe(0);
  });

  test("400 for content names the field, as every validation error does", async () => {
    const { alice, conversationId } = await directPair();
    for (const content of ["", "x".repeat(2_001), "a\u0000b"]) {
      const { body } = await send(alice, conversationId, content);
      expect(body.details).toEqual([{ path: "content", message: expect.any(String) }]);
    }
  });

  test.each([
    [{ content: undefined }, "content"],
    [{ content: null }, "content"],
    [{ content: 7 }, "content"],
    [{ content: ["hello"] }, "content"],
    [{ conversationId: undefined }, "conversationId"],
    [{ conversationId: "general" }, "conversationId"],
    [{ conversationId: 7 }, "conversationId"],
    [{ replyToMessageId: "the last one" }, "replyToMessageId"],
    [{ replyToMessageId: 1 }, "replyToMessageId"],
    [{ clientMessageId: "" }, "clientMessageId"],
    [{ clientMessageId: "k".repeat(129) }, "clientMessageId"],
    [{ clientMessageId: 7 }, "clientMessageId"],
    [{ metadata: "x" }, "metadata"],
    [{ metadata: { blob: "x".repeat(8_192) } }, "metadata"],
  ])("400 with %j", async (wrong, path) => {
    const { alice, conversationId } = await directPair();
    const answer = await alice.post(MESSAGES, { conversationId, content: "hello", ...wrong });
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe("invalid_request");
    expect(new Set(pathsOf(answer))).toEqual(new Set([path]));
  });

  test("404 with a conversation that does not exist", async () => {
    const { alice, conversationId } = await directPair();
    const { messageId } = (await send(alice, conversationId, "x")).body;
    for (const id of [NOBODYS, FOREIGN, messageId]) {
      const answer = await send(alice, id, "hello");
      expect(answer.status).toBe(404);
      expect(answer.body).toEqual({ error: expect.any(String), code: "conversation_not_found" });
    }
  });

  test("403 for a user who is not a member, regardless of roles", async () => {
    const { alice, conversationId } = await directPair();
    for (const role of ["user", "support", "resolver", "admin"]) {
      const answer = await send(await person("mallory", { role }), conversationId, "hello");
      expect(answer.status, role).toBe(403);
      expect(answer.body).toEqual({ error: expect.any(String), code: "not_a_member" });
    }
    expect((await page(alice, conversationId)).body.totalCount).toBe(0);
  });

  test("400 before 404 and 403: an invalid request is invalid for every sender", async () => {
    const { conversationId } = await directPair();
    const mallory = await person("mallory");
    for (const id of [conversationId, NOBODYS, FOREIGN]) {
      for (const content of [7, "", " ", "x".repeat(2_001), "a\u0000b"]) {
        const answer = await mallory.post(MESSAGES, { conversationId: id, content });
        expect(answer.status, `${JSON.stringify(content).slice(0, 9)} to ${id}`).toBe(400);
      }
    }
  });
});

describe("replyToMessageId", () => {
  test("201 with a message of the conversation, by anyone, or null", async () => {
    const { alice, bob, conversationId } = await directPair();
    const { body: first } = await send(alice, conversationId, "first");
    for (const replyToMessageId of [first.messageId, first.messageId.toUpperCase(), null]) {
      const answer = await send(bob, conversationId, "reply", { replyToMessageId });
      expect(answer.status).toBe(201);
      const { items } = (await page(bob, conversationId)).body;
      expect(items[0].replyToMessageId).toBe(replyToMessageId && first.messageId);
    }
  });

  test("400 with a message of another conversation, an unknown id, or the conversation's id", async () => {
    const { alice, conversationId } = await directPair();
    const { body: sent } = await send(alice, conversationId, "x");
    const other = await person();
    const { body: elsewhere } = await alice.post(DIRECT, { otherUserId: other.userId });
    const { body: foreign } = await send(alice, elsewhere.conversationId, "y");
    const next = `${sent.messageId.slice(0, -1)}2`;
    for (const replyToMessageId of [foreign.messageId, next, conversationId, FOREIGN]) {
      const answer = await send(alice, conversationId, "reply", { replyToMessageId });
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ error: expect.any(String), code: "invalid_reply" });
    }
    expect((await page(alice, conversationId)).body.totalCount).toBe(1);
  });
});

describe("deeply nested metadata", () => {
  const nested = (depth: number) => `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;

  test.each([100, 1_000, 2_000, 3_000, 4_000, 5_000, 120_000])(
    "is stored or refused, and the history agrees: depth %i",
    async (depth) => {
      const { alice, conversationId } = await directPair();
      const text = `{"conversationId":"${conversationId}","content":"x","metadata":${nested(depth)}}`;
      const answer = await fetchJson(MESSAGES, raw(alice, "POST", text));
      expect([201, 400]).toContain(answer.status);
      const history = await page(alice, conversationId);
      expect(history.status).toBe(200);
      expect(history.body.totalCount).toBe(answer.status === 201 ? 1 : 0);
    },
  );

  test("sent over a socket, does not break the history", async () => {
    const { alice, bob, conversationId } = await directPair();
    await send(bob, conversationId, "hello");
    const socket = await openLive(alice, conversationId);
    socket.send(`{"op":"send","id":1,"content":"x","metadata":${nested(4_000)}}`);
    await socket.until(() => socket.all("ack").length + socket.all("error").length > 0);
    expect((await page(bob, conversationId)).status).toBe(200);
  });
});
