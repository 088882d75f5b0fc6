import type { Member } from "../../domain/conversation.ts";
import { fail, ok, type Result } from "../../domain/error.ts";
import { type Actor, refusal } from "../../domain/policy.ts";
import { Membership } from "./membership.ts";
import type { Change, Decision, State } from "./types.ts";

/** What a member makes of a request: a stranger has begun the conversation with them, or added them. */

/** Accepts it; nothing changes where there is none. */
export function decideAccept(state: State, actor: Actor): Result<Decision> {
  const refused = refusal(actor, "flag", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  const { counters } = state;
  const accepted = acceptance(state.member(actor.userId), counters.rev + 1);
  if (!accepted) return ok({ changes: [], counters, answer: { rev: counters.rev } });
  const { rev } = accepted.member;
  return ok({ changes: [accepted], counters: { ...counters, rev }, answer: { rev } });
}

/**
 * Declines it: the member leaves a group, without a message that says so; a direct conversation, or a group
 * with nobody else in it, leaves their lists and stays silent until they write. Nobody is told. May be repeated.
 */
export function decideDecline(state: State, actor: Actor, now: number): Result<Decision> {
  const refused = refusal(actor, "flag", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  const { counters } = state;
  const member = state.member(actor.userId);
  if (!member?.request) return fail("no_request");
  if (member.request === "declined") {
    return ok({ changes: [], counters, answer: { rev: counters.rev } });
  }
  if (state.conversation.kind === "group" && counters.memberCount > 1) {
    const membership = new Membership(state, now);
    membership.exit(member, "left");
    const heir = member.role === "owner" ? state.longestMember(member.userId) : undefined;
    if (heir) membership.promote(heir, "owner");
    const { changes, effects } = membership;
    const { rev } = membership.counters;
    return ok({ changes, counters: membership.counters, effects, answer: { rev } });
  }
  const rev = counters.rev + 1;
  const declined: Change = { type: "flag", member: { ...member, request: "declined", rev } };
  return ok({ changes: [declined], counters: { ...counters, rev }, answer: { rev } });
}

/** That a member has accepted, at a revision; `undefined`: they have no request. */
export function acceptance(
  member: Member | undefined,
  rev: number,
): Extract<Change, { type: "flag" }> | undefined {
  if (!member?.request) return undefined;
  const { request: _, ...rest } = member;
  return { type: "flag", member: { ...rest, rev }, accepted: true };
}
