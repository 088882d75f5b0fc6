import { describe, expect, test } from "vitest";
import type { Command, Decision } from "../../../src/conversation/decide/types.ts";
import { messageIdOf } from "../../../src/domain/id.ts";
import type { Figures, Range } from "../../../src/domain/read-ranges.ts";
import { accepted, id, staff, testRefusals, user } from "./cases.ts";
import { ELSEWHERE, MemoryState, NOW } from "./state.ts";

/** Messages: 1 and 2 of Ada, 3 of Bob, 4 of the system, 5 of Ada, deleted, 6 of Ada. */
function stateOf(): MemoryState {
  const state = new MemoryState("group", { ada: "owner", bob: "member" });
  state.post("ada");
  state.post("ada");
  state.post("bob");
  state.post(null);
  state.post("ada", { deletedAt: NOW - 500, content: "" });
  state.post("ada");
  return state;
}

const all: Command = { type: "read" };
const upTo = (number: number): Command => ({ type: "read", upTo: id(number) });
const some = (...numbers: number[]): Command => ({ type: "read", messageIds: numbers.map(id) });
const one = (number: number): Command => ({ type: "read", messageId: id(number) });

describe("marking read is refused with", () => {
  const elsewhere = messageIdOf(ELSEWHERE, 1);
  testRefusals(stateOf, [
    ["not_a_member", "a stranger, whether the message exists or not", user("eve"), one(99)],
    ["not_a_member", "an admin who is no member", staff("sue", "admin"), all],
    [
      "not_a_member",
      "a former member",
      user("bob"),
      all,
      (state) => state.put({ userId: "bob", leftAt: NOW }),
    ],
    [
      "conversation_not_found",
      "a kind that does not exist where they came in",
      user("bob", { kinds: ["direct"] }),
      all,
    ],
    ["message_not_found", "one message that does not exist yet", user("bob"), one(7)],
    ["message_not_found", "no message id", user("bob"), { type: "read", messageId: "x" }],
    ["message_not_found", "elsewhere", user("bob"), { type: "read", messageId: elsewhere }],
    ["message_deleted", "one message that was deleted", user("bob"), one(5)],
    ["unknown_messages", "up to a number that does not exist yet", user("bob"), upTo(7)],
    ["unknown_messages", "up to no message id", user("bob"), { type: "read", upTo: "x" }],
    ["unknown_messages", "up to elsewhere", user("bob"), { type: "read", upTo: elsewhere }],
    ["unknown_messages", "one of several that does not exist yet", user("bob"), some(1, 7)],
    [
      "unknown_messages",
      "one of several from elsewhere",
      user("bob"),
      { type: "read", messageIds: [id(1), elsewhere] },
    ],
  ]);
});

