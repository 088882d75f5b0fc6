import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  type Caller,
  directPair,
  groupOf,
  openLive,
  person,
  type Socket,
  send,
} from "../support.ts";
import { answerTo } from "./answer.ts";

afterEach(() => void vi.useRealTimers());

const WINDOW_MS = 15 * 60_000;

let alice: Caller;
let bob: Caller;
let conversationId: string;
let a: Socket;
let b: Socket;
let messageId: string;

beforeEach(async () => {
  ({ alice, bob, conversationId } = await directPair());
  a = await openLive(alice, conversationId);
  b = await openLive(bob, conversationId);
  a.send({ op: "send", content: "as sent" });
  messageId = (await b.next("message")).message.id;
});

async function stored(reader: Caller) {
  const { body } = await reader.get(`/api/v1/chat/messages?conversationId=${conversationId}`);
  return body.items[0];
}

test("an author can edit a message for 15 minutes, and not a millisecond longer", async () => {
  const sentAt = Date.parse((await stored(bob)).sentAt);
  vi.setSystemTime(sentAt + WINDOW_MS);
  expect(await answerTo(a, { op: "edit", messageId, content: " in time " })).toMatchObject({
    type: "ack",
    messageId,
  });
  expect(await stored(bob)).toMatchObject({
    content: "in time",
    editedAt: new Date(sentAt + WINDOW_MS).toISOString(),
    sentAt: new Date(sentAt).toISOString(),
  });
  vi.setSystemTime(sentAt + WINDOW_MS + 1);
  expect(await answerTo(a, { op: "edit", messageId, content: "too late" })).toMatchObject({
    code: "edit_window_closed",
  });
  expect(await stored(bob)).toMatchObject({ content: "in time" });
});

test("an edit does not extend the edit window", async () => {
  const sentAt = Date.parse((await stored(bob)).sentAt);
  vi.setSystemTime(sentAt + WINDOW_MS - 1);
  await answerTo(a, { op: "edit", messageId, content: "again" });
  vi.setSystemTime(sentAt + WINDOW_MS + 1);
  expect(await answerTo(a, { op: "edit", messageId, content: "and again" })).toMatchObject({
    code: "edit_window_closed",
  });
});

test("only the author edits or deletes a message, regardless of roles", async () => {
  const admin = await person("admin", { role: "admin" });
  const group = await groupOf(alice, bob, admin);
  const { body } = await send(alice, group, "as sent");
  const boss = await openLive(admin, group);
  for (const frame of [
    { op: "edit", messageId: body.messageId, content: "mine now" },
    { op: "delete", messageId: body.messageId },
  ]) {
    expect(await answerTo(boss, frame)).toMatchObject({ type: "error", code: "not_the_author" });
  }
  expect(await answerTo(b, { op: "edit", messageId, content: "mine now" })).toMatchObject({
    code: "not_the_author",
  });
  expect(await answerTo(b, { op: "delete", messageId })).toMatchObject({ code: "not_the_author" });
  expect(await stored(bob)).toMatchObject({ content: "as sent", isDeleted: false });
});

test.each([
  ["nothing but white space", " \n", "empty_content"],
  ["too much", "x".repeat(2_001), "content_too_long"],
  ["control characters", "a\u0007", "control_characters"],
])("an edit to %s is rejected and changes nothing", async (_, content, code) => {
  expect(await answerTo(a, { op: "edit", messageId, content })).toMatchObject({ code });
  expect(await stored(bob)).toMatchObject({ content: "as sent", editedAt: null });
});

test("a deletion clears the content and keeps the message's row; deleting twice has the same result as once", async () => {
  vi.setSystemTime(Date.now() + WINDOW_MS + 1);
  const first = await answerTo(a, { op: "delete", messageId });
  const deleted = await a.next("message", ({ cause }) => cause === "deleted");
  expect(first).toMatchObject({ type: "ack", messageId, rev: deleted.rev });
  expect(deleted.message).toMatchObject({
    number: 1,
    senderId: alice.userId,
    content: "",
    editedAt: null,
    deletedAt: new Date().toISOString(),
  });
  vi.setSystemTime(Date.now() + 1);
  expect(await answerTo(a, { op: "delete", messageId })).toMatchObject({
    type: "ack",
    messageId,
    rev: deleted.rev,
  });
  expect(await answerTo(a, { op: "edit", messageId, content: "back" })).toMatchObject({
    code: "message_deleted",
  });
  expect(a.all("message").length).toBe(2);
  expect(await stored(bob)).toMatchObject({ content: "", isDeleted: true });
});

test("a deleted message can be replied to, and message ids are case-insensitive", async () => {
  await answerTo(a, { op: "delete", messageId: messageId.toUpperCase() });
  await answerTo(b, { op: "send", content: "what was that?", replyTo: messageId.toUpperCase() });
  const { message } = await a.next("message", ({ message }) => message.number === 2);
  expect(message.replyTo).toBe(messageId);
});

test("an id that names no message of this conversation cannot be edited or deleted", async () => {
  const group = await groupOf(alice, bob, await person("carol"));
  const { body } = await send(alice, group, "elsewhere");
  const future = `${messageId.slice(0, -1)}9`;
  for (const id of [body.messageId, future, conversationId, "nothing", "", crypto.randomUUID()]) {
    for (const frame of [
      { op: "edit", messageId: id, content: "x" },
      { op: "delete", messageId: id },
    ]) {
      expect(await answerTo(a, frame)).toMatchObject({ type: "error", code: "message_not_found" });
    }
  }
  expect(a.all("message").length).toBe(1);
});
