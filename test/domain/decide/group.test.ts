import { describe, expect, test } from "vitest";
import type { Command } from "../../../src/conversation/decide/types.ts";
import { MAX_GROUP_MEMBERS } from "../../../src/domain/conversation.ts";
import { accepted, refusedWith, staff, testRefusals, user } from "./cases.ts";
import { CREATED, MemoryState, memberOf, NOW } from "./state.ts";

const stateOf = () => new MemoryState("group", { ada: "owner", mo: "moderator", bob: "member" });
const pair = () => new MemoryState("direct", { ada: "member", bob: "member" });

const dee = { userId: "dee", name: "Dee", avatarUrl: "https://a.test/dee" };
const add = (person: Extract<Command, { type: "add" }>["person"] = dee): Command => ({
  ...{ type: "add", person },
});
const remove = (userId: string): Command => ({ type: "remove", userId });

describe("adding somebody is refused with", () => {
  const fill = (state: MemoryState) => state.count({ memberCount: MAX_GROUP_MEMBERS });
  testRefusals(stateOf, [
    ["not_a_member", "a stranger", user("eve"), add()],
    ["not_a_member", "a resolver who is no member", staff("sue", "resolver"), add()],
    [
      "conversation_not_found",
      "a kind that does not exist where they came in",
      user("ada", { kinds: ["direct"] }),
      add(),
    ],
    ["forbidden", "a member without a role", user("bob"), add()],
    ["unknown_user", "somebody who is not known", user("ada"), { type: "add", person: undefined }],
    ["already_a_member", "a member", user("ada"), add(memberOf("bob"))],
    ["already_a_member", "a member of a full group", user("ada"), add(memberOf("bob")), fill],
    ["group_full", "a full group", user("ada"), add(), fill],
  ]);
});

describe("changing participants of another kind of conversation is refused with", () => {
  testRefusals(pair, [
    ["not_a_member", "a stranger, before the kind is revealed", user("eve"), add()],
    ["not_a_group", "a member, before their role is checked", user("bob"), add()],
    ["not_a_group", "a member who leaves", user("bob"), remove("bob")],
    ["not_a_group", "an admin", staff("sue", "admin"), remove("bob")],
  ]);
});

describe("removing somebody is refused with", () => {
  testRefusals(stateOf, [
    ["not_a_member", "a stranger", user("eve"), remove("bob")],
    ["not_a_member", "a stranger who leaves", user("eve"), remove("eve")],
    ["not_a_member", "a staff admin who leaves", staff("sue", "admin"), remove("sue")],
    ["forbidden", "a member without a role", user("bob"), remove("mo")],
    ["participant_not_found", "somebody who never was a member", user("ada"), remove("eve")],
    [
      "participant_not_found",
      "a former member",
      user("ada"),
      remove("bob"),
      (state) => state.put({ userId: "bob", leftAt: NOW }),
    ],
    [
      "too_few_members",
      "one of the last two",
      user("ada"),
      remove("bob"),
      (state) => state.count({ memberCount: 2 }),
    ],
    [
      "too_few_members",
      "one of the last two who leaves",
      user("bob"),
      remove("bob"),
      (state) => state.count({ memberCount: 2 }),
    ],
  ]);
});

