import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { person } from "../../support.ts";
import {
  archive,
  CHATS,
  directChat,
  groupChat,
  markRead,
  newGroup,
  remove,
  removeFrom,
  send,
  sent,
  statsOf,
} from "./chats.ts";

afterEach(() => void vi.restoreAllMocks());

describe("GET /api/chat/stats", () => {
  test("200 with zeros for a user without chats", async () => {
    const answer = await (await person()).get(`${CHATS}/stats`);
    expect(answer.status).toBe(200);
    expect(answer.body).toStrictEqual({
      success: true,
      data: { totalChats: 0, totalMessages: 0, totalUnread: 0, totalMentions: 0, unreadChats: 0 },
    });
  });

  test("200 with totals of all of the caller's chats", async () => {
    const { alice, bob, chatId } = await directChat();
    const group = await newGroup(alice, bob);
    await newGroup(alice, bob);
    await send(alice, chatId, "one");
    await send(bob, chatId, "two");
    await send(bob, group, "three");
    await send(bob, group, "four");
    expect(await statsOf(alice)).toMatchObject({ totalChats: 3, totalMessages: 4, totalUnread: 3 });
    expect(await statsOf(bob)).toMatchObject({ totalChats: 3, totalMessages: 4, totalUnread: 1 });
    await markRead(alice, group);
    expect(await statsOf(alice)).toMatchObject({ totalChats: 3, totalMessages: 4, totalUnread: 1 });
  });

  test("200 and deleted messages are not counted, read or not", async () => {
    const { alice, bob, chatId } = await directChat();
    const read = await sent(alice, chatId, "read");
    await markRead(bob, chatId, [read]);
    const unread = await sent(alice, chatId, "unread");
    await remove(alice, chatId, unread);
    expect(await statsOf(bob)).toMatchObject({ totalChats: 1, totalMessages: 1, totalUnread: 0 });
    await remove(alice, chatId, read);
    expect(await statsOf(bob)).toMatchObject({ totalChats: 1, totalMessages: 0, totalUnread: 0 });
    expect(await statsOf(alice)).toMatchObject({ totalChats: 1, totalMessages: 0, totalUnread: 0 });
  });

  test("200 and neither announcements nor channels are counted", async () => {
    const { alice, bob, carol, chatId } = await groupChat();
    await removeFrom(alice, chatId, carol.userId);
    const channel = { name: "Channel", isPublic: true };
    const { channelId } = (await alice.post("/api/v1/chat/channels", channel)).body;
    await alice.post("/api/v1/chat/messages", { conversationId: channelId, content: "hello" });
    expect(await statsOf(alice)).toMatchObject({ totalChats: 1, totalMessages: 0, totalUnread: 0 });
    expect(await statsOf(bob)).toMatchObject({ totalChats: 1, totalMessages: 0, totalUnread: 0 });
  });

  test("200 with archived chats, and without chats that the caller left", async () => {
    const { alice, bob, chatId } = await groupChat();
    await send(alice, chatId, "hello");
    await archive(bob, chatId);
    expect(await statsOf(bob)).toMatchObject({ totalChats: 1, totalMessages: 1, totalUnread: 1 });
    await removeFrom(bob, chatId, bob.userId);
    expect(await statsOf(bob)).toMatchObject({ totalChats: 0, totalMessages: 0, totalUnread: 0 });
  });

  test("200 from one query, however many chats there are, and no chat's object is called", async () => {
    const { alice, bob } = await directChat();
    await Promise.all([newGroup(alice, bob), newGroup(alice, bob), newGroup(alice, bob)]);
    const queries: string[] = [];
    const withSession = env.DB.withSession.bind(env.DB);
    vi.spyOn(env.DB, "withSession").mockImplementation((constraint) => {
      const session = withSession(constraint);
      const prepare = session.prepare.bind(session);
      vi.spyOn(session, "prepare").mockImplementation((query) => {
        queries.push(query);
        return prepare(query);
      });
      return session;
    });
    const asked = vi.spyOn(env.CONVERSATIONS, "getByName");
    expect((await statsOf(alice)).totalChats).toBe(4);
    expect(queries).toHaveLength(1);
    expect(asked).not.toHaveBeenCalled();
  });
});
