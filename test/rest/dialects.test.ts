import { describe, expect, test } from "vitest";
import { Hub } from "../gateway/line.ts";
import { type Caller, directPair, groupOf, person, send as sendByUniHub } from "../support.ts";
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
  infoOf,
  markRead,
  remove,
  send,
  sent,
  statsOf,
} from "./marketplace/chats.ts";

const UNIHUB = "/api/v1/chat";

/** A conversation's messages in UniHub's form, newest first. */
async function itemsOf(caller: Caller, conversationId: string) {
  return (await caller.get(`${UNIHUB}/messages?conversationId=${conversationId}`)).body.items;
}

async function messagesOf(caller: Caller, chatId: string) {
  return (await history(caller, chatId)).body.data.messages;
}

/** Checks that both dialects return the same messages. */
async function bothTellTheSame(caller: Caller, id: string): Promise<void> {
  const [items, messages] = await Promise.all([itemsOf(caller, id), messagesOf(caller, id)]);
  const translated = messages.map((message: Record<string, string | null>) => ({
    messageId: message["_id"],
    conversationId: message["chatId"],
    senderId: message["senderId"],
    content: message["content"],
    type: message["senderId"] === null ? "System" : "Text",
    sentAt: message["createdAt"],
    editedAt: message["editedAt"],
    isDeleted: message["deletedAt"] !== null,
    replyToMessageId: message["replyToMessageId"],
    attachments: message["attachments"],
    reactions: message["reactions"],
  }));
  expect(items).toEqual(translated);
}

describe("a conversation that UniHub created", () => {
  test("is the same in the marketplace: read, replied to, edited and deleted there", async () => {
    const { alice, bob, conversationId } = await directPair();
    const { messageId } = (await sendByUniHub(alice, conversationId, "from UniHub")).body;
    expect(await messagesOf(bob, conversationId)).toMatchObject([
      { _id: messageId, chatId: conversationId, content: "from UniHub", type: "text" },
    ]);
    const reply = await sent(bob, conversationId, "reply", { replyToMessageId: messageId });
    await edit(bob, conversationId, reply, "edited reply");
    await bothTellTheSame(alice, conversationId);
    await remove(alice, conversationId, messageId);
    await bothTellTheSame(bob, conversationId);
    expect(await itemsOf(alice, conversationId)).toMatchObject([
      { messageId: reply, content: "edited reply", replyToMessageId: messageId },
      { messageId, content: "", isDeleted: true },
    ]);
  });

  test("is returned when the marketplace creates it again, and keeps UniHub's limit", async () => {
    const { alice, bob, conversationId } = await directPair();
    const again = await bob.post(CHATS, { participantIds: [alice.userId] });
    expect(again.status).toBe(200);
    expect(again.body.data.chat).toMatchObject({ _id: conversationId, type: "direct" });
    const answer = await send(bob, conversationId, "hello");
    expect(answer.headers.get("RateLimit-Limit")).toBe("100");
  });

  test("loses a message's reactions when the marketplace deletes the message", async () => {
    const { alice, bob, conversationId } = await directPair();
    const messageId = await sent(alice, conversationId, "hello");
    const reactions = `${UNIHUB}/messages/${messageId}/reactions`;
    await bob.post(reactions, { emoji: "👍" });
    const reacted = [{ emoji: "👍", count: 1, userIds: [bob.userId] }];
    expect(await messagesOf(alice, conversationId)).toMatchObject([{ reactions: reacted }]);
    const edited = await edit(alice, conversationId, messageId, "edited");
    expect(edited.body.data.message.reactions).toEqual(reacted);
    const deleted = await remove(alice, conversationId, messageId);
    expect(deleted.body.data.message.reactions).toEqual([]);
    expect((await bob.post(reactions, { emoji: "🔥" })).status).toBe(400);
    await bothTellTheSame(bob, conversationId);
  });

  test("has the same participants, whichever dialect changes them", async () => {
    const [alice, bob, carol, dave] = await Promise.all([person(), person(), person(), person()]);
    const conversationId = await groupOf(alice, bob, carol);
    const path = `${UNIHUB}/conversations/${conversationId}/participants`;
    await alice.post(path, { participantId: dave.userId });
    expect(await entryOf(dave, conversationId)).toMatchObject({ type: "group", title: "Group" });
    await alice.delete(`${CHATS}/${conversationId}/participants/${dave.userId}`);
    expect((await dave.get(`${UNIHUB}/conversations`)).body).toEqual([]);
    await addTo(alice, conversationId, dave.userId);
    const [listed] = (await dave.get(`${UNIHUB}/conversations`)).body;
    expect(listed.participantIds.sort()).toEqual(
      [alice, bob, carol, dave].map(({ userId }) => userId).sort(),
    );
    await bothTellTheSame(bob, conversationId);
  });
});

