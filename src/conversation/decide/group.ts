import {
  banHolds,
  MAX_GROUP_MEMBERS,
  type Member,
  type Person,
} from "../../domain/conversation.ts";
import { fail, ok, type Result } from "../../domain/error.ts";
import { type Actor, isService, refusal } from "../../domain/policy.ts";
import { decidedOf, Membership } from "./membership.ts";
import type { Command, Decision, State } from "./types.ts";

/** Why a service does not add or invite itself: it would be shown the conversation in its lists. */
export const NO_MEMBER = { message: "A service is a member of no conversation." };
/** Members that must stay in a group. */
const MIN_GROUP_MEMBERS = 2;

export function decideAdd(
  state: State,
  actor: Actor,
  command: Extract<Command, { type: "add" }>,
  now: number,
): Result<Decision> {
  const refused = refusal(actor, "manage", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  const { person } = command;
  if (!person) return fail("unknown_user");
  if (isService(actor) && person.userId === actor.userId) return fail("forbidden", NO_MEMBER);
  if (state.member(person.userId)?.leftAt === null) return fail("already_a_member");
  if (banHolds(state.banOf(person.userId), state.clock)) return fail("banned_here");
  if (state.counters.memberCount >= MAX_GROUP_MEMBERS) return fail("group_full");
  const membership = new Membership(state, now);
  const request = command.request ? "pending" : undefined;
  const member = membership.enter(person, "added", `${nameOf(person)} was added`, request);
  membership.takeBlocks(command.blocks, member);
  return decidedOf(membership);
}

/** Removes a member, who may be the caller. */
export function decideRemove(
  state: State,
  actor: Actor,
  command: Extract<Command, { type: "remove" }>,
  now: number,
): Result<Decision> {
  const leaving = command.userId === actor.userId;
  const refused = refusal(actor, leaving ? "leave" : "manage", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  const member = state.member(command.userId);
  if (member?.leftAt !== null) return fail("participant_not_found");
  const membership = new Membership(state, now);
  const left = leaveGroup(state, membership, member, leaving ? "left" : "removed");
  return left.ok ? decidedOf(membership) : left;
}

/** Has a member leave. When they own the group, the longest-standing member becomes its owner. */
export function leaveGroup(
  state: State,
  membership: Membership,
  member: Member,
  cause: "left" | "removed",
): Result<null> {
  if (state.counters.memberCount <= MIN_GROUP_MEMBERS) return fail("too_few_members");
  const done = cause === "left" ? "left" : "was removed";
  membership.exit(member, cause, `${nameOf(member)} ${done}`);
  const heir = member.role === "owner" ? state.longestMember(member.userId) : undefined;
  if (heir) membership.promote(heir, "owner");
  return ok(null);
}

function nameOf(person: Person): string {
  return person.name ?? person.userId;
}
