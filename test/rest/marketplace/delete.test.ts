import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Caller, openLive, person } from "../../support.ts";
import {
  directChat,
  edit,
  entryOf,
  expectRefusal,
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

const START = Date.parse("2031-05-06T07:08:09.123Z");

let alice: Caller;
let bob: Caller;
let carol: Caller;
let chatId: string;
let messageId: string;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
  ({ alice, bob, carol, chatId } = await groupChat());
  messageId = await sent(bob, chatId, "to be deleted", { metadata: { secret: 1 } });
});
afterEach(() => void vi.useRealTimers());

describe("DELETE /api/chat/:id/messages/:messageId", () => {
  test("200 with the message, without its content", async () => {
    const before = (await history(alice, chatId)).body.data.messages[0];
    vi.setSystemTime(START + 1_000);
    const answer = await remove(bob, chatId, messageId);
    expect(answer.status).toBe(200);
    const deletedAt = new Date(START + 1_000).toISOString();
    const message = { ...before, content: "", metadata: null, deletedAt, updatedAt: deletedAt };
    expect(answer.body).toStrictEqual({ success: true, data: { message } });
    const { messages, pagination } = (await history(alice, chatId)).body.data;
    expect(messages).toEqual([message]);
    expect(pagination.total).toBe(1);
  });

  test("200 and sockets receive an event with its cause", async () => {
    const sockets = await Promise.all([openLive(alice, chatId), openLive(bob, chatId)]);
    await remove(bob, chatId, messageId);
    for (const socket of sockets) {
      const { cause, message } = await socket.next("message");
      expect(message).toMatchObject({ id: messageId, content: "", metadata: null });
      expect(cause).toBe("deleted");
      expect(message.deletedAt).not.toBeNull();
    }
  });

  test("200 a second time, which changes nothing and sends no event", async () => {
    const first = await remove(bob, chatId, messageId);
    const socket = await openLive(alice, chatId);
    vi.setSystemTime(START + 1_000);
    const second = await remove(bob, chatId, messageId);
    expect(second.status).toBe(200);
    expect(second.body).toEqual(first.body);
    await send(bob, chatId, "after");
    await socket.next("message");
    expect(socket.all("message")).toHaveLength(1);
  });

  test("200 after the edit window", async () => {
    vi.setSystemTime(START + 50 * 60_000);
    expect((await remove(bob, chatId, messageId)).status).toBe(200);
  });

  test("200 by an admin, participant or not", async () => {
    const admin = await person("admin", { role: "admin" });
    expect((await remove(admin, chatId, messageId)).status).toBe(200);
    const { body } = await admin.post("/api/chat", {
      type: "group",
      participantIds: [alice.userId],
    });
    const theirs = await sent(alice, body.data.chat._id, "hello");
    expect((await remove(admin, body.data.chat._id, theirs)).status).toBe(200);
  });

  test("200 for a message of type system by its author, for an announcement by an admin", async () => {
    const own = await sent(bob, chatId, "shipped", { type: "system" });
    expect((await remove(bob, chatId, own)).status).toBe(200);
    await removeFrom(alice, chatId, carol.userId);
    const announcement = (await history(alice, chatId)).body.data.messages[0];
    expectRefusal(await remove(alice, chatId, announcement._id), 400, "system_message");
    const admin = await person("admin", { role: "admin" });
    expect((await remove(admin, chatId, announcement._id)).status).toBe(200);
    expect(await infoOf(alice, chatId)).toMatchObject({ unreadCount: 1 });
  });

  test("200 and the message is unread for no member, whether it was read before or not", async () => {
    const other = await sent(bob, chatId, "stays");
    await markRead(carol, chatId, [messageId]);
    await remove(bob, chatId, messageId);
    const { unreadCounts } = await infoOf(alice, chatId);
    expect(unreadCounts).toEqual({ [alice.userId]: 1, [bob.userId]: 0, [carol.userId]: 1 });
    for (const caller of [alice, carol]) {
      expect(await entryOf(caller, chatId)).toMatchObject({ unreadCount: 1 });
    }
    await remove(bob, chatId, other);
    expect(await entryOf(alice, chatId)).toMatchObject({ unreadCount: 0, lastMessage: null });
  });

  test("200 and replies still refer to it", async () => {
    await send(alice, chatId, "what?", { replyToMessageId: messageId });
    await remove(bob, chatId, messageId);
    const [reply] = (await history(carol, chatId)).body.data.messages;
    expect(reply.replyToMessageId).toBe(messageId);
  });

  test("200 after an edit keeps the time of the edit", async () => {
    vi.setSystemTime(START + 1_000);
    await edit(bob, chatId, messageId, "edited");
    vi.setSystemTime(START + 2_000);
    const { message } = (await remove(bob, chatId, messageId)).body.data;
    expect(message).toMatchObject({
      editedAt: new Date(START + 1_000).toISOString(),
      deletedAt: new Date(START + 2_000).toISOString(),
      updatedAt: new Date(START + 2_000).toISOString(),
    });
  });

  test("403 for other participants, but for those who moderate the group", async () => {
    expectRefusal(await remove(carol, chatId, messageId), 403, "not_the_author");
    const deleted = await remove(alice, chatId, messageId);
    expect(deleted.body.data.message).toMatchObject({ content: "", deletedBy: alice.userId });
    expectRefusal(await remove(carol, chatId, messageId), 403, "not_the_author");
  });

  test("403 for users who are not participants, and for an author who no longer is", async () => {
    for (const role of ["user", "support", "resolver"]) {
      const mallory = await person(role, { role });
      expectRefusal(await remove(mallory, chatId, messageId), 403, "not_a_member");
    }
    await removeFrom(alice, chatId, bob.userId);
    expectRefusal(await remove(bob, chatId, messageId), 403, "not_a_member");
  });

  test("404 for an id that names no chat, or no message of it", async () => {
    const other = await directChat();
    const foreign = await sent(other.alice, other.chatId, "elsewhere");
    for (const id of [NOBODYS, FOREIGN, "no-id"]) {
      expectRefusal(await remove(bob, id, messageId), 404, "conversation_not_found");
    }
    const never = `${chatId.slice(0, -10)}00000000ff`;
    for (const id of [foreign, never, FOREIGN, chatId, "no-id"]) {
      expectRefusal(await remove(bob, chatId, id), 404, "message_not_found");
    }
  });
});
