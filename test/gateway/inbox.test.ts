import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { inboxOf as stubOf } from "../../src/conversation/stub.ts";
import { SocketIoGateway } from "../../src/index.ts";
import { inboxOf } from "../inbox/replica.ts";
import { channelOf, directPair, fireAlarms, groupOf, objectOf, person, send } from "../support.ts";
import { Hub, Io } from "./line.ts";

/** Connections of both protocols that follow the inbox of their user. */

test("SignalR: pages of the list, and ConversationUpdated for whatever changes", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(bob, conversationId, "before");
  const hub = await Hub.connect(alice);
  const page = await hub.ask("SubscribeConversations");
  expect(page).toMatchObject({ rows: [{ conversationId, unread: 1, kind: "direct" }] });
  await send(bob, conversationId, "now");
  await vi.waitFor(() =>
    expect(hub.all("ConversationUpdated").at(-1)).toMatchObject({
      ...{ conversationId, unread: 2, lastMessage: { content: "now" } },
    }),
  );
  const group = await groupOf(bob, alice, await person("carol"));
  await vi.waitFor(() =>
    expect(hub.all("ConversationUpdated").at(-1)).toMatchObject({ conversationId: group }),
  );
  await bob.delete(`/api/v1/chat/conversations/${group}/participants/${alice.userId}`);
  await vi.waitFor(() =>
    expect(hub.all("ConversationUpdated").at(-1)).toMatchObject({
      ...{ conversationId: group, removed: true },
    }),
  );
  await hub.ask("UnsubscribeConversations");
  const count = hub.all("ConversationUpdated").length;
  await send(bob, conversationId, "unheard");
  await fireAlarms(conversationId);
  expect(hub.all("ConversationUpdated")).toHaveLength(count);
});

test("Socket.IO: chat-updated, without channels; a subscription survives hibernation of all", async () => {
  const { alice, bob, conversationId } = await directPair();
  const channel = await channelOf(bob, [alice]);
  const io = await Io.connect(alice);
  const page = await io.ask("subscribe-chats");
  expect(page).toMatchObject({ success: true, data: { chats: [{ chatId: conversationId }] } });
  await evictDurableObject(inboxOf(alice));
  await io.evict();
  await send(bob, channel, "no chat");
  await send(bob, conversationId, "hello");
  await vi.waitFor(() =>
    expect(io.all("chat-updated").at(-1)).toMatchObject({ chatId: conversationId, unread: 1 }),
  );
});

test("a row that could not be passed on is passed on by the alarm of the inbox", async () => {
  const { alice, bob, conversationId } = await directPair();
  const io = await Io.connect(alice);
  await io.ask("subscribe-chats");
  const deliver = vi.spyOn(SocketIoGateway.prototype, "deliverRow");
  deliver.mockImplementationOnce(() => {
    throw new Error("out of order");
  });
  await send(bob, conversationId, "hello");
  await vi.waitFor(() => expect(deliver).toHaveBeenCalled());
  await vi.waitFor(
    () =>
      expect(io.all("chat-updated").at(-1)).toMatchObject({ chatId: conversationId, unread: 1 }),
    { timeout: 10_000 },
  );
  vi.restoreAllMocks();
});

test("a connection that has ended is called no more, and its user rests", async () => {
  const { alice, bob, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  await hub.ask("SubscribeConversations");
  hub.line.socket.close();
  await vi.waitFor(async () => {
    await send(bob, conversationId, "anybody there?");
    const armed = await runInDurableObject(objectOf(conversationId), (_, { storage: { sql } }) =>
      sql.exec("SELECT user_id FROM armed WHERE user_id = ?", alice.userId).toArray(),
    );
    expect(armed).toEqual([]);
  });
  await runInDurableObject(inboxOf(alice), (_, { storage: { sql } }) => {
    expect(sql.exec("SELECT * FROM followers").toArray()).toEqual([]);
    expect(sql.exec("SELECT conversation_id FROM pending").toArray()).toEqual([
      { conversation_id: conversationId },
    ]);
  });
});

test("the pages that a user's connections request are limited together", async () => {
  const { alice } = await directPair();
  const pages = await Promise.all(
    Array.from({ length: 125 }, () => stubOf(env, alice.userId).list(undefined)),
  );
  const refused = pages.filter(({ ok }) => !ok);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]).toMatchObject({
    error: { code: "rate_limited", retryAfterMs: expect.any(Number) },
  });
});

test("rows have the level of notifications, and come when that changes", async () => {
  const { alice, bob, conversationId } = await directPair();
  const path = `/api/chat/${conversationId}/notifications`;
  await alice.put(path, { level: "none" });
  const [io, hub, other] = [
    await Io.connect(alice),
    await Hub.connect(alice),
    await Io.connect(bob),
  ];
  await other.ask("subscribe-chats");
  const level = { level: "none", muted: true };
  const chats = await io.ask("subscribe-chats");
  expect(chats).toMatchObject({ data: { chats: [{ chatId: conversationId, ...level }] } });
  const list = await hub.ask("SubscribeConversations");
  expect(list).toMatchObject({ rows: [{ conversationId, ...level }] });
  await alice.put(path, { level: "mentions" });
  const changed = { level: "mentions", unread: 0, lastNumber: 0 };
  await vi.waitFor(() => {
    expect(io.all("chat-updated").at(-1)).toMatchObject({ chatId: conversationId, ...changed });
    expect(hub.all("ConversationUpdated").at(-1)).toMatchObject({ conversationId, ...changed });
  });
  expect(io.all("chat-updated").at(-1)).not.toHaveProperty("muted");
  await alice.put(path, { level: "default" });
  await vi.waitFor(() => expect(io.all("chat-updated").at(-1)).not.toHaveProperty("level"));
  expect(JSON.stringify(other.all("chat-updated"))).not.toContain('"level"');
});
