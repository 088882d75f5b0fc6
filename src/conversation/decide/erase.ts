import { unreachable } from "../../domain/error.ts";
import type { Actor } from "../../domain/policy.ts";
import { deletion } from "./delete.ts";
import { Membership } from "./membership.ts";
import { reactionChange } from "./react.ts";
import type { Command, Decision, State } from "./types.ts";

/** Who acts where a person is erased: no user. */
export const ERASING: Actor = {
  ...{ userId: "", name: null, avatarUrl: null, role: "user", reach: "member" },
};

export type ErasureCommand = Extract<Command, { type: `erase-${string}` }>;

/**
 * A part of an erasure. Nothing refuses it: neither a closed channel nor a lock, and no limit counts it. What
 * is done already changes nothing.
 */
export function decideErasure(state: State, command: ErasureCommand, now: number): Decision {
  switch (command.type) {
    case "erase-member":
      return departure(state, command.userId, now);
    case "erase-message": {
      const message = state.message(command.number);
      if (!message || message.deletedAt !== null) return nothing(state);
      return deletion(state, message, now, undefined);
    }
    case "erase-reaction": {
      const { number, emoji, userId } = command;
      const message = state.message(number);
      if (!message || !state.hasReacted(number, emoji, userId)) return nothing(state);
      return reactionChange(state, message, { userId, emoji, added: false });
    }
    default:
      return unreachable(command);
  }
}

/**
 * A member leaves, without a message that names them. Where they own the conversation, the longest-standing
 * member becomes its owner.
 */
function departure(state: State, userId: string, now: number): Decision {
  const member = state.member(userId);
  if (member?.leftAt !== null) return nothing(state);
  const membership = new Membership(state, now);
  membership.exit(member, "left");
  const heir = member.role === "owner" ? state.longestMember(userId) : undefined;
  if (heir) membership.promote(heir, "owner");
  const { changes, counters, effects } = membership;
  return { changes, counters, effects, answer: { rev: counters.rev } };
}

function nothing({ counters }: State): Decision {
  return { changes: [], counters, answer: { rev: counters.rev } };
}
