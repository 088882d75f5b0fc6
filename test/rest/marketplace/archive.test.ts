import { describe, expect, test } from "vitest";
import { openLive, person } from "../../support.ts";
import {
  addTo,
  archive,
  directChat,
  entryOf,
  expectRefusal,
  groupChat,
  infoOf,
  NOBODYS,
  removeFrom,
  send,
} from "./chats.ts";

describe("PUT /api/chat/:id/archive", () => {
  test("200 and each call inverts the flag", async () => {
    const { alice, chatId } = await directChat();
    for (const isArchived of [true, false, true]) {
      const answer = await archive(alice, chatId);
      expect(answer.status).toBe(200);
      expect(answer.body).toStrictEqual({ success: true, data: { isArchived } });
      expect(await entryOf(alice, chatId)).toMatchObject({ isArchived });
      expect(await infoOf(alice, chatId)).toMatchObject({ isArchived });
    }
  });

  test("200 and the flag is the caller's only", async () => {
    const { alice, bob, chatId } = await directChat();
    await archive(alice, chatId);
    expect(await entryOf(bob, chatId)).toMatchObject({ isArchived: false });
    expect(await infoOf(bob, chatId)).toMatchObject({ isArchived: false });
  });

  test("200 and after a new message the chat is still archived, with an unread message", async () => {
    const { alice, bob, chatId } = await directChat();
    await archive(alice, chatId);
    await send(bob, chatId, "are you there?");
    await send(alice, chatId, "I am");
    expect(await entryOf(alice, chatId)).toMatchObject({ isArchived: true, unreadCount: 1 });
  });

  test("200 and no socket receives an event, not even the caller's", async () => {
    const { alice, bob, chatId } = await directChat();
    const a = await openLive(alice, chatId);
    const b = await openLive(bob, chatId);
    await archive(alice, chatId);
    await send(alice, chatId, "after");
    await Promise.all([a.next("message"), b.next("message")]);
    expect(a.events.map((event) => event.type)).toEqual(["hello", "sync", "presence", "message"]);
    expect(b.events.map((event) => event.type)).toEqual(["hello", "sync", "message"]);
  });

  test("200 and for a member who left and rejoined, the chat is not archived", async () => {
    const { alice, bob, chatId } = await groupChat();
    await archive(bob, chatId);
    await removeFrom(alice, chatId, bob.userId);
    await addTo(alice, chatId, bob.userId);
    expect(await entryOf(bob, chatId)).toMatchObject({ isArchived: false });
  });

  test("403 for users who are not, or no longer, participants", async () => {
    const { bob, chatId } = await groupChat();
    expectRefusal(await archive(await person("mallory"), chatId), 403, "not_a_member");
    await removeFrom(bob, chatId, bob.userId);
    expectRefusal(await archive(bob, chatId), 403, "not_a_member");
  });

  test("404 for an id that names no chat", async () => {
    const alice = await person("alice");
    for (const id of [NOBODYS, "no-id"]) {
      expectRefusal(await archive(alice, id), 404, "conversation_not_found");
    }
  });
});
