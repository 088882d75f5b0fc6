import { describe, expect, test } from "vitest";
import { accepted, staff, testRefusals, user } from "./cases.ts";
import { MemoryState, NOW } from "./state.ts";

const stateOf = () => new MemoryState("direct", { ada: "member", bob: "member" });

describe("toggling the archived flag is refused with", () => {
  testRefusals(stateOf, [
    ["not_a_member", "a stranger", user("eve"), { type: "archive" }],
    ["not_a_member", "an admin who is no member", staff("sue", "admin"), { type: "archive" }],
    [
      "not_a_member",
      "somebody who left",
      user("bob"),
      { type: "archive" },
      (state) => state.put({ userId: "bob", leftAt: NOW }),
    ],
    [
      "conversation_not_found",
      "a kind that does not exist where they came in",
      user("ada", { kinds: ["group"] }),
      { type: "archive" },
    ],
  ]);
});

test("each command toggles the member's archived flag and changes nothing else", () => {
  const state = stateOf();
  state.put({ userId: "ada", readUpTo: 3, readBeyond: 1 });
  for (const archived of [true, false]) {
    const rev = state.counters.rev + 1;
    const decision = accepted(state, user("ada"), { type: "archive" });
    expect(decision).toEqual({
      changes: [{ type: "flag", member: { ...state.member("ada"), archived, rev } }],
      counters: { ...state.counters, rev },
      answer: { rev, archived },
    });
    state.apply(decision, "ada");
  }
});