describe("marking read", () => {
  const figures = (readUpTo: number, readBeyond: number): Figures => ({ readUpTo, readBeyond });
  const rows: [string, Command, [Range, ahead: boolean][], Figures, modified: number][] = [
    ["everything", all, [[{ from: 1, to: 6 }, false]], figures(6, 0), 3],
    ["an empty list is everything", some(), [[{ from: 1, to: 6 }, false]], figures(6, 0), 3],
    ["up to the last", upTo(6), [[{ from: 1, to: 6 }, false]], figures(6, 0), 3],
    ["up to one", upTo(1), [[{ from: 1, to: 1 }, false]], figures(1, 1), 1],
    ["up to one's own", upTo(3), [[{ from: 1, to: 3 }, false]], figures(3, 0), 2],
    ["one out of order", one(2), [[{ from: 2, to: 2 }, true]], figures(0, 2), 1],
    ["the next one", one(1), [[{ from: 1, to: 1 }, false]], figures(1, 1), 1],
    ["the last of several", some(6), [[{ from: 6, to: 6 }, true]], figures(0, 2), 1],
    ["neighbours in any order", some(2, 1), [[{ from: 1, to: 2 }, false]], figures(5, 0), 2],
    ["the same twice", some(2, 2), [[{ from: 2, to: 2 }, true]], figures(0, 2), 1],
    [
      "ones that are apart",
      some(1, 6),
      [
        [{ from: 1, to: 1 }, false],
        [{ from: 6, to: 6 }, true],
      ],
      figures(1, 2),
      2,
    ],
  ];
  test.each(rows)("%s", (_, command, ranges, expected, modifiedCount) => {
    const state = stateOf();
    const { rev } = state.counters;
    expect(accepted(state, user("bob"), command)).toEqual<Decision>({
      changes: ranges.map(([range, ahead], index) => ({
        type: "read",
        read: { rev: rev + index + 1, userId: "bob", ...range, readAt: NOW },
        ahead,
      })),
      counters: { ...state.counters, rev: rev + ranges.length },
      figures: [{ userId: "bob", figures: expected }],
      effects:
        expected.readUpTo > 0
          ? [{ type: "settled", userId: "bob", before: 0, after: expected.readUpTo }]
          : [],
      answer: { rev: rev + ranges.length, modifiedCount },
    });
  });

  test.each<[string, Command]>([
    ["one's own message", one(3)],
    ["the system's message", one(4)],
    ["own, deleted and the system's among several", some(3, 4, 5)],
  ])("%s leaves no receipt", (_, command) => {
    const state = stateOf();
    expect(accepted(state, user("bob"), command)).toEqual(nothing(state));
  });

  test.each<[string, Command]>([
    ["everything", all],
    ["up to a message", upTo(2)],
    ["one message", one(2)],
    ["single messages", some(1, 2)],
  ])("%s a second time changes nothing", (_, command) => {
    const state = stateOf();
    state.apply(accepted(state, user("bob"), command), "bob");
    expect(accepted(state, user("bob"), command)).toEqual(nothing(state));
  });

  test("everything after single messages adds the ranges between them", () => {
    const state = stateOf();
    state.apply(accepted(state, user("bob"), some(2)), "bob");
    const decision = accepted(state, user("bob"), all);
    expect(decision.changes).toMatchObject([
      { read: { from: 1, to: 1 }, ahead: false },
      { read: { from: 3, to: 6 }, ahead: false },
    ]);
    expect(decision.answer.modifiedCount).toBe(2);
    expect(decision.figures).toEqual([{ userId: "bob", figures: figures(6, 0) }]);
  });

  test("a message from before joining gets a receipt and moves no figures", () => {
    const state = stateOf();
    state.put({ userId: "bob", readUpTo: 6 });
    const decision = accepted(state, user("bob"), one(1));
    expect(decision.changes).toMatchObject([{ read: { from: 1, to: 1 }, ahead: false }]);
    expect(decision.figures).toEqual([]);
    expect(decision.answer.modifiedCount).toBe(1);
  });

  test("passing only own and uncounted messages moves the figures without a revision", () => {
    const state = new MemoryState("group", { ada: "owner", bob: "member" });
    state.post(null);
    state.post(null);
    expect(accepted(state, user("bob"), all)).toEqual({
      ...nothing(state),
      figures: [{ userId: "bob", figures: figures(2, 0) }],
      effects: [{ type: "settled", userId: "bob", before: 0, after: 2 }],
    });
  });

  test("a range after readUpTo is stored in parts of 256 numbers", () => {
    const state = new MemoryState("group", { ada: "owner", bob: "member" });
    for (let number = 1; number <= 601; number++) state.post("ada");
    const numbers = Array.from({ length: 600 }, (_, index) => index + 2);
    const { changes, answer } = accepted(state, user("bob"), some(...numbers));
    const ranges = changes.map((change) => change.type === "read" && change.read);
    expect(ranges).toMatchObject([
      { from: 2, to: 257 },
      { from: 258, to: 513 },
      { from: 514, to: 601 },
    ]);
    expect(answer.modifiedCount).toBe(600);
  });

  function nothing(state: MemoryState): Decision {
    const { counters } = state;
    const answer = { rev: counters.rev, modifiedCount: 0 };
    return { changes: [], counters, figures: [], effects: [], answer };
  }
});
