import { type ChatError, chatError, fail, ok, type Result } from "../../domain/error.ts";
import { invitationHolds } from "../../domain/invitation.ts";
import { type Actor, refusal } from "../../domain/policy.ts";
import { Membership } from "./membership.ts";
import type { Command, Decision, State } from "./types.ts";

/** Joins a channel: a public one, or a private one with an invitation, which is then used up. */
export function decideJoin(
  state: State,
  actor: Actor,
  command: Extract<Command, { type: "join" }>,
  now: number,
): Result<Decision> {
  if (state.conversation.kind !== "channel") return fail("conversation_not_found");
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
  return decided(membership);
}

export function decideLeave(state: State, actor: Actor, now: number): Result<Decision> {
  if (state.conversation.kind !== "channel") return fail("conversation_not_found");
  const member = state.member(actor.userId);
  if (member?.leftAt !== null) return fail("not_in_channel");
  if (member.role === "owner") return fail("owner_stays");
  const membership = new Membership(state, now);
  membership.exit(member, "left");
  return decided(membership);
}

export function decideExpel(
  state: State,
  actor: Actor,
  userId: string,
  now: number,
): Result<Decision> {
  const refused = channelRefusal(state, actor, "moderate");
  if (refused) return { ok: false, error: refused };
  const member = state.member(userId);
  if (member?.leftAt !== null) return fail("participant_not_found");
  if (member.role === "owner") return fail("owner_stays");
  const membership = new Membership(state, now);
  membership.exit(member, "removed");
  return decided(membership);
}

export function decideInvite(
  state: State,
  actor: Actor,
  userId: string,
  known: boolean,
): Result<Decision> {
  const refused = channelRefusal(state, actor, "moderate");
  if (refused) return { ok: false, error: refused };
  if (!known) return fail("unknown_user");
  if (state.conversation.archivedAt !== null) return fail("channel_archived");
  if (state.member(userId)?.leftAt === null) return fail("already_a_member");
  return ok({
    changes: [],
    counters: state.counters,
    effects: [{ type: "invited", userId, by: actor.userId, at: state.clock }],
    answer: { rev: state.counters.rev },
  });
}

/** Revokes an invitation: it no longer admits its holder. */
export function decideUninvite(state: State, actor: Actor, userId: string): Result<Decision> {
  const refused = channelRefusal(state, actor, "moderate");
  if (refused) return { ok: false, error: refused };
  if (!invitationHolds(state.invitedAt(userId), state.clock)) return fail("invitation_not_found");
  return ok({
    changes: [],
    counters: state.counters,
    effects: [{ type: "uninvited", userId }],
    answer: { rev: state.counters.rev },
  });
}

/** Makes a member a moderator, or a moderator a member. */
export function decideRole(
  state: State,
  actor: Actor,
  userId: string,
  promoting: boolean,
  now: number,
): Result<Decision> {
  const refused = channelRefusal(state, actor, "own");
  if (refused) return { ok: false, error: refused };
  const member = state.member(userId);
  if (member?.leftAt !== null) return fail(promoting ? "not_in_channel" : "not_a_moderator");
  if (promoting && member.role !== "member") return fail("already_a_moderator");
  if (!promoting && member.role === "owner") return fail("owner_stays");
  if (!promoting && member.role !== "moderator") return fail("not_a_moderator");
  const membership = new Membership(state, now);
  membership.promote(member, promoting ? "moderator" : "member");
  return decided(membership);
}

/** Changes a channel's title or description; absent fields stay. */
export function decideUpdate(
  state: State,
  actor: Actor,
  command: Extract<Command, { type: "update" }>,
): Result<Decision> {
  const refused = channelRefusal(state, actor, "moderate");
  if (refused) return { ok: false, error: refused };
  if (state.conversation.archivedAt !== null) return fail("channel_archived");
  const { title, description } = command;
  return changed(state, {
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
  });
}

/** Closes a channel or reopens it. Idempotent. */
export function decideCloseChannel(
  state: State,
  actor: Actor,
  closing: boolean,
  now: number,
): Result<Decision> {
  const refused = channelRefusal(state, actor, "own");
  if (refused) return { ok: false, error: refused };
  if (closing === (state.conversation.archivedAt !== null)) {
    const { counters } = state;
    return ok({ changes: [], counters, answer: { rev: state.conversation.rev } });
  }
  return changed(state, { archivedAt: closing ? now : null });
}

function changed(state: State, facts: Partial<State["conversation"]>): Result<Decision> {
  const rev = state.counters.rev + 1;
  return ok({
    changes: [{ type: "conversation", conversation: { ...state.conversation, ...facts, rev } }],
    counters: { ...state.counters, rev },
    answer: { rev },
  });
}

function channelRefusal(
  state: State,
  actor: Actor,
  action: "moderate" | "own",
): ChatError | undefined {
  if (state.conversation.kind !== "channel") return chatError("conversation_not_found");
  return refusal(actor, action, state.factsOf(actor.userId));
}

function decided({ changes, counters, effects, figures }: Membership): Result<Decision> {
  const moved = figures.length > 0 && { figures };
  return ok({ changes, counters, effects, ...moved, answer: { rev: counters.rev } });
}
