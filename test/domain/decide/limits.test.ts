import { describe, expect, test } from "vitest";
import type { Command, Spending } from "../../../src/conversation/decide/types.ts";
import { accepted, id, refusedWith, user } from "./cases.ts";
import { MemoryState, NOW } from "./state.ts";

/** Two changes and three marks a minute; Ada sent message 1 and Bob reacted to it and sent 2. */
function stateOf(): MemoryState {
  const state = new MemoryState("group", { ada: "owner", bob: "member" });
  state.post("ada");
  state.apply(accepted(state, user("bob"), react), "bob");
  state.post("bob");
  state.limits = { ...state.limits, abuse: { changesPerMinute: 2, readsPerMinute: 3 } };
  return state;
}

const react: Command = { type: "react", messageId: id(1), emoji: "👍" };
const unreact: Command = { type: "unreact", messageId: id(1), emoji: "👍" };
const edit: Command = { type: "edit", messageId: id(2), content: "edited", maxLength: 10 };
const remove: Command = { type: "delete", messageId: id(2) };
const read: Command = { type: "read" };
const party: Command = { ...react, emoji: "🎉" };

const limited: [string, Command, Spending, number][] = [
  ["an edit", edit, "changes", 2],
  ["a deletion", remove, "changes", 2],
  ["a reaction", party, "changes", 2],
  ["taking a reaction back", unreact, "changes", 2],
  ["a read mark", read, "reads", 3],
];

describe.each(limited)("%s", (_, command, what, limit) => {
  test("spends one unit of its limit", () => {
    expect(accepted(stateOf(), user("bob"), command).spends).toBe(what);
  });

  test("is refused at the limit, until the oldest time leaves the window", () => {
    const state = stateOf();
    state.spending[what].set("bob", [NOW - 59_999, ...Array(limit - 1).fill(NOW)]);
    expect(refusedWith(state, user("bob"), command)).toMatchObject({
      code: "rate_limited",
      limit: `${what}_per_minute`,
      retryAfterMs: 1,
    });
    state.clock++;
    expect(accepted(state, user("bob"), command).spends).toBe(what);
  });

  test("is unlimited for admins, and with the limits switched off", () => {
    const state = stateOf();
    state.spending[what].set("bob", Array(limit).fill(NOW));
    expect(accepted(state, user("bob", { role: "admin" }), command).spends).toBeUndefined();
    const { abuse: __, ...limits } = state.limits;
    state.limits = limits;
    expect(accepted(state, user("bob"), command).spends).toBeUndefined();
  });

  test("is not limited by the other limit or by other people's", () => {
    const state = stateOf();
    const other = what === "changes" ? "reads" : "changes";
    state.spending[other].set("bob", Array(9).fill(NOW));
    state.spending[what].set("ada", Array(9).fill(NOW));
    expect(accepted(state, user("bob"), command).spends).toBe(what);
  });
});

describe("commands that change nothing", () => {
  const used = () => {
    const state = stateOf();
    state.apply(accepted(state, user("bob"), read), "bob");
    state.spending.changes.set("bob", [NOW, NOW]);
    state.spending.reads.set("bob", [NOW, NOW, NOW]);
    return state;
  };

  test.each([
    ["a reaction that exists", react],
    ["a read mark of read messages", read],
  ])("%s spends nothing and is never refused by the limit", (_, command) => {
    expect(accepted(used(), user("bob"), command)).toMatchObject({ changes: [] });
    expect(accepted(used(), user("bob"), command).spends).toBeUndefined();
  });

  test("a read mark that only moves figures spends one unit", () => {
    const state = stateOf();
    state.put({ userId: "bob", readUpTo: 2, readBeyond: 0 });
    state.post(null);
    const decision = accepted(state, user("bob"), read);
    expect(decision).toMatchObject({ changes: [], spends: "reads" });
  });
});

test.each<[string, Command]>([
  ["a send", { type: "send", kind: "text", content: "a", maxLength: 10 }],
  ["a flag", { type: "archive" }],
  ["leaving", { type: "remove", userId: "bob" }],
])("%s is not counted", (_, command) => {
  const state = stateOf();
  state.count({ memberCount: 3 });
  state.spending.changes.set("bob", Array(9).fill(NOW));
  state.waits.set("bob", 1);
  expect(accepted(state, user("bob"), command).spends).toBeUndefined();
});

describe("the limit over all conversations", () => {
  test.each(limited.slice(0, 4))("refuses %s with the remaining wait", (_, command) => {
    const state = stateOf();
    state.waits.set("bob", 30_000);
    expect(refusedWith(state, user("bob"), command)).toMatchObject({
      code: "rate_limited",
      limit: "changes_per_minute_everywhere",
      retryAfterMs: 30_000,
    });
    expect(refusedWith(state, user("bob", { role: "admin" }), command)).toBeUndefined();
  });

  test("does not refuse read marks or commands that change nothing", () => {
    const state = stateOf();
    state.waits.set("bob", 30_000);
    expect(refusedWith(state, user("bob"), read)).toBeUndefined();
    expect(refusedWith(state, user("bob"), react)).toBeUndefined();
  });
});
