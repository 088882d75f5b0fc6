import { banHolds } from "../../domain/conversation.ts";
import { fail, ok, type Result } from "../../domain/error.ts";
import { invitationHolds } from "../../domain/invitation.ts";
import { type Actor, isService, refusal } from "../../domain/policy.ts";
import { NO_MEMBER } from "./group.ts";
import { decidedOf, Membership } from "./membership.ts";
import { changed } from "./moderate.ts";
import type { Command, Decision, State } from "./types.ts";

/** Joins a channel: a public one, or a private one with an invitation, which is then used up. */
export function decideJoin(
  state: State,
  actor: Actor,
  command: Extract<Command, { type: "join" }>,
  now: number,
): Result<Decision> {
  const refused = refusal(actor, "join", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  if (state.member(actor.userId)?.leftAt === null) return fail("already_a_member");
  if (state.conversation.archivedAt !== null) return fail("channel_archived");
  const invitedAt = state.invitedAt(actor.userId);
  if (state.conversation.visibility === "private" && !invitationHolds(invitedAt, state.clock)) {
    return fail("invitation_required");
  }
  const membership = new Membership(state, now);
  membership.takeBlocks(command.blocks, membership.enter(actor, "joined"));
  if (invitedAt !== undefined) {
    membership.effects.push({ type: "uninvited", userId: actor.userId });
  }
  return decidedOf(membership);
}

export function decideLeave(state: State, actor: Actor, now: number): Result<Decision> {
  const refused = refusal(actor, "part", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  const member = state.member(actor.userId);
  if (member?.leftAt !== null) return fail("not_in_channel");
  if (member.role === "owner") return fail("owner_stays");
  const membership = new Membership(state, now);
  membership.exit(member, "left");
  return decidedOf(membership);
}

export function decideExpel(
  state: State,
  actor: Actor,
  userId: string,
  now: number,
): Result<Decision> {
  const refused = refusal(actor, "admit", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  const member = state.member(userId);
  if (member?.leftAt !== null) return fail("participant_not_found");
  if (member.role === "owner") return fail("owner_stays");
  const membership = new Membership(state, now);
  membership.exit(member, "removed");
  return decidedOf(membership);
}

export function decideInvite(
  state: State,
  actor: Actor,
  userId: string,
  known: boolean,
): Result<Decision> {
  const refused = refusal(actor, "admit", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  if (!known) return fail("unknown_user");
  if (isService(actor) && userId === actor.userId) return fail("forbidden", NO_MEMBER);
  if (state.conversation.archivedAt !== null) return fail("channel_archived");
  if (state.member(userId)?.leftAt === null) return fail("already_a_member");
  if (banHolds(state.banOf(userId), state.clock)) return fail("banned_here");
  return ok({
    changes: [],
    counters: state.counters,
    effects: [{ type: "invited", userId, by: actor.userId, at: state.clock }],
    answer: { rev: state.counters.rev },
  });
}

/** Revokes an invitation: it no longer admits its holder. */
export function decideUninvite(state: State, actor: Actor, userId: string): Result<Decision> {
  const refused = refusal(actor, "admit", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  if (!invitationHolds(state.invitedAt(userId), state.clock)) return fail("invitation_not_found");
  return ok({
    changes: [],
    counters: state.counters,
    effects: [{ type: "uninvited", userId }],
    answer: { rev: state.counters.rev },
  });
}

/** Closes a channel or reopens it. Idempotent. */
export function decideCloseChannel(
  state: State,
  actor: Actor,
  closing: boolean,
  now: number,
): Result<Decision> {
  const refused = refusal(actor, "close", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  if (closing === (state.conversation.archivedAt !== null)) {
    const { counters } = state;
    return ok({ changes: [], counters, answer: { rev: state.conversation.rev } });
  }
  return ok(changed(state, { ...state.conversation, archivedAt: closing ? now : null }));
}