describe("adding somebody", () => {
  test("announces the person, who starts without unread messages", () => {
    const state = stateOf();
    state.post("ada");
    const { rev } = state.counters;
    const announcement = systemMessage({ number: 2, rev: rev + 1 }, "dee", "Dee was added");
    const member = { ...memberOf("dee"), ...dee, joinedAt: NOW, readUpTo: 2, rev: rev + 2 };
    expect(accepted(state, user("mo"), add())).toEqual({
      changes: [
        { type: "message", cause: "created", message: announcement },
        { type: "member", cause: "added", member },
      ],
      counters: {
        ...state.counters,
        ...{ rev: rev + 2, lastNumber: 2, lastCreatedAt: NOW, memberCount: 4 },
      },
      effects: [{ type: "uncounted", number: 2 }],
      answer: { rev: rev + 2 },
    });
  });

  test("a second time keeps name and avatar, and settles ranges read out of order", () => {
    const state = stateOf();
    state.post("ada");
    state.put({ ...memberOf("dee"), ...dee, role: "member", leftAt: NOW - 1, archived: true });
    const decision = accepted(state, user("ada"), add(memberOf("dee")));
    expect(decision.changes[1]).toMatchObject({
      member: { ...dee, leftAt: null, archived: false, joinedAt: NOW, readUpTo: 2, readBeyond: 0 },
    });
    expect(decision.effects).toContainEqual({
      ...{ type: "settled", userId: "dee", before: 0, after: 2 },
    });
  });

  test("without a name announces the user id", () => {
    const [announcement] = accepted(stateOf(), user("ada"), add(memberOf("dee"))).changes;
    expect(announcement).toMatchObject({ message: { content: "dee was added" } });
  });

  test("is possible up to the member limit, and for staff admins", () => {
    const state = stateOf();
    state.count({ memberCount: MAX_GROUP_MEMBERS - 1 });
    const decision = accepted(state, staff("sue", "admin"), add());
    expect(decision.counters.memberCount).toBe(MAX_GROUP_MEMBERS);
  });
});

describe("removing somebody", () => {
  test("keeps the member's row without a role, and announces the removal", () => {
    const state = stateOf();
    state.put({ userId: "mo", name: "Mo" });
    const { rev } = state.counters;
    const member = { ...memberOf("mo"), name: "Mo", leftAt: NOW, rev: rev + 1 };
    const announcement = systemMessage({ number: 1, rev: rev + 2 }, "mo", "Mo was removed");
    expect(accepted(state, user("ada"), remove("mo"))).toEqual({
      changes: [
        { type: "member", cause: "removed", member },
        { type: "message", cause: "created", message: announcement },
      ],
      counters: {
        ...state.counters,
        ...{ rev: rev + 2, lastNumber: 1, lastCreatedAt: NOW, memberCount: 2 },
      },
      effects: [{ type: "uncounted", number: 1 }],
      answer: { rev: rev + 2 },
    });
  });

  test("removing oneself is leaving, and needs no role", () => {
    const { changes } = accepted(stateOf(), user("bob"), remove("bob"));
    expect(changes).toMatchObject([
      { cause: "left", member: { userId: "bob", leftAt: NOW } },
      { message: { content: "bob left" } },
    ]);
  });

  test("the owner makes the longest member the next owner", () => {
    const state = stateOf();
    state.put({ userId: "mo", joinedAt: CREATED + 2 });
    state.put({ userId: "bob", joinedAt: CREATED + 1 });
    const { rev } = state.counters;
    const decision = accepted(state, user("ada"), remove("ada"));
    expect(decision.changes).toMatchObject([
      { type: "member", cause: "left", member: { userId: "ada", role: "member", rev: rev + 1 } },
      { type: "message", message: { rev: rev + 2 } },
      { type: "member", cause: "role", member: { userId: "bob", role: "owner", rev: rev + 3 } },
    ]);
    expect(decision.counters).toMatchObject({ rev: rev + 3, memberCount: 2 });
  });

  test("another member does not change the owner; a moderator may remove the owner", () => {
    const { changes } = accepted(stateOf(), staff("sue", "admin"), remove("bob"));
    expect(changes.map((change) => "cause" in change && change.cause)).toEqual([
      "removed",
      "created",
    ]);
    expect(refusedWith(stateOf(), user("mo"), remove("ada"))).toBeUndefined();
  });
});

function systemMessage(place: { number: number; rev: number }, userId: string, content: string) {
  return {
    ...{ ...place, senderId: null, kind: "system", content, replyTo: null, attachments: [] },
    ...{ reactions: [], metadata: { userId }, clientMessageId: null, createdAt: NOW },
    ...{ editedAt: null, deletedAt: null },
  };
}
