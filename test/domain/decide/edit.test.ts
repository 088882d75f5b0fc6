import { describe, expect, test } from "vitest";
import type { Command } from "../../../src/conversation/decide/types.ts";
import { messageIdOf } from "../../../src/domain/id.ts";
import { accepted, id, refusedWith, staff, testRefusals, user } from "./cases.ts";
import { ELSEWHERE, MemoryState, NOW } from "./state.ts";

const WINDOW_MS = 15 * 60_000;

/** Messages: 1 of Ada, 2 of Bob, 3 of the system, 4 in the system's name, 5 deleted. */
function stateOf(): MemoryState {
  const state = new MemoryState("channel", { ada: "owner", bob: "member" });
  state.post("ada");
  state.post("bob");
  state.post(null);
  state.post("ada", { kind: "system" });
  state.post("ada", { deletedAt: NOW - 500, content: "" });
  return state;
}

function edit(number: number | string, content = "edited"): Command {
  const messageId = typeof number === "string" ? number : id(number);
  return { type: "edit", messageId, content, maxLength: 10 };
}

describe("an edit is refused with", () => {
  const close = (state: MemoryState) => state.become({ archivedAt: NOW });
  const expire = (state: MemoryState) => {
    state.clock = NOW + WINDOW_MS;
  };
  testRefusals(stateOf, [
    ["not_a_member", "a stranger, whether the message exists or not", user("eve"), edit(99)],
    ["not_a_member", "an admin who is no member", staff("sue", "admin"), edit(1)],
    [
      "not_a_member",
      "an author who is a former member",
      user("ada"),
      edit(1),
      (state) => state.put({ userId: "ada", leftAt: NOW }),
    ],
    [
      "conversation_not_found",
      "a kind that does not exist where they came in",
      user("ada", { kinds: ["direct"] }),
      edit(1),
    ],
    ["message_not_found", "a number that does not exist yet", user("ada"), edit(6)],
    ["message_not_found", "no message id", user("ada"), edit("x")],
    [
      "message_not_found",
      "another conversation's id",
      user("ada"),
      edit(messageIdOf(ELSEWHERE, 1)),
    ],
    ["system_message", "a message of the system", user("ada"), edit(3)],
    ["not_the_author", "another's message", user("bob"), edit(1)],
    ["not_the_author", "another's message, by the owner", user("ada"), edit(2)],
    ["system_message", "a message of kind system by its own author", user("ada"), edit(4)],
    ["channel_archived", "a closed channel", user("ada"), edit(1), close],
    ["message_deleted", "a deleted message, whatever the text", user("ada"), edit(5, "")],
    ["empty_content", "white space", user("ada"), edit(1, " ")],
    ["content_too_long", "one code point too many", user("ada"), edit(1, "x".repeat(11))],
    ["control_characters", "a control character", user("ada"), edit(1, "\u0007")],
    ["empty_content", "before the edit window is checked", user("ada"), edit(1, " "), expire],
    ["edit_window_closed", "a message that is too old", user("ada"), edit(1), expire],
  ]);
});

describe("an edit", () => {
  test("replaces the text and stores a digest of the original", () => {
    const state = stateOf();
    const before = state.post("ada", { clientMessageId: "k", metadata: { a: 1 } });
    const { rev } = state.counters;
    const message = { ...before, rev: rev + 1, content: "edited", editedAt: NOW };
    expect(accepted(state, user("ada"), edit(6, " edited "))).toEqual({
      changes: [
        { type: "message", cause: "edited", message, digest: expect.stringMatching(/^.{22}$/) },
      ],
      counters: { ...state.counters, rev: rev + 1 },
      answer: { rev: rev + 1, message },
    });
  });

  test("to the same text still counts as an edit", () => {
    const decision = accepted(stateOf(), user("ada"), edit(1, "message 1"));
    expect(decision.changes).toMatchObject([{ message: { editedAt: NOW }, digest: null }]);
  });

  test("may remove the text of a message with files", () => {
    const state = stateOf();
    state.post("ada", { attachments: [{ key: "k", name: "n", mimeType: "image/png", size: 1 }] });
    expect(accepted(state, user("ada"), edit(6, "")).changes).toMatchObject([
      { message: { content: "", attachments: [{ key: "k" }] } },
    ]);
    expect(refusedWith(state, user("ada"), edit(6, "x".repeat(11)))?.code).toBe("content_too_long");
  });

  test.each([
    ["at the end of the window", { createdAt: NOW - WINDOW_MS }, true],
    ["a millisecond later", { createdAt: NOW - WINDOW_MS - 1 }, false],
    ["sent while the clock was behind", { createdAt: NOW, clockAt: NOW - WINDOW_MS - 1 }, false],
    ["sent while the clock was ahead", { createdAt: NOW + 1_000 }, true],
  ])("%s", (_, sent, allowed) => {
    const state = stateOf();
    state.post("ada", sent);
    const code = allowed ? undefined : "edit_window_closed";
    expect(refusedWith(state, user("ada"), edit(6))?.code).toBe(code);
  });
});
