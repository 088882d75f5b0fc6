import fc from "fast-check";
import type { Command, CommandRequest } from "../../../src/conversation/decide/types.ts";
import type { Block } from "../../../src/domain/block.ts";
import type { Actor } from "../../../src/domain/policy.ts";
import { EMOJIS } from "../../../src/domain/reaction.ts";
import { id, user } from "./cases.ts";
import { type MemoryState, memberOf } from "./state.ts";

/** Random commands. Messages are picked by numbers, modulo those that there are, so that runs shrink. */

export const PEOPLE = ["ada", "mo", "bob", "cyd", "eve"];

/** A command with numbers where the state decides what they stand for. */
export interface Step {
  does: (typeof COMMANDS)[number];
  who: number;
  /** How they come in; mostly as an ordinary member. */
  as: Pick<Actor, "role" | "reach">;
  /** A message, a person, a text, a key or an emoji. */
  pick: number;
  picks: number[];
  /** Whether a message's author acts, who may do more than others. */
  author: boolean;
  /** Milliseconds since the step before, by a clock that may be set back. */
  passed: number;
}

const COMMANDS = [
  ...(["send", "send with key", "reply", "edit", "delete", "react", "unreact"] as const),
  ...(["read all", "read up to", "read one", "read some", "archive"] as const),
  ...(["add", "remove", "join", "leave", "close", "reopen"] as const),
  ...(["invite", "uninvite", "expel", "promote", "demote", "update"] as const),
  ...(["block", "unblock", "accept", "decline"] as const),
] as const;

/** Often one of the first few, so that a run returns to messages that it has changed before. */
const pick = fc.oneof(fc.nat(5), fc.nat(60));

const step: fc.Arbitrary<Step> = fc.record({
  does: fc.oneof(
    { weight: 2, arbitrary: fc.constant("send" as const) },
    { weight: 3, arbitrary: fc.constantFrom(...COMMANDS.slice(0, 11)) },
    { weight: 1, arbitrary: fc.constantFrom(...COMMANDS) },
    { weight: 1, arbitrary: fc.constantFrom("block" as const, "unblock" as const) },
  ),
  who: fc.nat(PEOPLE.length - 1),
  as: fc.oneof(
    { weight: 9, arbitrary: fc.constant({ role: "user", reach: "member" } as const) },
    { weight: 1, arbitrary: fc.constant({ role: "admin", reach: "staff" } as const) },
  ),
  pick,
  picks: fc.array(pick, { maxLength: 4 }),
  author: fc.boolean(),
  passed: fc.constantFrom(0, 1, 1_000, 20_000, -500),
});

/** Up to 60 steps; without `size`, half of all runs would have fewer than six. */
export const steps = fc.array(step, { maxLength: 60, size: "max" });

/** Who does what in a step, in a state. */
export function requestOf(step: Step, state: MemoryState): CommandRequest {
  const command = commandOf(step, state);
  const author =
    "messageId" in command ? state.message(numberOf(step.pick, state))?.senderId : null;
  const who = (step.author && author) || (PEOPLE[step.who] ?? "eve");
  return { actor: user(who, step.as), command };
}

/** A block of the one who acts; of the same people the version mostly rises. */
function blockOf(step: Step, state: MemoryState, blocked: boolean): Block {
  const userId = PEOPLE[step.who] ?? "eve";
  const blockedId = PEOPLE[step.pick % PEOPLE.length] ?? "eve";
  const version = Math.max(1, state.counters.rev + (step.picks.length === 4 ? -10 : 0));
  return { userId, blockedId, blocked, version };
}

/** Blocks of others, in both directions. */
function someBlocks({ picks, pick }: Step, state: MemoryState): Block[] {
  return picks.map((one, index) => ({
    userId: PEOPLE[one % PEOPLE.length] ?? "eve",
    blockedId: PEOPLE[pick % PEOPLE.length] ?? "eve",
    blocked: one % 3 > 0,
    version: Math.max(1, state.counters.rev - index),
  }));
}

/** One beyond the newest is among them, which is not there. */
function numberOf(pick: number, state: MemoryState): number {
  return 1 + (pick % (state.counters.lastNumber + 1));
}

function commandOf(step: Step, state: MemoryState): Command {
  const { does } = step;
  const messageId = id(numberOf(step.pick, state));
  const userId = PEOPLE[step.pick % PEOPLE.length] ?? "eve";
  const content = ["one", "two", " "][step.pick % 3] ?? "";
  const sent = { type: "send", kind: "text", content, maxLength: 10 } as const;
  switch (does) {
    case "send":
      return { ...sent, content: "text" };
    case "send with key":
      return { ...sent, clientMessageId: `k${step.pick % 4}` };
    case "reply":
      return { ...sent, replyTo: messageId };
    case "edit":
      return { type: does, messageId, content, maxLength: 10 };
    case "delete":
      return { type: does, messageId };
    case "react":
    case "unreact":
      return { type: does, messageId, emoji: EMOJIS[step.picks.length % 2] ?? "" };
    case "read all":
      return { type: "read" };
    case "read up to":
      return { type: "read", upTo: messageId };
    case "read one":
      return { type: "read", messageId };
    case "read some":
      return { type: "read", messageIds: step.picks.map((one) => id(numberOf(one, state))) };
    case "add":
      return {
        ...{ type: does, person: memberOf(userId), blocks: someBlocks(step, state) },
        request: step.author,
      };
    case "join":
      return { type: does, blocks: someBlocks(step, state) };
    case "block":
    case "unblock":
      return {
        type: "blocks",
        blocks: [blockOf(step, state, does === "block"), ...someBlocks(step, state)],
      };
    case "invite":
      return { type: does, userId, known: true };
    case "remove":
    case "uninvite":
    case "expel":
    case "promote":
    case "demote":
      return { type: does, userId };
    case "update":
      return { type: does, title: content };
    default:
      return { type: does };
  }
}
