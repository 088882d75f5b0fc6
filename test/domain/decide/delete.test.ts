import { describe, expect, test } from "vitest";
import type { Command } from "../../../src/conversation/decide/types.ts";
import { accepted, id, staff, testRefusals, user } from "./cases.ts";
import { MemoryState, NOW } from "./state.ts";

/** Messages: 1 of Ada, 2 of Bob, 3 of the system, 4 of Ada, deleted. */
function stateOf(): MemoryState {
  const state = new MemoryState("channel", { ada: "owner", bob: "member" });
  state.post("ada");
  state.post("bob");
  state.post(null);
  state.post("ada", { deletedAt: NOW - 500, content: "" });
  return state;
}

const remove = (number: number): Command => ({ type: "delete", messageId: id(number) });

describe("a deletion is refused with", () => {
  const close = (state: MemoryState) => state.become({ archivedAt: NOW });
  testRefusals(stateOf, [
    ["not_a_member", "a stranger, whether the message exists or not", user("eve"), remove(99)],
    ["not_a_member", "a resolver who is no member", staff("sue", "resolver"), remove(1)],
    [
      "conversation_not_found",
      "a kind that does not exist where they came in",
      user("ada", { kinds: ["direct"] }),
      remove(1),
    ],
    ["message_not_found", "a number that does not exist yet", user("ada"), remove(5)],
    ["message_not_found", "no message id", user("ada"), { type: "delete", messageId: "x" }],
    ["system_message", "a message of the system", user("ada"), remove(3)],
    ["not_the_author", "another's message, by a member", user("bob"), remove(1)],
    [
      "not_the_author",
      "another's message, by an admin with member reach",
      user("bob", { role: "admin" }),
      remove(1),
    ],
    [
      "not_the_author",
      "another's message, by who opened a support chat",
      user("ada"),
      remove(2),
      (state) => state.become({ kind: "support" }),
    ],
    ["channel_archived", "a closed channel", user("ada"), remove(1), close],
    ["channel_archived", "a deleted message in a closed channel", user("ada"), remove(4), close],
    ["channel_archived", "an admin in a closed channel", staff("sue", "admin"), remove(1), close],
  ]);
});

describe("a deletion", () => {
  test("clears the message, keeps its record and subtracts it from the counters", () => {
    const state = stateOf();
    const before = state.post("ada", {
      ...{ clientMessageId: "k", metadata: { a: 1 }, replyTo: 1 },
      attachments: [{ key: "k", name: "n", mimeType: "image/png", size: 1 }],
      reactions: [{ emoji: "👍", count: 1, userIds: ["bob"] }],
    });
    const { counters } = state;
    const rev = counters.rev + 1;
    const empty = { content: "", attachments: [], reactions: [], metadata: null };
    const message = { ...before, ...empty, rev, deletedAt: NOW };
    expect(accepted(state, user("ada"), remove(5))).toEqual({
      changes: [
        { type: "message", cause: "deleted", message, digest: expect.stringMatching(/^.{22}$/) },
      ],
      counters: { ...counters, rev, counted: counters.counted - 1, lastCounted: 2 },
      figures: [{ userId: "ada", figures: { readUpTo: 1, readBeyond: 0 } }],
      effects: [
        { type: "uncounted", number: 5 },
        { type: "reactions-cleared", number: 5 },
      ],
      answer: { rev, message },
    });
  });

  test("of an older message keeps lastCounted, and clears reactions only if there are any", () => {
    const decision = accepted(stateOf(), user("ada"), remove(1));
    expect(decision.counters).toMatchObject({ counted: 1, lastCounted: 2 });
    expect(decision.effects).toEqual([{ type: "uncounted", number: 1 }]);
    // Its author had passed it: their figures do not have it.
    expect(decision.figures).toEqual([]);
  });

  test("of the only message leaves lastCounted at 0", () => {
    const state = new MemoryState("group", { ada: "owner", bob: "member" });
    state.post("ada");
    expect(accepted(state, user("ada"), remove(1)).counters).toMatchObject({
      counted: 0,
      lastCounted: 0,
    });
  });

  test("a second time changes nothing", () => {
    const state = stateOf();
    const message = state.message(4);
    expect(accepted(state, user("ada"), remove(4))).toEqual({
      changes: [],
      counters: state.counters,
      answer: { rev: message?.rev, message },
    });
  });

  test("lowers readBeyond of members who read the message out of order, and of nobody else", () => {
    const state = new MemoryState("group", { ada: "owner", bob: "member", cyd: "member" });
    state.post("bob");
    state.post("ada");
    // Bob has read message 2 by catching up; Cyd has read it out of order.
    state.put({ userId: "bob", readUpTo: 2 });
    state.apply(accepted(state, user("cyd"), { type: "read", messageIds: [id(2)] }), "cyd");
    expect(accepted(state, user("ada"), remove(2)).figures).toEqual([
      { userId: "ada", figures: { readUpTo: 0, readBeyond: 0 } },
      { userId: "cyd", figures: { readUpTo: 0, readBeyond: 0 } },
    ]);
  });

  test.each([1, 2, 3])("is allowed to staff admins for any message (%i)", (number) => {
    const { changes } = accepted(stateOf(), staff("sue", "admin"), remove(number));
    expect(changes).toMatchObject([{ cause: "deleted", message: { number, deletedAt: NOW } }]);
  });

  test("of a system message changes neither the count of messages nor anybody's figures", () => {
    const state = stateOf();
    const decision = accepted(state, staff("sue", "admin"), remove(3));
    expect(decision.counters).toEqual({ ...state.counters, rev: state.counters.rev + 1 });
    expect(decision.figures).toEqual([]);
  });
});
