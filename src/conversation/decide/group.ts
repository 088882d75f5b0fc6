import { MAX_GROUP_MEMBERS, type Person } from "../../domain/conversation.ts";
import { type ChatError, chatError, fail, ok, type Result } from "../../domain/error.ts";
import { type Actor, refusal } from "../../domain/policy.ts";
import { Membership } from "./membership.ts";
import type { Command, Decision, State } from "./types.ts";

/** Members that must stay in a group. */
const MIN_GROUP_MEMBERS = 2;

export function decideAdd(
  state: State,
  actor: Actor,
  command: Extract<Command, { type: "add" }>,
  now: number,
): Result<Decision> {
  const refused = groupRefusal(state, actor, "manage");
  if (refused) return { ok: false, error: refused };
  const { person } = command;
  if (!person) return fail("unknown_user");
  if (state.member(person.userId)?.leftAt === null) return fail("already_a_member");
  if (state.counters.memberCount >= MAX_GROUP_MEMBERS) return fail("group_full");
  const membership = new Membership(state, now);
  const request = command.request ? "pending" : undefined;
  const member = membership.enter(person, "added", `${nameOf(person)} was added`, request);
  membership.takeBlocks(command.blocks, member);
  return decided(membership);
}

/**
 * Removes a member, who may be the caller. When the owner leaves, the longest-standing member
 * becomes owner.
 */
export function decideRemove(
  state: State,
  actor: Actor,
  command: Extract<Command, { type: "remove" }>,
  now: number,
): Result<Decision> {
  const leaving = command.userId === actor.userId;
  const refused = groupRefusal(state, actor, leaving ? "leave" : "manage");
  if (refused) return { ok: false, error: refused };
  const member = state.member(command.userId);
  if (member?.leftAt !== null) return fail("participant_not_found");
  if (state.counters.memberCount <= MIN_GROUP_MEMBERS) return fail("too_few_members");
  const membership = new Membership(state, now);
  const done = leaving ? "left" : "was removed";
  membership.exit(member, leaving ? "left" : "removed", `${nameOf(member)} ${done}`);
  const heir = member.role === "owner" ? state.longestMember(member.userId) : undefined;
  if (heir) membership.promote(heir, "owner");
  return decided(membership);
}

/**
 * Members get the refusal for the kind first (not a group), then whether their role allows the
 * command.
 */
function groupRefusal(
  state: State,
  actor: Actor,
  action: "leave" | "manage",
): ChatError | undefined {
  const facts = state.factsOf(actor.userId);
  const stranger = refusal(actor, "read", facts);
  if (stranger) return stranger;
  if (state.conversation.kind !== "group") return chatError("not_a_group");
  return refusal(actor, action, facts);
}

function decided({ changes, counters, effects, figures }: Membership): Result<Decision> {
  const moved = figures.length > 0 && { figures };
  return ok({ changes, counters, effects, ...moved, answer: { rev: counters.rev } });
}

function nameOf(person: Person): string {
  return person.name ?? person.userId;
}
