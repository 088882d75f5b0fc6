import { describe, expect, test } from "vitest";
import type { Command } from "../../../src/conversation/decide/types.ts";
import { REACTION_PEOPLE } from "../../../src/domain/reaction.ts";
import { accepted, id, staff, testRefusals, user } from "./cases.ts";
import { MemoryState, NOW } from "./state.ts";

/** Messages: 1 of Ada, 2 of Bob, deleted. */
function stateOf(): MemoryState {
  const state = new MemoryState("channel", { ada: "owner", bob: "member" });
  state.post("ada");
  state.post("bob", { deletedAt: NOW - 500, content: "" });
  return state;
}

type Kind = "react" | "unreact";
const react = (number: number, emoji = "👍", type: Kind = "react"): Command => ({
  ...{ type, messageId: id(number), emoji },
});
const unreact = (number: number, emoji = "👍") => react(number, emoji, "unreact");

/** Applies a reaction or its removal. */
function act(state: MemoryState, userId: string, command: Command): void {
  state.apply(accepted(state, user(userId), command), userId);
}

describe.each<Kind>(["react", "unreact"])("%s is refused with", (type) => {
  testRefusals(stateOf, [
    ["unsupported_emoji", "a stranger's unknown emoji", user("eve"), react(1, "🦄", type)],
    ["unsupported_emoji", "two emojis", user("bob"), react(1, "👍👍", type)],
    ["not_a_member", "a stranger, whether the message exists or not", user("eve"), react(9)],
    ["not_a_member", "an admin who is no member", staff("sue", "admin"), react(1, "👍", type)],
    [
      "conversation_not_found",
      "a kind that does not exist where they came in",
      user("bob", { kinds: ["direct"] }),
      react(1, "👍", type),
    ],
    ["message_not_found", "a number that does not exist yet", user("bob"), react(3, "👍", type)],
    ["message_not_found", "no message id", user("bob"), { type, messageId: "x", emoji: "👍" }],
    [
      "channel_archived",
      "a closed channel, whether the message was deleted or not",
      user("bob"),
      react(2, "👍", type),
      (state) => state.become({ archivedAt: NOW }),
    ],
    ["message_deleted", "a deleted message", user("bob"), react(2, "👍", type)],
  ]);
});

describe("unreact is also refused with", () => {
  testRefusals(stateOf, [
    ["reaction_not_found", "no reaction of this user", user("bob"), unreact(1)],
    [
      "reaction_not_found",
      "another emoji",
      user("bob"),
      unreact(1),
      (state) => act(state, "bob", react(1, "🎉")),
    ],
    [
      "reaction_not_found",
      "another user's reaction",
      user("bob"),
      unreact(1),
      (state) => act(state, "ada", react(1)),
    ],
  ]);
});

describe("a reaction", () => {
  test("is a change of its message that names user and emoji", () => {
    const state = stateOf();
    const rev = state.counters.rev + 1;
    const reactions = [{ emoji: "❤️", count: 1, userIds: ["bob"] }];
    const message = { ...state.message(1), rev, reactions };
    // Without its variation selector it is the same emoji.
    expect(accepted(state, user("bob"), react(1, "\u2764"))).toEqual({
      changes: [
        {
          ...{ type: "message", cause: "reaction", message },
          reaction: { userId: "bob", emoji: "❤️", added: true },
        },
      ],
      counters: { ...state.counters, rev },
      effects: [{ type: "reacted", number: 1, emoji: "❤️", userId: "bob", rev }],
      answer: { rev, message },
    });
  });

  test("that exists already changes nothing", () => {
    const state = stateOf();
    act(state, "bob", react(1));
    const message = state.message(1);
    expect(accepted(state, user("bob"), react(1))).toEqual({
      changes: [],
      counters: state.counters,
      answer: { rev: message?.rev, message },
    });
  });

  test("is added to the summary of its emoji; a new emoji is appended", () => {
    const state = stateOf();
    act(state, "bob", react(1));
    act(state, "ada", react(1, "🎉"));
    act(state, "ada", react(1));
    expect(state.message(1)?.reactions).toEqual([
      { emoji: "👍", count: 2, userIds: ["bob", "ada"] },
      { emoji: "🎉", count: 1, userIds: ["ada"] },
    ]);
  });

  test("that is removed keeps the others; the last one removes the summary", () => {
    const state = stateOf();
    act(state, "bob", react(1));
    act(state, "ada", react(1));
    const { rev } = state.counters;
    expect(accepted(state, user("bob"), unreact(1))).toMatchObject({
      changes: [
        {
          message: { rev: rev + 1, reactions: [{ emoji: "👍", count: 1, userIds: ["ada"] }] },
          reaction: { userId: "bob", emoji: "👍", added: false },
        },
      ],
      effects: [{ type: "unreacted", number: 1, emoji: "👍", userId: "bob" }],
    });
    act(state, "bob", unreact(1));
    act(state, "ada", unreact(1));
    expect(state.message(1)?.reactions).toEqual([]);
  });

  test("beyond the named people is counted, and named when a named one is removed", () => {
    const people = Array.from({ length: REACTION_PEOPLE + 2 }, (_, index) => `p${index}`);
    const roles = Object.fromEntries(people.map((userId) => [userId, "member" as const]));
    const state = new MemoryState("group", { ada: "owner", ...roles });
    state.post("ada");
    for (const userId of people) act(state, userId, react(1));
    expect(state.message(1)?.reactions).toEqual([
      { emoji: "👍", count: REACTION_PEOPLE + 2, userIds: people.slice(0, REACTION_PEOPLE) },
    ]);
    act(state, "p3", unreact(1));
    const left = people.filter((userId) => userId !== "p3");
    expect(state.message(1)?.reactions).toEqual([
      { emoji: "👍", count: REACTION_PEOPLE + 1, userIds: left.slice(0, REACTION_PEOPLE) },
    ]);
    // One who is counted and not named takes nothing from the names.
    act(state, "p21", unreact(1));
    expect(state.message(1)?.reactions).toEqual([
      { emoji: "👍", count: REACTION_PEOPLE, userIds: left.slice(0, REACTION_PEOPLE) },
    ]);
  });
});
