import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { directPair, groupOf, objectOf, openLive, person, send } from "../support.ts";
import { expectSameAsList, inboxOf, openInbox, openListed } from "./replica.ts";

test("hello names the user, and the first page has all conversations, newest first", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(bob, conversationId, "hello");
  const group = await groupOf(alice, bob);
  await send(bob, group, "later");
  const inbox = await openListed(alice);
  expect(inbox.events[0]).toMatchObject({
    type: "hello",
    you: { userId: alice.userId },
    unread: 2,
  });
  expect(inbox.entries.map((row) => row.conversationId)).toEqual([group, conversationId]);
  expect(inbox.entry(conversationId)).toMatchObject({
    kind: "direct",
    unread: 1,
    members: [alice.userId, bob.userId].sort(),
    lastMessage: { content: "hello", senderId: bob.userId },
  });
  await expectSameAsList(alice, inbox);
});

test("messages, reads on another device, flags, new conversations and removals arrive live", async () => {
  const { alice, bob, conversationId } = await directPair();
  const inbox = await openListed(alice);
  await send(bob, conversationId, "one");
  await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
  await send(bob, conversationId, "two");
  await inbox.until(() => inbox.entry(conversationId)?.lastMessage?.content === "two");
  const second = inbox.entry(conversationId)?.lastMessage?.id;
  await alice.post(`/api/v1/chat/messages/${second}/read`);
  await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
  const socketOfAlice = await openLive(alice, conversationId);
  socketOfAlice.send({ op: "read", upTo: second });
  await inbox.until(() => inbox.entry(conversationId)?.unread === 0);
  inbox.send({ op: "archive", conversationId, archived: true });
  await inbox.until(() => inbox.entry(conversationId)?.archived === true);
  const group = await groupOf(bob, alice, await person("carol"));
  await inbox.until(() => inbox.entry(group) !== undefined);
  await send(bob, group, "welcome");
  await inbox.until(() => inbox.entry(group)?.unread === 1);
  await expectSameAsList(alice, inbox);
  await bob.delete(`/api/v1/chat/conversations/${group}/participants/${alice.userId}`);
  await inbox.until(() => inbox.entry(group) === undefined);
  await expectSameAsList(alice, inbox);
});

test("commands: read, archive; those of others' conversations are refused", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(bob, conversationId, "one");
  const inbox = await openListed(alice);
  inbox.send({ op: "read", id: 1, conversationId });
  inbox.send({ op: "archive", id: 2, conversationId, archived: true });
  inbox.send({ op: "archive", id: 3, conversationId, archived: true });
  await inbox.until(() => inbox.entry(conversationId)?.archived === true);
  await inbox.until(() => inbox.events.filter(({ type }) => type === "ack").length === 3);
  expect(inbox.entry(conversationId)).toMatchObject({ unread: 0, archived: true });
  const stranger = await openListed(await person("mallory"));
  stranger.send({ op: "read", id: "x", conversationId });
  await stranger.until(() => stranger.events.some(({ type }) => type === "error"));
  expect(stranger.events.at(-1)).toMatchObject({ id: "x", code: "not_a_member" });
  await expectSameAsList(alice, inbox);
});

test("an absence costs one call and two rows; the inbox that comes back is told all of it", async () => {
  const { alice, bob, conversationId } = await directPair();
  const socket = await openLive(bob, conversationId);
  const pending = () =>
    runInDurableObject(inboxOf(alice), (_, { storage: { sql } }) =>
      sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'pending'").toArray().length === 0
        ? []
        : sql.exec("SELECT * FROM pending").toArray(),
    );
  const armed = () =>
    runInDurableObject(objectOf(conversationId), (_, { storage: { sql } }) =>
      sql
        .exec("SELECT user_id FROM armed")
        .toArray()
        .map((row) => row["user_id"]),
    );
  for (let i = 0; i < 20; i++) {
    socket.send({ op: "send", id: i, content: `message ${i}` });
    await socket.next("ack");
  }
  expect(await pending()).toEqual([{ conversation_id: conversationId }]);
  expect(await armed()).not.toContain(alice.userId);
  const inbox = await openInbox(alice);
  await inbox.until(() => inbox.entry(conversationId)?.unread === 20);
  await inbox.listed();
  socket.send({ op: "send", id: 20, content: "once more" });
  await inbox.until(() => inbox.entry(conversationId)?.unread === 21);
  expect(await pending()).toEqual([]);
  expect(await armed()).toContain(alice.userId);
  await expectSameAsList(alice, inbox);
});
