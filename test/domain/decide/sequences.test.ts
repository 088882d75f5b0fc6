import fc from "fast-check";
import { expect, test } from "vitest";
import { decide } from "../../../src/conversation/decide/decide.ts";
import type { Change, CommandRequest, Decision } from "../../../src/conversation/decide/types.ts";
import { isCountable } from "../../../src/domain/message.ts";
import { EMOJIS, REACTION_PEOPLE } from "../../../src/domain/reaction.ts";
import { NaiveReads } from "../naive-reads.ts";
import { MemoryState } from "./state.ts";
import { PEOPLE, requestOf, type Step, steps } from "./steps.ts";

/** What is looked at in each step of a run, before it is decided and after it was applied. */
interface Checks {
  before?: (state: MemoryState, request: CommandRequest, now: number) => void;
  after?: (taken: Taken) => void;
}

interface Taken {
  before: MemoryState["counters"];
  request: CommandRequest;
  decision: Decision;
  state: MemoryState;
}

/** Decides each step and applies it where it was not refused. */
function run(
  kind: "group" | "channel",
  sequence: readonly Step[],
  { before: prepare, after }: Checks,
): void {
  const state = new MemoryState(kind, { ada: "owner", mo: "moderator", bob: "member" });
  state.limits = { ...state.limits, abuse: { changesPerMinute: 6, readsPerMinute: 6 } };
  for (const step of sequence) {
    state.clock += step.passed;
    const request = requestOf(step, state);
    const now = Math.max(state.clock, state.counters.lastCreatedAt);
    prepare?.(state, request, now);
    const decided = decide(state, request, now);
    if (!decided.ok) continue;
    const before = state.counters;
    state.apply(decided.value, request.actor.userId);
    after?.({ before, request, decision: decided.value, state });
  }
}

/** Runs of groups and of channels. */
function holds(check: () => Checks, numRuns: number): void {
  fc.assert(
    fc.property(fc.constantFrom("group" as const, "channel" as const), steps, (kind, sequence) =>
      run(kind, sequence, check()),
    ),
    { numRuns },
  );
}

test("decide does not change the state, and is deterministic", () => {
  const before: Checks["before"] = (state, request, now) => {
    const contents = JSON.stringify(contentsOf(state));
    const decided = JSON.stringify(decide(state, request, now));
    same(JSON.stringify(contentsOf(state)), contents, "what the state holds");
    same(JSON.stringify(decide(state, request, now)), decided, "the decision");
  };
  holds(() => ({ before }), 50);
});

test("each change takes the next revision; nothing else takes one", () => {
  const after = ({ before, decision, state }: Taken) => {
    const { changes, answer } = decision;
    const expected = changes.map((_, index) => before.rev + index + 1);
    same(changes.map(revOf).join(), expected.join(), "the revisions of the changes");
    same(state.counters.rev, before.rev + changes.length, "the newest revision");
    same(answer.rev <= state.counters.rev, true, "the answer's revision is there");
    if (changes.length > 0) same(answer.rev, state.counters.rev, "the answer's revision");
  };
  holds(() => ({ after }), 150);
});

test("the counters equal a recount", () => {
  const after = ({ before, state }: Taken) => {
    const { counters } = state;
    const messages = [...state.messages.values()].map(({ message }) => message);
    const counted = messages.filter(isCountable).map(({ number }) => number);
    same(counters.lastNumber, messages.length, "lastNumber");
    same(messages.map(({ number }) => number).join(), numbers(messages.length), "numbers");
    same(counters.counted, counted.length, "counted");
    same(counters.lastCounted, counted.at(-1) ?? 0, "lastCounted");
    const present = [...state.members.values()].filter(({ leftAt }) => leftAt === null);
    same(counters.memberCount, present.length, "memberCount");
    same(counters.lastCreatedAt >= before.lastCreatedAt, true, "createdAt runs forward");
    const owners = present.filter(({ role }) => role === "owner");
    same(owners.length, 1, "there is one owner");
  };
  holds(() => ({ after }), 150);
});

