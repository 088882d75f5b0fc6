import { describe, expect, test } from "vitest";
import { isRead } from "../../src/web/page/notifications/read.ts";
import { tabAnswerOf, workerMessageOf } from "../../src/web/page/worker/messages.ts";
import { pushedOf, shownOf } from "../../src/web/page/worker/pushed.ts";

/** What the page's service worker reads of a push, and when the page closes a notification. */

const SENT = "2026-11-28T12:00:00.000Z";
const AT = Date.parse(SENT);

describe("a push", () => {
  test("is read as the server writes it", () => {
    const payload = {
      ...{ id: "n1", conversationId: "c1", userId: "alice", kind: "group", title: "Hikers" },
      ...{ body: "Bob: Hello", senderName: "Bob", reason: "message", unread: 2, total: 5 },
      ...{ url: "https://parley.test/#/c/c1", tag: "c1", read: ["c2"], createdAt: SENT },
    };
    expect(pushedOf(JSON.stringify(payload))).toEqual({
      ...{ id: "n1", conversationId: "c1", userId: "alice", createdAt: AT },
      ...{ title: "Hikers", body: "Bob: Hello", total: 5, read: ["c2"] },
    });
  });

  test.each([
    ["nothing", undefined],
    ["an empty text", ""],
    ["no JSON", "<html>"],
    ["no object", "7"],
    ["null", "null"],
    ["an array", "[]"],
    ["other types", '{"title":1,"body":{},"total":"3","read":"c1","id":null,"createdAt":[]}'],
    ["a time that is none", '{"createdAt":"soon"}'],
  ])("%s is shown as a new message", (_, text) => {
    expect(pushedOf(text)).toEqual({
      ...{ title: "New message", body: "", total: undefined, read: [] },
      ...{ id: undefined, conversationId: undefined, userId: undefined, createdAt: 0 },
    });
  });

  test("of conversations that were read only names count", () => {
    expect(pushedOf('{"read":["c1",2,null,"c3"]}').read).toEqual(["c1", "c3"]);
  });

  test("what a notification remembers is read again as it was", () => {
    const shown = shownOf({ id: "n1", conversationId: "c1", userId: "alice", createdAt: SENT });
    expect(shown.createdAt).toBe(AT);
    expect(shownOf(structuredClone(shown))).toEqual(shown);
  });
});

describe("what a notification announces", () => {
  const shown = { id: "n1", conversationId: "c1", userId: "alice", createdAt: AT };
  const before = new Date(AT - 1).toISOString();
  const undated = { ...shown, createdAt: 0 };
  const unknown = { ...shown, userId: undefined };

  test.each([
    ["is unread", shown, { unread: 1, lastAt: SENT }, false, false],
    ["is unread in the conversation that is open", shown, { unread: 1, lastAt: SENT }, true, false],
    ["has been read", shown, { unread: 0, lastAt: SENT }, false, true],
    [
      "has been read, and something newer as well",
      shown,
      { unread: 0, lastAt: "2027" },
      false,
      true,
    ],
    ["is not known to the list yet", shown, { unread: 0, lastAt: before }, false, false],
    [
      "is older than what the open conversation shows",
      shown,
      { unread: 0, lastAt: before },
      true,
      true,
    ],
    ["has no time, and nothing is unread", undated, { unread: 0, lastAt: before }, false, true],
    ["is in no conversation of the user any more", shown, undefined, false, true],
    ["is perhaps somebody else's", unknown, undefined, false, false],
    [
      "is perhaps somebody else's, and read here",
      unknown,
      { unread: 0, lastAt: SENT },
      false,
      true,
    ],
  ] as const)("%s", (_, notification, entry, isOpen, expected) => {
    expect(isRead(notification, entry, { me: "alice", isOpen })).toBe(expected);
  });

  test("is never closed by another user of the browser", () => {
    const context = { me: "bob", isOpen: true };
    expect(isRead(shown, { unread: 0, lastAt: SENT }, context)).toBe(false);
    expect(isRead(shown, undefined, context)).toBe(false);
  });
});

test("messages between the service worker and tabs: those of another version are ignored", () => {
  expect(workerMessageOf({ type: "whose" })).toEqual({ type: "whose" });
  expect(workerMessageOf({ type: "shown", more: 1 })).toEqual({ type: "shown" });
  const open = { type: "open", conversationId: "c1" };
  expect(workerMessageOf(open)).toEqual(open);
  for (const other of [undefined, null, "open", 7, {}, { type: "open" }, { type: "newer" }]) {
    expect(workerMessageOf(other)).toBeUndefined();
  }
  expect(tabAnswerOf({ userId: "alice" })).toEqual({ userId: "alice" });
  for (const other of [undefined, {}, { userId: 7 }]) expect(tabAnswerOf(other)).toBeUndefined();
});
