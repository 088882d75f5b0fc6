import { fail, ok, type Result } from "../../domain/error.ts";
import type { Message } from "../../domain/message.ts";
import { type Actor, refusal } from "../../domain/policy.ts";
import { emojiOf, REACTION_PEOPLE, withoutReaction, withReaction } from "../../domain/reaction.ts";
import { messageIn } from "./message-of.ts";
import type { Command, Decision, State } from "./types.ts";

/** Leaves an emoji on a message, or takes it back. Leaving one that is there already changes nothing. */
export function decideReaction(
  state: State,
  actor: Actor,
  command: Extract<Command, { type: "react" | "unreact" }>,
): Result<Decision> {
  const emoji = emojiOf(command.emoji);
  if (!emoji) return fail("unsupported_emoji");
  // Membership before existence: who is not in it cannot tell which messages there are.
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
  const rev = state.counters.rev + 1;
  const message: Message = {
    ...before,
    rev,
    reactions: adding
      ? withReaction(before.reactions, emoji, userId)
      : withoutReaction(before.reactions, emoji, remaining(state, number, emoji, userId)),
  };
  return ok({
    changes: [
      { type: "message", cause: "reaction", message, reaction: { userId, emoji, added: adding } },
    ],
    counters: { ...state.counters, rev },
    effects: [
      adding
        ? { type: "reacted", number, emoji, userId, rev }
        : { type: "unreacted", number, emoji, userId },
    ],
    answer: { rev, message },
  });
}

/** The first people behind an emoji once `userId` is gone. */
function remaining(state: State, number: number, emoji: string, userId: string): string[] {
  return state
    .firstReactors(number, emoji, REACTION_PEOPLE + 1)
    .filter((other) => other !== userId)
    .slice(0, REACTION_PEOPLE);
}