test("the unread count equals a recount and is never negative", () => {
  holds(() => {
    const naive = new NaiveReads();
    for (const userId of PEOPLE.slice(0, 3)) naive.join(userId);
    const after = ({ decision, state }: Taken) => {
      for (const change of decision.changes) follow(naive, change);
      for (const { userId, leftAt } of state.members.values()) {
        if (leftAt !== null) continue;
        const unread = state.unread(userId);
        same(unread >= 0, true, `${userId}'s unread is not negative`);
        same(unread, naive.unread(userId).length, `${userId}'s unread`);
      }
    };
    return { after };
  }, 500);
});

test("repeating a command changes nothing or is refused", () => {
  const after = ({ request, state }: Taken) => {
    const { type } = request.command;
    const keyed = type === "send" && request.command.clientMessageId !== undefined;
    // These are new each time that they are made.
    if ((type === "send" && !keyed) || ["edit", "archive", "update"].includes(type)) return;
    const now = Math.max(state.clock, state.counters.lastCreatedAt);
    const again = decide(state, request, now);
    if (!again.ok) return;
    same(again.value.changes.length, 0, `changes of a second ${type}`);
    same(again.value.counters, state.counters, `counters after a second ${type}`);
    if (type !== "read") return;
    same(again.value.figures?.length, 0, "figures after a second mark");
    same(again.value.answer.modifiedCount, 0, "messages that became read again");
  };
  holds(() => ({ after }), 150);
});

test("reaction summaries equal the stored reactions", () => {
  const after = ({ state }: Taken) => {
    for (const { message } of state.messages.values()) {
      for (const emoji of EMOJIS.slice(0, 2)) {
        const summary = message.reactions.find((one) => one.emoji === emoji);
        const left = state.firstReactors(message.number, emoji, PEOPLE.length);
        same(summary?.count ?? 0, left.length, `${emoji} on ${message.number}`);
        same((summary?.userIds ?? []).join(), left.slice(0, REACTION_PEOPLE).join(), "people");
      }
    }
  };
  holds(() => ({ after }), 150);
});

function revOf(change: Change): number {
  switch (change.type) {
    case "message":
      return change.message.rev;
    case "member":
    case "flag":
      return change.member.rev;
    case "read":
      return change.read.rev;
    case "block":
      return change.block.rev;
    case "conversation":
      return change.conversation.rev;
  }
}

/** Does in the recount what a change did. */
function follow(naive: NaiveReads, change: Change): void {
  if (change.type === "message" && change.cause === "created") {
    naive.send(change.message.senderId ?? undefined);
  }
  if (change.type === "message" && change.cause === "deleted") naive.delete(change.message.number);
  if (change.type === "member") {
    const { cause, member } = change;
    if (cause === "joined" || cause === "added") naive.join(member.userId);
    if (cause === "left" || cause === "removed") naive.leave(member.userId);
  }
  if (change.type === "block") {
    const { userId, blockedId, upTo } = change.block;
    if (upTo === null) naive.block(userId, blockedId);
    else naive.unblock(userId, blockedId);
  }
  if (change.type !== "read") return;
  const { userId, from, to } = change.read;
  const readable = Array.from({ length: to - from + 1 }, (_, index) => from + index).filter(
    (number) => naive.isReadable(userId, number),
  );
  naive.markSome(userId, readable);
}

function numbers(upTo: number): string {
  return Array.from({ length: upTo }, (_, index) => index + 1).join();
}

/** Everything that a state holds. */
function contentsOf(state: MemoryState): unknown {
  const { conversation, counters, members, messages, uncounted, reads, reactions } = state;
  return {
    ...{ conversation, counters, reads, reactions },
    lists: [members, messages, uncounted, state.invitations, state.sends].map((list) => [...list]),
  };
}

/** `expect` alone would be most of the time of a run: it is called a million times. */
function same<T>(actual: T, expected: T, what: string): void {
  if (!Object.is(actual, expected)) expect(actual, what).toEqual(expected);
}
