import { beforeEach, describe, expect, test } from "vitest";
import { type Caller, openLive, person } from "../../support.ts";
import {
  CHATS,
  contentsOf,
  directChat,
  entryOf,
  expectInvalid,
  expectRefusal,
  expectWrongText,
  FOREIGN,
  history,
  ISO_TIME,
  infoOf,
  NOBODYS,
  remove,
  send,
  sent,
  statsOf,
  UUID,
} from "./chats.ts";

let alice: Caller;
let bob: Caller;
let chatId: string;

beforeEach(async () => {
  ({ alice, bob, chatId } = await directChat());
});

describe("POST /api/chat/:id/messages", () => {
  test("201 with the message, the same as in the history", async () => {
    const answer = await send(alice, chatId, " hello\n", { metadata: { b: 1, a: [null] } });
    expect(answer.status).toBe(201);
    const { createdAt } = answer.body.data.message;
    expect(answer.body).toStrictEqual({
      success: true,
      data: {
        message: {
          _id: expect.stringMatching(UUID),
          chatId,
          senderId: alice.userId,
          content: "hello",
          type: "text",
          replyToMessageId: null,
          attachments: [],
          reactions: [],
          readBy: [],
          metadata: { b: 1, a: [null] },
          createdAt: expect.stringMatching(ISO_TIME),
          updatedAt: createdAt,
          editedAt: null,
          deletedAt: null,
        },
      },
    });
    const { messages } = (await history(bob, chatId)).body.data;
    expect(messages).toEqual([answer.body.data.message]);
  });

  test("201 and every socket receives it; for the others it is unread", async () => {
    const sockets = await Promise.all([openLive(alice, chatId), openLive(bob, chatId)]);
    const messageId = await sent(alice, chatId, "hello");
    for (const socket of sockets) {
      const { cause, message } = await socket.next("message");
      expect({ cause, message }).toMatchObject({
        cause: "created",
        message: { id: messageId, content: "hello", senderId: alice.userId, kind: "text" },
      });
    }
    expect(await entryOf(alice, chatId)).toMatchObject({ unreadCount: 0 });
    expect(await entryOf(bob, chatId)).toMatchObject({
      unreadCount: 1,
      lastMessage: { _id: messageId, content: "hello" },
    });
  });

  test("201 with type system: it has its sender, and counts as any other message", async () => {
    const answer = await send(alice, chatId, "Order shipped", { type: "system" });
    expect(answer.status).toBe(201);
    expect(answer.body.data.message).toMatchObject({ type: "system", senderId: alice.userId });
    expect(await infoOf(bob, chatId)).toMatchObject({
      unreadCount: 1,
      lastMessage: { content: "Order shipped", type: "system" },
    });
    expect(await statsOf(bob)).toMatchObject({ totalMessages: 1, totalUnread: 1 });
  });

  test.each([
    ["one character", "x", "x"],
    ["5,000 characters", "x".repeat(5_000), "x".repeat(5_000)],
    ["5,000 characters of two UTF-16 units each", "😀".repeat(5_000), "😀".repeat(5_000)],
    ["5,000 characters after trimming", `\t ${"x".repeat(5_000)}\n`, "x".repeat(5_000)],
    ["newlines and tabs within", "a\n\tb", "a\n\tb"],
    ["CRLF line ends", "a\r\nb", "a\nb"],
    ["CR line ends", "a\rb\r", "a\nb"],
    ["markup", "<b>'x'</b> & \"y\"", "<b>'x'</b> & \"y\""],
  ])("201 with content of %s", async (_, content, kept) => {
    expect((await send(alice, chatId, content)).status).toBe(201);
    expect(await contentsOf(bob, chatId)).toEqual([kept]);
  });

  test("201 as a reply to a message of the chat, deleted or not", async () => {
    const first = await sent(alice, chatId, "first");
    for (const replyToMessageId of [first, first.toUpperCase(), null]) {
      const answer = await send(bob, chatId, "reply", { replyToMessageId });
      expect(answer.body.data.message.replyToMessageId).toBe(replyToMessageId && first);
    }
    await remove(alice, chatId, first);
    const answer = await send(bob, chatId, "late reply", { replyToMessageId: first });
    expect(answer.status).toBe(201);
    expect(answer.body.data.message.replyToMessageId).toBe(first);
  });

  test("201 with the remaining rate limit", async () => {
    const { headers } = await send(alice, chatId, "hello");
    const told = ["Limit", "Remaining", "Reset"].map((name) => headers.get(`RateLimit-${name}`));
    expect(told).toEqual(["20", "19", "60"]);
  });

  test.each([
    ["empty_content", ""],
    ["empty_content", " \n\t "],
    ["content_too_long", "x".repeat(5_001)],
    ["content_too_long", "😀".repeat(5_001)],
    ["control_characters", "a\u0000b"],
    ["control_characters", "a\u007fb"],
    ["control_characters", "half a pair \ud83d"],
  ])("400 %s, case %#", async (code, content) => {
    expectWrongText(await send(alice, chatId, content), code);
    expect(await contentsOf(alice, chatId)).toEqual([]);
  });

  test("201 with null in optional fields, the same as missing ones", async () => {
    const answers = [
      await send(alice, chatId, "hello"),
      await send(alice, chatId, "hello", {
        ...{ type: null, replyToMessageId: null, metadata: null, clientMessageId: null },
      }),
    ];
    const varying = { _id: "", createdAt: "", updatedAt: "" };
    const [plain, withNulls] = answers.map(({ status, body }) => ({
      status,
      message: { ...body.data.message, ...varying },
    }));
    expect(plain?.status).toBe(201);
    expect(withNulls).toEqual(plain);
  });

  test.each([
    [{ content: undefined }, "content"],
    [{ content: 7 }, "content"],
    [{ content: null }, "content"],
    [{ type: "file" }, "type"],
    [{ replyToMessageId: "no-id" }, "replyToMessageId"],
    [{ metadata: [] }, "metadata"],
    [{ metadata: { blob: "x".repeat(8 * 1024) } }, "metadata"],
    [{ clientMessageId: "" }, "clientMessageId"],
    [{ clientMessageId: "with space" }, "clientMessageId"],
    [{ clientMessageId: "k".repeat(129) }, "clientMessageId"],
  ])("400 with an invalid body, case %#", async (wrong, path) => {
    const body = { content: "hello", ...wrong };
    expectInvalid(await alice.post(`${CHATS}/${chatId}/messages`, body), path);
  });

  test("400 as a reply to an id that names no message of the chat", async () => {
    const other = await directChat();
    const foreign = await sent(other.alice, other.chatId, "elsewhere");
    const never = `${chatId.slice(0, -10)}00000000ff`;
    for (const replyToMessageId of [foreign, never, FOREIGN, chatId]) {
      const answer = await send(alice, chatId, "reply", { replyToMessageId });
      expectRefusal(answer, 400, "invalid_reply");
    }
  });

  test("403 for users who are not participants", async () => {
    const mallory = await person("mallory", { role: "support" });
    expectRefusal(await send(mallory, chatId, "hello"), 403, "not_a_member");
    expect(await contentsOf(alice, chatId)).toEqual([]);
  });

  test("404 for an id that names no chat", async () => {
    const messageId = await sent(alice, chatId, "hello");
    for (const id of [NOBODYS, FOREIGN, messageId, "no-id"]) {
      expectRefusal(await send(alice, id, "hello"), 404, "conversation_not_found");
    }
  });
});
