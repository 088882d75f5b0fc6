import { describe, expect, test } from "vitest";
import { accepted, refusedWith, staff, testRefusals, user } from "./cases.ts";
import { MemoryState, NOW } from "./state.ts";

/** What a member makes of a stranger's request. */

function stateOf(kind: "direct" | "group" = "direct"): MemoryState {
  const state = new MemoryState(
    kind,
    kind === "group"
      ? { ada: "owner", bob: "member", cyd: "member" }
      : { ada: "member", bob: "member" },
  );
  state.put({ userId: "bob", request: "pending" });
  return state;
}
const pending = (state: MemoryState) => state.member("bob")?.request;

describe.each(["accept", "decline"] as const)("%s is refused with", (type) => {
  testRefusals(stateOf, [
    ["not_a_member", "a stranger", user("eve"), { type }],
    ["not_a_member", "an admin who is no member", staff("sue", "admin"), { type }],
    [
      "not_a_member",
      "somebody who left",
      user("bob"),
      { type },
      (state) => state.put({ userId: "bob", leftAt: NOW }),
    ],
  ]);
});

test("accepting is a flag with a revision; a second time nothing changes", () => {
  const state = stateOf();
  const rev = state.counters.rev + 1;
  const decision = accepted(state, user("bob"), { type: "accept" });
  const { request: _, ...member } = state.member("bob") ?? {};
  expect(decision.changes).toEqual([{ type: "flag", member: { ...member, rev }, accepted: true }]);
  expect(decision.answer).toEqual({ rev });
  state.apply(decision, "bob");
  expect(pending(state)).toBeUndefined();
  expect(accepted(state, user("bob"), { type: "accept" }).changes).toEqual([]);
  expect(refusedWith(state, user("bob"), { type: "decline" })?.code).toBe("no_request");
});

test("declining a direct conversation is a flag; a second time nothing changes; accepting undoes it", () => {
  const state = stateOf();
  const decision = accepted(state, user("bob"), { type: "decline" });
  expect(decision.changes.map(({ type }) => type)).toEqual(["flag"]);
  state.apply(decision, "bob");
  expect(pending(state)).toBe("declined");
  expect(accepted(state, user("bob"), { type: "decline" }).changes).toEqual([]);
  state.apply(accepted(state, user("bob"), { type: "accept" }), "bob");
  expect(pending(state)).toBeUndefined();
});

test.each(["pending", "declined"] as const)(
  "a message of somebody whose request is %s accepts it first, in the same decision",
  (request) => {
    const state = stateOf();
    state.put({ userId: "bob", request });
    const { rev } = state.counters;
    const send = { type: "send", kind: "text", content: "hello", maxLength: 10 } as const;
    const { changes, counters, answer } = accepted(state, user("bob"), send);
    expect(changes).toMatchObject([
      { type: "flag", accepted: true, member: { userId: "bob", rev: rev + 1 } },
      { type: "message", message: { rev: rev + 2 } },
    ]);
    expect([counters.rev, answer.rev]).toEqual([rev + 2, rev + 2]);
    expect(accepted(state, user("ada"), send).changes).toHaveLength(1);
  },
);

describe("declining a group", () => {
  test("leaves it, without a message, and without a request if they are added again", () => {
    const state = stateOf("group");
    const decision = accepted(state, user("bob"), { type: "decline" });
    expect(decision.changes).toMatchObject([
      { type: "member", cause: "left", member: { userId: "bob", leftAt: NOW } },
    ]);
    state.apply(decision, "bob");
    expect(state.counters).toMatchObject({ memberCount: 2, lastNumber: 0 });
    expect(pending(state)).toBeUndefined();
    const { person } = { person: { userId: "bob", name: null, avatarUrl: null } };
    state.apply(accepted(state, user("ada"), { type: "add", person }), "ada");
    expect(pending(state)).toBeUndefined();
  });

  test("of two members is possible; an owner who declines has an heir; the last one hides it", () => {
    const state = stateOf("group");
    state.put({ userId: "ada", role: "member" });
    state.put({ userId: "bob", role: "owner" });
    state.put({ userId: "cyd", leftAt: NOW });
    state.count({ memberCount: 2 });
    state.apply(accepted(state, user("bob"), { type: "decline" }), "bob");
    expect(state.member("ada")).toMatchObject({ role: "owner", leftAt: null });
    state.put({ userId: "ada", request: "pending" });
    state.apply(accepted(state, user("ada"), { type: "decline" }), "ada");
    expect(state.member("ada")).toMatchObject({ request: "declined", leftAt: null });
  });
});

test("adding somebody with a request stores it; without one it does not", () => {
  for (const request of [true, false]) {
    const state = stateOf("group");
    const person = { userId: "dan", name: null, avatarUrl: null };
    state.apply(accepted(state, user("ada"), { type: "add", person, request }), "ada");
    expect(state.member("dan")?.request).toBe(request ? "pending" : undefined);
  }
});
