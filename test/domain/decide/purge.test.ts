import { describe, expect, test } from "vitest";
import { RETAINING } from "../../../src/conversation/decide/purge.ts";
import { accepted, id, refusedWith, user } from "./cases.ts";
import { MemoryState, NOW } from "./state.ts";

/** Purges, legal holds, and who decides how long messages are kept. */

const ADA = user("ada");
const BOB = user("bob");

function stateOf(kind: "group" | "channel" = "group"): MemoryState {
  return new MemoryState(kind, { ada: "owner", bob: "member", cyd: "moderator" });
}

/** Four messages of ada's and one of the system's; the second is pinned. */
function talk(): MemoryState {
  const state = stateOf();
  for (const sender of ["ada", "ada", null, "ada", "ada"]) state.post(sender);
  // Her own count as read.
  state.put({ userId: "ada", readUpTo: 5, readBeyond: 0 });
  state.become({ pins: [{ number: 2, pinnedBy: "ada", pinnedAt: NOW }] });
  return state;
}

const purge = (upTo: number) => ({ type: "purge", upTo }) as const;

describe("a purge", () => {
  test("is one change of the conversation, and says what is stored no longer", () => {
    const state = talk();
    const { rev, counted } = state.counters;
    const decision = accepted(state, RETAINING, purge(4));
    expect(decision.changes).toEqual([
      expect.objectContaining({ type: "conversation", isPurged: true }),
    ]);
    expect(decision.counters).toMatchObject({ rev: rev + 1, counted: counted - 2, lastCounted: 5 });
    expect(decision.effects).toEqual([{ type: "purged", to: 4, kept: [2], mentions: [] }]);
    state.apply(decision, "");
    expect(state.unread("bob")).toBe(1);
    expect([...state.messages.keys()]).toEqual([2, 5]);
    expect(accepted(state, RETAINING, purge(3)).changes).toEqual([]);
  });

  test("leaves the pinned message as the newest one where it takes all others", () => {
    const state = talk();
    const decision = accepted(state, RETAINING, purge(100));
    expect(decision.counters).toMatchObject({ counted: 1, lastCounted: 2, lastNumber: 5 });
    state.apply(decision, "");
    state.become({ pins: [] });
    const later = accepted(state, RETAINING, purge(5));
    expect(later.counters).toMatchObject({ counted: 0, lastCounted: 0 });
    expect(later.effects).toEqual([{ type: "purged", to: 5, kept: [], mentions: [] }]);
  });

  test("adjusts members who have read beyond what they have read up to, and no others", () => {
    const state = talk();
    state.apply(accepted(state, BOB, { type: "read", messageIds: [id(2), id(5)] }), "bob");
    expect(state.member("bob")).toMatchObject({ readUpTo: 0, readBeyond: 2 });
    const decision = accepted(state, RETAINING, purge(4));
    const adjusted = decision.changes.flatMap((change) =>
      change.type === "flag" ? [change.member] : [],
    );
    expect(
      adjusted.map(({ userId, readUpTo, readBeyond }) => [userId, readUpTo, readBeyond]),
    ).toEqual([["bob", 4, 1]]);
    state.apply(decision, "");
    expect(state.unread("bob")).toBe(0);
    expect(state.unread("cyd")).toBe(1);
  });

  test("is refused while a legal hold stands", () => {
    const state = talk();
    state.apply(accepted(state, RETAINING, { type: "hold", subject: "", standing: true }), "");
    expect(refusedWith(state, RETAINING, purge(4))?.code).toBe("legal_hold");
    state.apply(accepted(state, RETAINING, { type: "hold", subject: "", standing: false }), "");
    expect(refusedWith(state, RETAINING, purge(4))).toBeUndefined();
  });
});

describe("a legal hold", () => {
  test("changes nothing that anybody is told of", () => {
    const state = talk();
    const decision = accepted(state, RETAINING, { type: "hold", subject: "bob", standing: true });
    expect(decision).toMatchObject({ changes: [], counters: state.counters });
  });

  test("keeps what a message was before it is edited or deleted", () => {
    const state = talk();
    const before = state.message(4);
    state.isHeld = true;
    state.apply(
      accepted(state, ADA, { type: "edit", messageId: id(4), content: "new", maxLength: 100 }),
      "ada",
    );
    const edited = state.message(4);
    state.apply(accepted(state, ADA, { type: "delete", messageId: id(4) }), "ada");
    expect(state.former).toEqual([before, edited]);
    state.isHeld = false;
    state.apply(accepted(state, ADA, { type: "delete", messageId: id(5) }), "ada");
    expect(state.former).toHaveLength(2);
  });
});

describe("the days of a conversation", () => {
  const update = (retentionDays: number | null) => ({ type: "update", retentionDays }) as const;

  test.each([
    ["the owner, without a setting", ADA, 30, undefined, undefined],
    ["the owner, shorter than the setting", ADA, 30, 90, undefined],
    ["the owner, as the setting", ADA, 90, 90, undefined],
    ["the owner, longer than the setting", ADA, 91, 90, "invalid_request"],
    ["the owner, as the setting says", ADA, null, 90, undefined],
    ["a moderator", user("cyd"), 30, undefined, "forbidden"],
    ["a member", BOB, 30, undefined, "forbidden"],
    ["somebody else", user("eve"), 30, undefined, "not_a_member"],
  ] as const)("%s", (_, who, days, setting, code) => {
    const state = stateOf();
    if (setting !== undefined) state.limits = { ...state.limits, retentionDays: setting };
    expect(refusedWith(state, who, update(days))?.code).toBe(code);
    if (code !== undefined) return;
    state.apply(accepted(state, who, update(days)), who.userId);
    expect(state.conversation.retentionDays).toBe(days ?? undefined);
  });

  test("those of an admin hold over the setting, and the owner does not change them", () => {
    const state = stateOf();
    state.limits = { ...state.limits, retentionDays: 90 };
    state.apply(accepted(state, RETAINING, { type: "retain", days: 400 }), "");
    expect(state.conversation).toMatchObject({ retentionDays: 400, retentionByAdmin: true });
    expect(refusedWith(state, ADA, update(30))?.code).toBe("forbidden");
    expect(refusedWith(state, ADA, { type: "update", title: "new" })).toBeUndefined();
    expect(accepted(state, RETAINING, { type: "retain", days: 400 }).changes).toEqual([]);
    state.apply(accepted(state, RETAINING, { type: "retain", days: null }), "");
    expect(state.conversation.retentionDays).toBeUndefined();
    expect(refusedWith(state, ADA, update(30))).toBeUndefined();
  });
});
