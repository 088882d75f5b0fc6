import { expect, test } from "vitest";
import type { WireMessage } from "../../src/live/events.ts";
import { newestIn } from "../../src/web/page/model/newest.ts";
import { rowsOf } from "../../src/web/page/model/rows.ts";

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
