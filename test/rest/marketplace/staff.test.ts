import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Caller, open, openLive, person } from "../../support.ts";
import {
  addTo,
  archive,
  CHATS,
  chatsOf,
  contentsOf,
  directChat,
  edit,
  entryOf,
  expectRefusal,
  groupChat,
  history,
  idsOf,
  infoOf,
  markRead,
  participantsOf,
  remove,
  removeFrom,
  send,
  sent,
  statsOf,
} from "./chats.ts";

let alice: Caller;
let bob: Caller;
let carol: Caller;
let chatId: string;
let messageId: string;

beforeEach(async () => {
  ({ alice, bob, carol, chatId } = await groupChat());
  messageId = await sent(alice, chatId, "hello");
});
afterEach(() => void vi.restoreAllMocks());

describe.each(["admin", "resolver"])("a user with the role %s who is in no chat", (role) => {
  let staff: Caller;

  beforeEach(async () => {
    staff = await person(role, { role });
  });

  test("200 and can read any chat: generic, direct, of a purchase request, of support", async () => {
    const pair = await directChat();
    const request = { purchaseRequestId: "r", sellerId: pair.bob.userId };
    const others = [
      await pair.alice.post(`${CHATS}/purchase-request`, request),
      await pair.alice.post(`${CHATS}/support`, {}),
    ].map((answer) => answer.body.data.chat._id);
    for (const id of [pair.chatId, ...others]) {
      await send(pair.alice, id, "hello");
      expect(await contentsOf(staff, id)).toEqual(["hello"]);
      expect((await staff.get(`${CHATS}/${id}/info`)).status).toBe(200);
    }
  });

  test("200 and receives a chat without a participant's own fields", async () => {
    const info = await infoOf(staff, chatId);
    expect(info).toMatchObject({
      isArchived: false,
      unreadCount: 0,
      lastMessage: { content: "hello" },
      unreadCounts: { [alice.userId]: 0, [bob.userId]: 1, [carol.userId]: 1 },
    });
    expect(info.unreadCounts).not.toHaveProperty(staff.userId);
    expect(participantsOf(info)).toEqual(idsOf(alice, bob, carol));
  });

  test("201 and can send; the message is unread for the participants", async () => {
    const socket = await openLive(bob, chatId);
    const answer = await send(staff, chatId, "how can I help?", { type: "system" });
    expect(answer.status).toBe(201);
    expect(answer.body.data.message).toMatchObject({ senderId: staff.userId, type: "system" });
    expect((await socket.next("message")).message).toMatchObject({ senderId: staff.userId });
    expect(await entryOf(bob, chatId)).toMatchObject({
      unreadCount: 2,
      lastMessage: { senderId: staff.userId, content: "how can I help?" },
    });
  });

  test("200 and nothing is stored: no participant, no receipt, no presence, no chat of their own", async () => {
    const socket = await openLive(bob, chatId);
    await history(staff, chatId);
    await infoOf(staff, chatId);
    await send(staff, chatId, "hello");
    await socket.next("message");
    await send(alice, chatId, "last");
    await socket.next("message");
    expect(socket.events.map((event) => event.type)).toEqual([
      "hello",
      "sync",
      "message",
      "message",
    ]);
    const info = await infoOf(alice, chatId);
    expect(participantsOf(info)).toEqual(idsOf(alice, bob, carol));
    expect(Object.keys(info.unreadCounts).sort()).toEqual(idsOf(alice, bob, carol));
    const { messages } = (await history(alice, chatId)).body.data;
    expect(messages.flatMap((message: { readBy: object[] }) => message.readBy)).toEqual([]);
    expect(await chatsOf(staff)).toEqual([]);
    expect(await statsOf(staff)).toMatchObject({ totalChats: 0, totalMessages: 0, totalUnread: 0 });
  });

  test("403 for everything else: no receipts, no archive flag, no edits, not even of their own messages", async () => {
    const own = await sent(staff, chatId, "mine");
    const inUniHub = `/api/v1/chat/messages/${messageId}`;
    for (const answer of [
      await markRead(staff, chatId),
      await markRead(staff, chatId, [messageId]),
      await archive(staff, chatId),
      await edit(staff, chatId, own, "edited"),
      await edit(staff, chatId, messageId, "edited"),
      await removeFrom(staff, chatId, staff.userId),
    ]) {
      expectRefusal(answer, 403, "not_a_member");
    }
    for (const answer of [
      await staff.get(`/api/v1/chat/messages?conversationId=${chatId}`),
      await staff.post("/api/v1/chat/messages", { conversationId: chatId, content: "hello" }),
      await staff.post(`${inUniHub}/reactions`, { emoji: "👍" }),
      await staff.post(`${inUniHub}/read`),
      await staff.get(`${inUniHub}/read-receipts`),
      await staff.post(`/api/v1/chat/conversations/${chatId}/participants`, {
        participantId: staff.userId,
      }),
    ]) {
      expect(answer.status).toBe(403);
    }
    const socket = await open(staff, chatId);
    expect((await socket.closed).code).toBe(4403);
    expect(socket.events).toEqual([]);
  });

  test("200 and every access is logged: user, action, and the role that allowed it", async () => {
    const log = vi.spyOn(console, "log");
    await history(staff, chatId);
    await infoOf(staff, chatId);
    await send(staff, chatId, "hello");
    const events = log.mock.calls.map(([line]) => JSON.parse(line));
    const access = {
      event: "staff_access",
      conversationId: chatId,
      userId: staff.userId,
      allowedBy: `role ${role}`,
    };
    expect(events).toEqual([
      { ...access, action: "read" },
      { ...access, action: "read" },
      { ...access, action: "send" },
    ]);
  });

  test("200 as a participant is not logged as access by role, and neither are refused requests", async () => {
    await addTo(alice, chatId, staff.userId);
    const log = vi.spyOn(console, "log");
    await history(staff, chatId);
    await send(staff, chatId, "hello");
    await markRead(staff, chatId);
    const pair = await directChat();
    await archive(staff, pair.chatId);
    expect(log.mock.calls.join()).not.toContain("staff_access");
  });

  test("404 for a channel and for an id that names no chat", async () => {
    const channel = { name: "Channel", isPublic: true };
    const { channelId } = (await alice.post("/api/v1/chat/channels", channel)).body;
    expectRefusal(await history(staff, channelId), 404, "conversation_not_found");
    expectRefusal(await send(staff, channelId, "x"), 404, "conversation_not_found");
    expectRefusal(await staff.get(`${CHATS}/${channelId}/info`), 404, "conversation_not_found");
  });
});

