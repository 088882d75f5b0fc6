import { type Ban, banHolds, MAX_BANS, type Member } from "../../domain/conversation.ts";
import { type ChatError, chatError, fail, ok, type Result } from "../../domain/error.ts";
import { type Actor, mayAsStaff, outranks, refusal } from "../../domain/policy.ts";
import { leaveGroup } from "./group.ts";
import { decidedOf, Membership } from "./membership.ts";
import type { Command, Decision, State } from "./types.ts";

/** What moderators do to people: bans and mutes. */

/**
 * Bans somebody, who is out of the conversation in the same commit, and their invitation with them. Banning
 * again replaces end and reason.
 */
export function decideBan(
  state: State,
  actor: Actor,
  command: Extract<Command, { type: "ban" }>,
  now: number,
): Result<Decision> {
  const { userId, until } = command;
  const refused = restrainRefusal(state, actor, userId);
  if (refused) return { ok: false, error: refused };
  const member = state.member(userId);
  if (!member && !command.known) return fail("unknown_user");
  if (until !== null && until <= state.clock) return fail("end_in_the_past");
  if (!state.banOf(userId) && state.countBans() >= MAX_BANS) return fail("too_many_bans");
  const membership = new Membership(state, now);
  if (member?.leftAt === null) {
    if (state.conversation.kind === "channel") membership.exit(member, "removed");
    else {
      const left = leaveGroup(state, membership, member, "removed");
      if (!left.ok) return left;
    }
  }
  const ban: Ban = {
    ...{ userId, bannedBy: actor.userId, bannedAt: state.clock, until },
    reason: command.reason ?? null,
  };
  membership.effects.push({ type: "banned", ban });
  if (state.invitedAt(userId) !== undefined) membership.effects.push({ type: "uninvited", userId });
  return decidedOf(membership);
}

export function decideUnban(state: State, actor: Actor, userId: string): Result<Decision> {
  const refused = refusal(actor, "restrain", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  if (!banHolds(state.banOf(userId), state.clock)) return fail("ban_not_found");
  const { counters } = state;
  const effects = [{ type: "unbanned" as const, userId }];
  return ok({ changes: [], counters, effects, answer: { rev: counters.rev } });
}

/** Has a member only read until a time; muting again replaces it. The mute outlives their membership. */
export function decideMute(
  state: State,
  actor: Actor,
  { userId, until }: Extract<Command, { type: "mute" }>,
  now: number,
): Result<Decision> {
  const refused = restrainRefusal(state, actor, userId);
  if (refused) return { ok: false, error: refused };
  const member = state.member(userId);
  if (member?.leftAt !== null) return fail("participant_not_found");
  if (until <= state.clock) return fail("end_in_the_past");
  const membership = new Membership(state, now);
  membership.mute(member, until);
  return decidedOf(membership);
}

/** Lets a member write again. Idempotent. */
export function decideUnmute(
  state: State,
  actor: Actor,
  userId: string,
  now: number,
): Result<Decision> {
  const refused = restrainRefusal(state, actor, userId);
  if (refused) return { ok: false, error: refused };
  const member = state.member(userId);
  if (member?.leftAt !== null) return fail("participant_not_found");
  const membership = new Membership(state, now);
  if (isMuted(member, state.clock)) membership.mute(member, undefined);
  return decidedOf(membership);
}

export function isMuted({ mutedUntil = 0 }: Pick<Member, "mutedUntil">, clock: number): boolean {
  return mutedUntil > clock;
}

/** Members are for those whose role is above theirs, which nobody's own is; staff are above all. */
function restrainRefusal(state: State, actor: Actor, userId: string): ChatError | undefined {
  const refused = refusal(actor, "restrain", state.factsOf(actor.userId));
  if (refused || (mayAsStaff(actor, "restrain") && userId !== actor.userId)) return refused;
  const target = state.member(userId);
  const role = target?.leftAt === null ? target.role : "member";
  const own = state.member(actor.userId)?.role ?? "member";
  return outranks(own, role) ? undefined : chatError("forbidden");
}
