import { describe, expect, test } from "vitest";
import { person } from "../../support.ts";
import {
  addTo,
  CHATS,
  directChat,
  expectRefusal,
  FOREIGN,
  groupChat,
  ISO_TIME,
  idsOf,
  infoOf,
  markRead,
  NOBODYS,
  participantsOf,
  remove,
  removeFrom,
  send,
  sent,
} from "./chats.ts";

describe("GET /api/chat/:id/info", () => {
  test("200 with all fields of a chat, and every participant's unread count", async () => {
    const { alice, bob, carol, chatId } = await groupChat();
    await send(alice, chatId, "one");
    const last = await send(alice, chatId, "two", { metadata: { mood: "fine" } });
    await markRead(bob, chatId);
    const answer = await carol.get(`${CHATS}/${chatId}/info`);
    expect(answer.status).toBe(200);
    const time = expect.stringMatching(ISO_TIME);
    const participant = ({ userId }: { userId: string }, name: string, role: string) => ({
      userId,
      name,
      avatarUrl: null,
      role,
      joinedAt: time,
    });
    expect(answer.body).toStrictEqual({
      success: true,
      data: {
        chat: {
          _id: chatId,
          type: "group",
          title: "Group",
          participants: expect.arrayContaining([
            participant(alice, "Alice", "owner"),
            participant(bob, "Bob", "member"),
            participant(carol, "Carol", "member"),
          ]),
          createdBy: alice.userId,
          purchaseRequestId: null,
          subject: null,
          metadata: null,
          isArchived: false,
          unreadCount: 2,
          unreadMentions: 0,
          unreadCounts: { [alice.userId]: 0, [bob.userId]: 0, [carol.userId]: 2 },
          lastMessage: {
            ...last.body.data.message,
            readBy: [{ userId: bob.userId, readAt: time }],
          },
          createdAt: time,
          updatedAt: last.body.data.message.createdAt,
        },
      },
    });
    expect(participantsOf(answer.body.data.chat)).toEqual(idsOf(alice, bob, carol));
  });

  test("200 with the latest counted message, without deleted ones and announcements", async () => {
    const { alice, bob, carol, chatId } = await groupChat();
    expect(await infoOf(bob, chatId)).toMatchObject({ lastMessage: null });
    await send(alice, chatId, "one");
    const two = await sent(bob, chatId, "two");
    await removeFrom(alice, chatId, carol.userId);
    expect(await infoOf(bob, chatId)).toMatchObject({ lastMessage: { content: "two" } });
    await remove(bob, chatId, two);
    const info = await infoOf(bob, chatId);
    expect(info).toMatchObject({ lastMessage: { content: "one" }, unreadCount: 1 });
    expect(info.updatedAt).toBe(info.lastMessage.createdAt);
  });

  test("200 with the current participants, after one left and one was added", async () => {
    const { alice, bob, carol, chatId } = await groupChat();
    const dave = await person("dave");
    await addTo(alice, chatId, dave.userId);
    await removeFrom(alice, chatId, carol.userId);
    const info = await infoOf(bob, chatId);
    expect(participantsOf(info)).toEqual(idsOf(alice, bob, dave));
    expect(Object.keys(info.unreadCounts).sort()).toEqual(idsOf(alice, bob, dave));
    expectRefusal(await carol.get(`${CHATS}/${chatId}/info`), 403, "not_a_member");
  });

  test("200 with an id in upper case", async () => {
    const { alice, chatId } = await directChat();
    expect(await infoOf(alice, chatId.toUpperCase())).toMatchObject({ _id: chatId });
  });

  test("403 for users who are not participants", async () => {
    const { chatId } = await directChat();
    const answer = await (await person("mallory")).get(`${CHATS}/${chatId}/info`);
    expectRefusal(answer, 403, "not_a_member");
  });

  test("404 for an id that names no chat", async () => {
    const { alice, chatId } = await directChat();
    const messageId = await sent(alice, chatId, "hello");
    for (const id of [NOBODYS, FOREIGN, messageId, "no-id", "%00", `${chatId}0`]) {
      expectRefusal(await alice.get(`${CHATS}/${id}/info`), 404, "conversation_not_found");
    }
  });
});