test("403 for a resolver who deletes or manages; an admin may, and it is logged", async () => {
  const [resolver, admin] = await Promise.all([
    person("resolver", { role: "resolver" }),
    person("admin", { role: ["user", "admin"] }),
  ]);
  const own = await sent(resolver, chatId, "mine");
  expectRefusal(await remove(resolver, chatId, own), 403, "not_a_member");
  expectRefusal(await remove(resolver, chatId, messageId), 403, "not_a_member");
  expectRefusal(await addTo(resolver, chatId, resolver.userId), 403, "not_a_member");
  expectRefusal(await removeFrom(resolver, chatId, bob.userId), 403, "not_a_member");
  const log = vi.spyOn(console, "log");
  expect((await remove(admin, chatId, messageId)).status).toBe(200);
  expect((await removeFrom(admin, chatId, bob.userId)).status).toBe(200);
  const events = log.mock.calls.map(([line]) => JSON.parse(line));
  expect(events).toMatchObject([
    { event: "staff_access", userId: admin.userId, action: "delete", allowedBy: "role admin" },
    { event: "staff_access", userId: admin.userId, action: "remove", allowedBy: "role admin" },
  ]);
  expect(participantsOf(await infoOf(admin, chatId))).toEqual(idsOf(alice, carol));
});

test("403 for the role support, and for unknown roles", async () => {
  for (const role of ["support", "Admin", "superuser", "owner"]) {
    const stranger = await person(role, { role });
    expectRefusal(await history(stranger, chatId), 403, "not_a_member");
    expectRefusal(await stranger.get(`${CHATS}/${chatId}/info`), 403, "not_a_member");
    expectRefusal(await send(stranger, chatId, "hello"), 403, "not_a_member");
  }
});
