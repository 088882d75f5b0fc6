import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Caller, openLive, person } from "../../support.ts";
import {
  CHATS,
  contentsOf,
  directChat,
  edit,
  entryOf,
  expectInvalid,
  expectRefusal,
  expectWrongText,
  FOREIGN,
  groupChat,
  history,
  infoOf,
  markRead,
  NOBODYS,
  remove,
  removeFrom,
  send,
  sent,
} from "./chats.ts";

const WINDOW_MS = 15 * 60_000;
const START = Date.parse("2031-05-06T07:08:09.123Z");

let alice: Caller;
let bob: Caller;
let chatId: string;
let messageId: string;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
  ({ alice, bob, chatId } = await directChat());
  messageId = await sent(alice, chatId, "as sent", { metadata: { a: 1 } });
});
afterEach(() => void vi.useRealTimers());

describe("PUT /api/chat/:id/messages/:messageId", () => {
  test("200 with the edited message, in every view", async () => {
    const before = (await history(bob, chatId)).body.data.messages[0];
    vi.setSystemTime(START + 1_000);
    const answer = await edit(alice, chatId, messageId, " as edited\n");
    expect(answer.status).toBe(200);
    const editedAt = new Date(START + 1_000).toISOString();
    const message = { ...before, content: "as edited", editedAt, updatedAt: editedAt };
    expect(answer.body).toStrictEqual({ success: true, data: { message } });
    expect((await history(bob, chatId)).body.data.messages).toEqual([message]);
    expect(await infoOf(bob, chatId)).toMatchObject({ lastMessage: message });
    expect(await entryOf(bob, chatId)).toMatchObject({ lastMessage: message, unreadCount: 1 });
  });

  test("200 and sockets receive an event with its cause", async () => {
    const sockets = await Promise.all([openLive(alice, chatId), openLive(bob, chatId)]);
    await edit(alice, chatId, messageId, "as edited");
    for (const socket of sockets) {
      const { cause, message } = await socket.next("message");
      expect({ cause, message }).toMatchObject({
        cause: "edited",
        message: { id: messageId, content: "as edited", number: 1 },
      });
    }
  });

  test("200 within 15 minutes, 400 a millisecond later", async () => {
    vi.setSystemTime(START + WINDOW_MS);
    expect((await edit(alice, chatId, messageId, "in time")).status).toBe(200);
    vi.setSystemTime(START + WINDOW_MS + 1);
    expectRefusal(await edit(alice, chatId, messageId, "late"), 400, "edit_window_closed");
    expect(await contentsOf(bob, chatId)).toEqual(["in time"]);
  });

  test("200 keeps the receipts, and the message stays read", async () => {
    await markRead(bob, chatId);
    const { message } = (await edit(alice, chatId, messageId, "as edited")).body.data;
    expect(message.readBy).toMatchObject([{ userId: bob.userId }]);
    expect(await entryOf(bob, chatId)).toMatchObject({ unreadCount: 0 });
  });

  test("200 with ids in upper case, and with 5,000 characters", async () => {
    const answer = await edit(
      alice,
      chatId.toUpperCase(),
      messageId.toUpperCase(),
      "😀".repeat(5_000),
    );
    expect(answer.status).toBe(200);
    expect(answer.body.data.message._id).toBe(messageId);
  });

  test.each([
    ["empty_content", ""],
    ["empty_content", " \n "],
    ["content_too_long", "x".repeat(5_001)],
    ["control_characters", "a\u0000b"],
  ])("400 %s, case %#", async (code, content) => {
    expectWrongText(await edit(alice, chatId, messageId, content), code);
    expect(await contentsOf(bob, chatId)).toEqual(["as sent"]);
  });

  test.each([{}, { content: 7 }, { content: null }])("400 with %j", async (body) => {
    const answer = await alice.put(`${CHATS}/${chatId}/messages/${messageId}`, body);
    expectInvalid(answer, "content");
  });

  test("400 for a deleted message", async () => {
    await remove(alice, chatId, messageId);
    expectRefusal(await edit(alice, chatId, messageId, "undead"), 400, "message_deleted");
    expect(await contentsOf(bob, chatId)).toEqual([""]);
  });

  test("400 for a message of type system, the caller's own or an announcement", async () => {
    const { alice, carol, chatId } = await groupChat();
    const own = await sent(alice, chatId, "shipped", { type: "system" });
    expectRefusal(await edit(alice, chatId, own, "not shipped"), 400, "system_message");
    await removeFrom(alice, chatId, carol.userId);
    const announcement = (await history(alice, chatId)).body.data.messages[0];
    expect(announcement).toMatchObject({ senderId: null, type: "system" });
    expectRefusal(await edit(alice, chatId, announcement._id, "x"), 400, "system_message");
  });

  test("403 for every other participant, during and after the edit window", async () => {
    expectRefusal(await edit(bob, chatId, messageId, "x"), 403, "not_the_author");
    vi.setSystemTime(START + WINDOW_MS + 1);
    expectRefusal(await edit(bob, chatId, messageId, "x"), 403, "not_the_author");
    expect(await contentsOf(bob, chatId)).toEqual(["as sent"]);
  });

  test("403 for another user's message of type system, and another user's deleted message", async () => {
    const system = await sent(alice, chatId, "shipped", { type: "system" });
    expectRefusal(await edit(bob, chatId, system, "x"), 403, "not_the_author");
    await remove(alice, chatId, messageId);
    expectRefusal(await edit(bob, chatId, messageId, "x"), 403, "not_the_author");
  });

  test("403 for users who are not participants, regardless of roles", async () => {
    for (const role of ["user", "support", "resolver", "admin"]) {
      const mallory = await person(role, { role });
      expectRefusal(await edit(mallory, chatId, messageId, "x"), 403, "not_a_member");
    }
  });

  test("403 for an author who is no longer a participant", async () => {
    const group = await groupChat();
    const id = await sent(group.bob, group.chatId, "mine");
    await removeFrom(group.alice, group.chatId, group.bob.userId);
    expectRefusal(await edit(group.bob, group.chatId, id, "x"), 403, "not_a_member");
  });

  test("404 for an id that names no chat, or no message of it", async () => {
    const other = await directChat();
    const foreign = (await send(other.alice, other.chatId, "elsewhere")).body.data.message._id;
    for (const id of [NOBODYS, FOREIGN, "no-id"]) {
      expectRefusal(await edit(alice, id, messageId, "x"), 404, "conversation_not_found");
    }
    const never = `${chatId.slice(0, -10)}00000000ff`;
    for (const id of [foreign, never, FOREIGN, chatId, "no-id"]) {
      expectRefusal(await edit(alice, chatId, id, "x"), 404, "message_not_found");
    }
  });
});
