import { fail, ok, type Result } from "../../domain/error.ts";
import type { Message } from "../../domain/message.ts";
import { type Actor, refusal } from "../../domain/policy.ts";
import { emojiOf, REACTION_PEOPLE, withoutReaction, withReaction } from "../../domain/reaction.ts";
import { messageIn } from "./message-of.ts";
import type { Command, Decision, Reacted, State } from "./types.ts";

/** Adds an emoji to a message, or removes it. Adding one that is already there changes nothing. */
export function decideReaction(
  state: State,
  actor: Actor,
  command: Extract<Command, { type: "react" | "unreact" }>,
): Result<Decision> {
  const emoji = emojiOf(command.emoji);
  if (!emoji) return fail("unsupported_emoji");
  // Membership first: non-members must not learn which messages exist.
  const refused = refusal(actor, "react", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  const found = messageIn(state, command.messageId);
  if (!found.ok) return found;
  const before = found.value;
  if (state.conversation.archivedAt !== null) return fail("channel_archived");
  if (before.deletedAt !== null) return fail("message_deleted");

  const { number } = before;
  const { userId } = actor;
  const there = state.hasReacted(number, emoji, userId);
  const adding = command.type === "react";
  if (adding === there) {
    if (!adding) return fail("reaction_not_found");
    return ok({
      changes: [],
      counters: state.counters,
      answer: { rev: before.rev, message: before },
    });
  }
  return ok(reactionChange(state, before, { userId, emoji, added: adding }));
}

/** The decision that somebody's emoji is added to a message, where it is not, or removed, where it is. */
export function reactionChange(state: State, before: Message, reaction: Reacted): Decision {
  const { userId, emoji, added } = reaction;
  const { number } = before;
  const rev = state.counters.rev + 1;
  const message: Message = {
    ...before,
    rev,
    reactions: added
      ? withReaction(before.reactions, emoji, userId)
      : withoutReaction(before.reactions, emoji, remaining(state, number, emoji, userId)),
  };
  return {
    changes: [{ type: "message", cause: "reaction", message, reaction }],
    counters: { ...state.counters, rev },
    effects: [
      added
        ? { type: "reacted", number, emoji, userId, rev }
        : { type: "unreacted", number, emoji, userId },
    ],
    answer: { rev, message },
  };
}

/** The first people who reacted with an emoji, without `userId`. */
function remaining(state: State, number: number, emoji: string, userId: string): string[] {
  return state
    .firstReactors(number, emoji, REACTION_PEOPLE + 1)
    .filter((other) => other !== userId)
    .slice(0, REACTION_PEOPLE);
}
