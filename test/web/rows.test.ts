import { expect, test } from "vitest";
import type { WireMessage } from "../../src/client/received.ts";
import {
  HIDDEN,
  NOT_SHOWN,
  newestIn,
  newestOf,
  placeholderOf,
  previewOf,
  textOf,
} from "../../src/web/page/model/newest.ts";
import { firstUnreadIn, rowsOf } from "../../src/web/page/model/rows.ts";

/** How the page displays messages. */

function message(number: number, more: Partial<WireMessage>): WireMessage {
  return {
    ...{ id: `id-${number}`, number, rev: number, senderId: "eve", kind: "text" },
    ...{ content: `text ${number}`, createdAt: "2026-11-27T12:00:00.000Z" },
    ...{ editedAt: null, deletedAt: null, replyTo: null, attachments: [], reactions: [] },
    ...{ metadata: null, clientMessageId: null },
    ...more,
  };
}

test("only a message without a sender is displayed as a system line, of whatever kind it is", () => {
  const messages = [
    message(1, { kind: "system", senderId: null }),
    message(2, { kind: "system" }),
    message(3, {}),
  ];
  const types = rowsOf(messages, [], [], undefined).map((row) => row.type);
  expect(types).toEqual(["day", "system", "message", "message"]);
  // In the list it is the sender's message.
  expect(newestIn(messages.slice(0, 2))).toMatchObject({ senderId: "eve", text: "text 2" });
});

test("a message of an unknown kind is shown by its text or file, and otherwise by a plain sentence", () => {
  const file = {
    key: "k",
    name: "a.txt",
    mimeType: "text/plain",
    size: 1,
    url: "https://x.test/k",
  };
  const poll = { kind: "poll" };
  const messages = [
    message(1, poll),
    message(2, { ...poll, content: "", attachments: [file] }),
    message(3, { ...poll, content: "" }),
    message(4, { ...poll, content: "", deletedAt: "2026-11-27T12:00:00.000Z" }),
  ];
  const types = rowsOf(messages, [], [], undefined).map((row) => row.type);
  expect(types).toEqual(["day", "message", "message", "message", "message"]);
  expect(messages.map((each) => textOf(each, each.content))).toEqual(["text 1", "", NOT_SHOWN, ""]);
  expect(messages.slice(0, 3).map(previewOf)).toEqual(["text 1", "📎 a.txt", NOT_SHOWN]);
  expect(newestIn(messages)?.text).toBe(NOT_SHOWN);
});

const AT = "2026-11-27T12:00:00.000Z";
const nothing = { content: "", attachments: [] };

test("a message of somebody who is blocked has a placeholder everywhere, and no author in the list", () => {
  const hidden = message(2, { ...nothing, hidden: true });
  expect(placeholderOf(hidden)).toBe(HIDDEN);
  expect(textOf(hidden, "")).toBe("");
  expect(previewOf(hidden)).toBe(HIDDEN);
  const newest = { senderId: null, text: HIDDEN, at: AT };
  expect(newestIn([message(1, {}), hidden])).toEqual(newest);
  const preview = { id: "id-2", number: 2, senderId: "eve", kind: "text", attachments: 0 };
  const last = { ...preview, content: "", createdAt: AT, hidden: true } as const;
  expect(newestOf(last)).toEqual(newest);
});

test("the line above unread messages passes over those of somebody who is blocked", () => {
  const messages = [message(1, {}), message(2, {}), message(3, { ...nothing, hidden: true })];
  const read = { rev: 1, userId: "me", from: 1, to: 1, readAt: AT };
  expect(firstUnreadIn(messages, [read], "me", 1, false)).toBe(2);
});

test.each([
  ["by its author", {}, "Message deleted"],
  ["by a moderator", { deletedBy: "mo" }, "Deleted by a moderator"],
  ["of somebody who is blocked", { hidden: true }, "Message deleted"],
] as const)("a message that was deleted %s says so", (_, more, text) => {
  const deleted = message(1, { ...nothing, deletedAt: AT, ...more });
  expect(placeholderOf(deleted)).toBe(text);
  expect(previewOf(deleted)).toBe("Message deleted");
});
