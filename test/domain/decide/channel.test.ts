import { describe, expect, test } from "vitest";
import type { Command, Decision } from "../../../src/conversation/decide/types.ts";
import { INVITATION_MS } from "../../../src/domain/invitation.ts";
import { accepted, refusedWith, staff, testRefusals, user } from "./cases.ts";
import { MemoryState, memberOf, NOW } from "./state.ts";

const stateOf = () => new MemoryState("channel", { ada: "owner", mo: "moderator", bob: "member" });
const group = () => new MemoryState("group", { ada: "owner", bob: "member" });

const join: Command = { type: "join" };
const leave: Command = { type: "leave" };
const close: Command = { type: "close" };
const reopen: Command = { type: "reopen" };
const invite = (userId: string, known = true): Command => ({ type: "invite", userId, known });
const about = (type: "uninvite" | "expel" | "promote" | "demote", userId: string): Command => ({
  ...{ type, userId },
});

const closed = (state: MemoryState) => state.become({ archivedAt: NOW - 1 });
const hidden = (state: MemoryState) => state.become({ visibility: "private" });
const left = (userId: string) => (state: MemoryState) => state.put({ userId, leftAt: NOW - 1 });
const invited =
  (userId: string, at = NOW) =>
  (state: MemoryState) =>
    void state.invitations.set(userId, at);

describe("every command of channels is refused with", () => {
  const commands: Command[] = [
    ...[join, leave, close, reopen, invite("bob"), { type: "update", title: "t" } as const],
    ...(["uninvite", "expel", "promote", "demote"] as const).map((type) => about(type, "bob")),
  ];
  testRefusals(
    group,
    commands.map((command) => [
      "conversation_not_found",
      `${command.type} in a group, at an address of channels`,
      user("ada", { kinds: ["channel"] }),
      command,
    ]),
  );
  const reserved = commands.filter(({ type }) => type !== "join" && type !== "leave");
  testRefusals(
    stateOf,
    reserved
      .flatMap((command) => [
        ["not_a_member", `${command.type} by a stranger`, user("eve"), command] as const,
        [
          "not_a_member",
          `${command.type} by an admin of the staff`,
          staff("sue", "admin"),
          command,
        ] as const,
        [
          "not_a_member",
          `${command.type} by a former owner`,
          user("ada"),
          command,
          left("ada"),
        ] as const,
        ["forbidden", `${command.type} by a member`, user("bob"), command] as const,
      ])
      .map((row) => [...row]),
  );
  testRefusals(
    stateOf,
    [close, reopen, about("promote", "bob"), about("demote", "bob")].map((command) => [
      "forbidden",
      `${command.type} by a moderator`,
      user("mo"),
      command,
    ]),
  );
});

describe("joining", () => {
  testRefusals(stateOf, [
    ["already_a_member", "a member, of a closed channel too", user("bob"), join, closed],
    ["channel_archived", "a closed channel", user("eve"), join, closed],
    ["invitation_required", "a private channel", user("eve"), join, hidden],
    [
      "invitation_required",
      "a private channel, by a former member",
      user("bob"),
      join,
      (state) => {
        hidden(state);
        left("bob")(state);
      },
    ],
    [
      "invitation_required",
      "an invitation that has expired",
      user("eve"),
      join,
      (state) => {
        hidden(state);
        invited("eve", NOW - INVITATION_MS - 1)(state);
      },
    ],
  ]);

  test("a public channel adds a member without unread messages", () => {
    const state = stateOf();
    state.post("ada");
    const { rev } = state.counters;
    const eve = user("eve", { name: "Eve", avatarUrl: "https://a.test/eve" });
    const { name, avatarUrl } = eve;
    const person = { name, avatarUrl, joinedAt: NOW, readUpTo: 1, rev: rev + 1 };
    expect(accepted(state, eve, join)).toEqual({
      changes: [{ type: "member", cause: "joined", member: { ...memberOf("eve"), ...person } }],
      counters: { ...state.counters, rev: rev + 1, memberCount: 4 },
      effects: [],
      answer: { rev: rev + 1 },
    });
  });

  test.each([
    ["on its last day", NOW - INVITATION_MS],
    ["of today", NOW],
  ])("joining a private channel consumes an invitation %s", (_, at) => {
    const state = stateOf();
    hidden(state);
    invited("eve", at)(state);
    expect(accepted(state, user("eve"), join).effects).toEqual([
      { type: "uninvited", userId: "eve" },
    ]);
  });

  test("a second time starts a new membership: no role, no unread messages", () => {
    const state = stateOf();
    state.post("ada");
    state.put({ userId: "mo", name: "Mo", leftAt: NOW - 1, archived: true });
    const { changes, effects } = accepted(state, user("mo"), join);
    expect(changes).toMatchObject([
      { cause: "joined", member: { name: "Mo", role: "member", leftAt: null, archived: false } },
    ]);
    expect(effects).toEqual([{ type: "settled", userId: "mo", before: 0, after: 1 }]);
  });
});

describe("leaving", () => {
  testRefusals(stateOf, [
    ["not_in_channel", "a stranger", user("eve"), leave],
    ["not_in_channel", "a former member", user("bob"), leave, left("bob")],
    ["owner_stays", "the owner", user("ada"), leave],
  ]);

  test("keeps the member's row without a role, also in a closed channel", () => {
    const state = stateOf();
    closed(state);
    expectExit(state, "left", accepted(state, user("mo"), leave));
  });
});

