import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { channelOf, directPair, objectOf, person, send } from "../support.ts";
import { Hub, Io } from "./line.ts";

/** Retries, resuming and repeated joins of gateway clients. */

test("a retry with the same key is the same message, and is broadcast once", async () => {
  const { alice, bob, conversationId } = await directPair();
  const [io, hub] = [await Io.connect(alice), await Hub.connect(bob)];
  await io.ask("join-chat-room", conversationId);
  await hub.ask("JoinConversation", conversationId);
  const message = { chatId: conversationId, content: "once", clientMessageId: "key" };
  const first = await io.ask("send-message", message);
  expect(first.data).not.toHaveProperty("deduplicated");
  const again = await io.ask("send-message", message);
  expect(again.data).toEqual({ ...first.data, deduplicated: true });
  const args = [conversationId, "his", null, "key"];
  const his = await hub.ask("SendMessage", ...args);
  expect(await hub.ask("SendMessage", ...args)).toEqual({ ...his, deduplicated: true });
  await io.until("new-message", 2);
  expect(io.all("new-message").map((event) => event.message.content)).toEqual(["once", "his"]);
});

test("after resuming: current participants, all missed reads, in order of `rev`", async () => {
  const [alice, bob, carl] = [await person("alice"), await person("bob"), await person("carl")];
  const { body } = await alice.post("/api/v1/chat/conversations/group", {
    participantIds: [bob.userId, carl.userId],
  });
  const { conversationId } = body;
  const first = await Io.connect(alice);
  const { data } = await first.ask("join-chat-room", conversationId);
  first.line.say("41");
  await first.line.closed;
  const members = `/api/chat/${conversationId}/participants`;
  await alice.delete(`${members}/${carl.userId}`);
  await alice.post(members, { userId: carl.userId });
  const { body: sent } = await send(alice, conversationId, "read by both");
  for (const one of [bob, carl]) await one.post(`/api/v1/chat/messages/${sent.messageId}/read`);

  const second = await Io.connect(alice);
  await second.ask("join-chat-room", conversationId, { since: data.rev });
  await second.until("messages-read", 2);
  // He was removed and added again: only the current state is delivered.
  expect(second.all("participant-removed")).toEqual([]);
  expect(second.all("participants-added")).toMatchObject([
    { participants: [{ userId: carl.userId }] },
  ]);
  expect(second.all("messages-read").map(({ userId }) => userId)).toEqual([
    bob.userId,
    carl.userId,
  ]);
  const revs = second.line.received.flatMap((text) =>
    text.startsWith("42") ? (JSON.parse(text.slice(2))[1].rev ?? []) : [],
  );
  expect(revs).toEqual(revs.toSorted((a, b) => a - b));
});

test("a second join directly after the first does not lose its events", async () => {
  const { alice, bob, conversationId } = await directPair();
  const first = await Hub.connect(alice);
  const { rev } = await first.ask("JoinConversation", conversationId);
  await send(bob, conversationId, "missed");
  const second = await Hub.connect(alice);
  const joins = [[rev], []].map((since) =>
    second.ask("JoinConversation", conversationId, ...since),
  );
  for (const joined of await Promise.all(joins)) expect(joined).toMatchObject({ rev });
  await send(bob, conversationId, "and then");
  await second.until("ReceiveMessage", 2);
  const received = second.all("ReceiveMessage").map(({ content }) => content);
  expect(received).toEqual(["missed", "and then"]);
});

test("when a conversation restarts, a send with a key succeeds, and one without a key may be retried", async () => {
  const { alice, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  const restart = () =>
    runInDurableObject(objectOf(conversationId), (_, context) => context.abort("restart")).catch(
      () => undefined,
    );
  await restart();
  const send = (...more: unknown[]) => hub.ask("SendMessage", conversationId, "hello", ...more);
  expect(await send()).toEqual({
    error: "This cannot be answered right now; try again soon.",
  });
  expect(await send()).toHaveProperty("messageId");
  await restart();
  expect(await send(null, "key")).toHaveProperty("messageId");
  await hub.until("ReceiveMessage", 2);
});

test("archiving a chat sends no event to others, and no added participant", async () => {
  const { alice, bob, conversationId } = await directPair();
  const [io, hub] = [await Io.connect(alice), await Hub.connect(alice)];
  await hub.ask("JoinConversation", conversationId);
  const { data } = await io.ask("join-chat-room", conversationId);
  expect((await bob.put(`/api/chat/${conversationId}/archive`)).status).toBe(200);
  await evictDurableObject(objectOf(conversationId));
  const again = await Io.connect(alice);
  await again.ask("join-chat-room", conversationId, { since: data.rev });
  await send(bob, conversationId, "second");
  await hub.until("ReceiveMessage", 1);
  await again.until("new-message", 1);
  expect(hub.all("ParticipantAdded")).toEqual([]);
  expect(again.all("participants-added")).toEqual([]);
});

test("a changed role is not delivered as an added participant", async () => {
  const [alice, bob] = [await person("alice"), await person("bob")];
  const id = await channelOf(alice, [bob]);
  const { rev } = await (await Hub.connect(alice)).ask("JoinConversation", id);
  const path = `/api/v1/chat/channels/${id}/moderators`;
  expect((await alice.post(path, { userId: bob.userId })).status).toBe(200);
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", id, rev);
  await send(bob, id, "a moderator speaks");
  await hub.until("ReceiveMessage", 1);
  expect(hub.all("ParticipantAdded")).toEqual([]);
});