describe("a chat that the marketplace created", () => {
  test("is the same in UniHub: read, replied to and marked as read there", async () => {
    const { alice, bob, chatId } = await directChat();
    const first = await sent(alice, chatId, "from the marketplace");
    const [listed] = (await bob.get(`${UNIHUB}/conversations`)).body;
    expect(listed).toMatchObject({
      conversationId: chatId,
      type: "Direct",
      unreadCount: 1,
      lastMessage: { messageId: first, content: "from the marketplace" },
    });
    await bob.post(`${UNIHUB}/messages/${first}/read`);
    await sendByUniHub(bob, chatId, "reply", { replyToMessageId: first });
    expect(await messagesOf(alice, chatId)).toMatchObject([
      { content: "reply", replyToMessageId: first, senderId: bob.userId },
      { _id: first, readBy: [{ userId: bob.userId }] },
    ]);
    const receipts = (await alice.get(`${UNIHUB}/messages/${first}/read-receipts`)).body;
    expect((await messagesOf(alice, chatId))[1].readBy).toEqual(receipts);
    await bothTellTheSame(bob, chatId);
  });

  test("has the same unread counts in both lists, whichever dialect marks messages as read", async () => {
    const { alice, bob, chatId } = await directChat();
    const [one] = [await sent(alice, chatId, "one"), await sent(alice, chatId, "two")];
    const counts = async () => [
      (await bob.get(`${UNIHUB}/conversations`)).body[0].unreadCount,
      (await entryOf(bob, chatId)).unreadCount,
      (await infoOf(bob, chatId)).unreadCount,
      (await statsOf(bob)).totalUnread,
    ];
    expect(await counts()).toEqual([2, 2, 2, 2]);
    await bob.post(`${UNIHUB}/messages/${one}/read`);
    expect(await counts()).toEqual([1, 1, 1, 1]);
    await markRead(bob, chatId);
    expect(await counts()).toEqual([0, 0, 0, 0]);
  });

  test("is archived in both lists", async () => {
    const { alice, chatId } = await directChat();
    await archive(alice, chatId);
    expect((await alice.get(`${UNIHUB}/conversations`)).body).toMatchObject([{ isArchived: true }]);
  });

  test("contains what only the marketplace can send: longer text, and the type system", async () => {
    const { alice, chatId } = await groupChat();
    await send(alice, chatId, "x".repeat(5_000));
    await send(alice, chatId, "shipped", { type: "system" });
    await bothTellTheSame(alice, chatId);
    expect((await sendByUniHub(alice, chatId, "x".repeat(2_001))).status).toBe(400);
    expect((await sendByUniHub(alice, chatId, "x".repeat(2_000))).status).toBe(201);
  });

  test("shows a participant's message as theirs, even if it has the type system", async () => {
    const { alice, bob, carol, chatId } = await groupChat();
    const hub = await Hub.connect(bob);
    await hub.ask("JoinConversation", chatId);
    await send(alice, chatId, "You have won", { type: "system" });
    await addTo(alice, chatId, (await person("dave")).userId);
    await hub.until("ReceiveMessage", 2);
    const seen = hub.all("ReceiveMessage").map(({ type, senderId }) => [type, senderId]);
    expect(seen).toEqual([
      ["Text", alice.userId],
      ["System", null],
    ]);
    expect((await itemsOf(carol, chatId)).map(({ type }: { type: string }) => type)).toEqual([
      "System",
      "Text",
    ]);
    const [listed] = (await carol.get(`${UNIHUB}/conversations`)).body;
    expect(listed.lastMessage).toMatchObject({ type: "Text", content: "You have won" });
    // The marketplace returns the type and the sender.
    expect(await messagesOf(carol, chatId)).toMatchObject([
      { type: "system", senderId: null },
      { type: "system", senderId: alice.userId, content: "You have won" },
    ]);
  });

  test("accepts an idempotency key in both dialects", async () => {
    const { alice, chatId } = await directChat();
    const key = { clientMessageId: "key" };
    const first = (await send(alice, chatId, "once", key)).body.data.message;
    const again = await sendByUniHub(alice, chatId, "once", key);
    expect(again.body).toMatchObject({ messageId: first._id, deduplicated: true });
    expect(await contentsOf(alice, chatId)).toEqual(["once"]);
    expectRefusal(
      await send(alice, chatId, "once", { ...key, type: "system" }),
      409,
      "idempotency_conflict",
    );
  });

  test("is listed by UniHub for every kind: support as a group, a purchase request as direct", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    await alice.post(`${CHATS}/support`, {});
    await alice.post(`${CHATS}/purchase-request`, { purchaseRequestId: "r", sellerId: bob.userId });
    const types = (await alice.get(`${UNIHUB}/conversations`)).body.map(
      (listed: { type: string }) => listed.type,
    );
    expect(types.sort()).toEqual(["Direct", "Group"]);
  });
});

describe("a channel", () => {
  test("404 in every endpoint of the marketplace, also for its owner, and in no list", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const channel = { name: "Channel", isPublic: true };
    const { channelId } = (await alice.post(`${UNIHUB}/channels`, channel)).body;
    await bob.post(`${UNIHUB}/channels/${channelId}/join`);
    const { messageId } = (await sendByUniHub(alice, channelId, "hello")).body;
    const path = `${CHATS}/${channelId}`;
    for (const caller of [alice, bob, await person("admin", { role: "admin" })]) {
      for (const answer of [
        await caller.get(`${path}/info`),
        await caller.put(`${path}/archive`),
        await caller.post(`${path}/participants`, { userId: bob.userId }),
        await caller.delete(`${path}/participants/${bob.userId}`),
        await caller.get(`${path}/messages`),
        await caller.post(`${path}/messages`, { content: "hello" }),
        await caller.patch(`${path}/messages/read`),
        await caller.put(`${path}/messages/${messageId}`, { content: "edited" }),
        await caller.delete(`${path}/messages/${messageId}`),
      ]) {
        expectRefusal(answer, 404, "conversation_not_found");
      }
      expect(await chatsOf(caller)).toEqual([]);
    }
    expect(await statsOf(bob)).toMatchObject({ totalChats: 0, totalMessages: 0, totalUnread: 0 });
    expect(await itemsOf(bob, channelId)).toMatchObject([{ content: "hello" }]);
  });
});