describe("expelling", () => {
  testRefusals(stateOf, [
    ["participant_not_found", "a stranger", user("mo"), about("expel", "eve")],
    ["participant_not_found", "a former member", user("mo"), about("expel", "bob"), left("bob")],
    ["owner_stays", "the owner", user("mo"), about("expel", "ada")],
    ["owner_stays", "oneself, as the owner", user("ada"), about("expel", "ada")],
  ]);

  test("keeps the member's row without a role", () => {
    const state = stateOf();
    expectExit(state, "removed", accepted(state, user("ada"), about("expel", "mo")));
  });
});

/** Mo, a moderator, is out of the channel. */
function expectExit(state: MemoryState, cause: "left" | "removed", decision: Decision): void {
  const rev = state.counters.rev + 1;
  const member = { ...state.member("mo"), role: "member", leftAt: NOW, rev };
  expect(decision).toEqual({
    changes: [{ type: "member", cause, member }],
    counters: { ...state.counters, rev, memberCount: 2 },
    effects: [],
    answer: { rev },
  });
}

describe("inviting", () => {
  testRefusals(stateOf, [
    ["unknown_user", "somebody who is not known", user("mo"), invite("eve", false), closed],
    ["channel_archived", "a closed channel", user("mo"), invite("eve"), closed],
    ["already_a_member", "a member", user("mo"), invite("bob")],
  ]);
  testRefusals(stateOf, [
    ["invitation_not_found", "revoking where there is none", user("mo"), about("uninvite", "eve")],
    [
      "invitation_not_found",
      "revoking one that has expired",
      user("mo"),
      about("uninvite", "eve"),
      invited("eve", NOW - INVITATION_MS - 1),
    ],
  ]);

  test("and revoking an invitation take no revision", () => {
    const state = stateOf();
    const { counters } = state;
    const answer = { rev: counters.rev };
    state.clock = NOW + 7;
    const invitation = accepted(state, user("mo"), invite("eve"));
    expect(invitation).toEqual({
      changes: [],
      ...{ counters, answer },
      effects: [{ type: "invited", userId: "eve", by: "mo", at: NOW + 7 }],
    });
    state.apply(invitation, "mo");
    expect(accepted(state, user("ada"), about("uninvite", "eve"))).toEqual({
      changes: [],
      ...{ counters, answer },
      effects: [{ type: "uninvited", userId: "eve" }],
    });
  });

  test("is possible for a former member and for somebody already invited", () => {
    const state = stateOf();
    left("bob")(state);
    invited("bob", NOW - 1)(state);
    expect(accepted(state, user("mo"), invite("bob")).effects).toMatchObject([{ at: NOW }]);
  });
});

describe("roles", () => {
  testRefusals(stateOf, [
    ["not_in_channel", "promoting a stranger", user("ada"), about("promote", "eve")],
    [
      "not_in_channel",
      "promoting a former member",
      user("ada"),
      about("promote", "bob"),
      left("bob"),
    ],
    ["already_a_moderator", "promoting a moderator", user("ada"), about("promote", "mo")],
    ["already_a_moderator", "promoting the owner", user("ada"), about("promote", "ada")],
    ["not_a_moderator", "demoting a stranger", user("ada"), about("demote", "eve")],
    ["not_a_moderator", "demoting a former member", user("ada"), about("demote", "mo"), left("mo")],
    ["not_a_moderator", "demoting a member", user("ada"), about("demote", "bob")],
    ["owner_stays", "demoting the owner", user("ada"), about("demote", "ada")],
  ]);

  test.each([
    ["promote", "bob", "moderator"],
    ["demote", "mo", "member"],
  ] as const)("%s changes the role and nothing else", (type, userId, role) => {
    const state = stateOf();
    closed(state);
    const rev = state.counters.rev + 1;
    expect(accepted(state, user("ada"), about(type, userId))).toEqual({
      changes: [{ type: "member", cause: "role", member: { ...state.member(userId), role, rev } }],
      counters: { ...state.counters, rev },
      effects: [],
      answer: { rev },
    });
  });
});

describe("updating title and description", () => {
  test.each([
    ["the title", { title: "New" }],
    ["the description", { description: "New" }],
    ["no description", { description: null }],
    ["both", { title: "New", description: "Newer" }],
  ])("%s changes and omitted fields stay", (_, facts) => {
    const state = stateOf();
    state.become({ description: "Old" });
    const rev = state.counters.rev + 1;
    expect(accepted(state, user("mo"), { type: "update", ...facts })).toEqual({
      changes: [{ type: "conversation", conversation: { ...state.conversation, ...facts, rev } }],
      counters: { ...state.counters, rev },
      answer: { rev },
    });
  });

  test("is refused while the channel is closed", () => {
    const state = stateOf();
    closed(state);
    const code = refusedWith(state, user("ada"), { type: "update", title: "New" })?.code;
    expect(code).toBe("channel_archived");
  });
});

describe("closing and reopening", () => {
  test.each([
    [close, null, NOW],
    [reopen, NOW - 5, null],
  ])("%o changes the conversation", (command, before, archivedAt) => {
    const state = stateOf();
    state.become({ archivedAt: before });
    const rev = state.counters.rev + 1;
    expect(accepted(state, user("ada"), command)).toEqual({
      changes: [{ type: "conversation", conversation: { ...state.conversation, archivedAt, rev } }],
      counters: { ...state.counters, rev },
      answer: { rev },
    });
  });

  test.each([
    [close, NOW - 5],
    [reopen, null],
  ])("%o a second time changes nothing", (command, archivedAt) => {
    const state = stateOf();
    state.post("ada");
    state.become({ archivedAt });
    expect(accepted(state, user("ada"), command)).toEqual({
      changes: [],
      counters: state.counters,
      answer: { rev: state.conversation.rev },
    });
  });
});
