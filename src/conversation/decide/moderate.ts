import {
  CHANNEL_NAME,
  type Conversation,
  MAX_PINS,
  MAX_SLOW_MODE_SECONDS,
} from "../../domain/conversation.ts";
import { type Failure, fail, ok, type Result } from "../../domain/error.ts";
import { type Actor, refusal } from "../../domain/policy.ts";
import { codePoints } from "../../domain/text.ts";
import { decidedOf, Membership } from "./membership.ts";
import { messageIn } from "./message-of.ts";
import type { Command, Decision, State } from "./types.ts";

/** What moderators do to a group or channel. */

/** Makes a member a moderator, or a moderator a member. */
export function decideRole(
  state: State,
  actor: Actor,
  userId: string,
  promoting: boolean,
  now: number,
): Result<Decision> {
  const refused = refusal(actor, "own", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  const member = state.member(userId);
  const absent = state.conversation.kind === "channel" ? "not_in_channel" : "participant_not_found";
  if (member?.leftAt !== null) return fail(promoting ? absent : "not_a_moderator");
  if (promoting && member.role !== "member") return fail("already_a_moderator");
  if (!promoting && member.role === "owner") return fail("owner_stays");
  if (!promoting && member.role !== "moderator") return fail("not_a_moderator");
  const membership = new Membership(state, now);
  membership.promote(member, promoting ? "moderator" : "member");
  return decidedOf(membership);
}

/** Changes title, description, slow mode or lock; absent fields stay. */
export function decideUpdate(
  state: State,
  actor: Actor,
  command: Extract<Command, { type: "update" }>,
): Result<Decision> {
  const refused = refusal(actor, "moderate", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  const { kind, archivedAt } = state.conversation;
  if (archivedAt !== null) return fail("channel_archived");
  const { title, description, slowModeSeconds, locked, retentionDays } = command;
  if (kind === "channel" && title !== undefined && !isChannelName(title)) {
    const message = `a channel's name has ${CHANNEL_NAME.min} to ${CHANNEL_NAME.max} characters`;
    return fail("invalid_request", { details: [{ path: "title", message }] });
  }
  const isLonger =
    retentionDays === undefined ? undefined : retentionRefusal(state, actor, retentionDays);
  if (isLonger) return isLonger;
  const { slowModeSeconds: before = 0, locked: wasLocked = false, ...all } = state.conversation;
  const { retentionDays: ownDays, ...others } = all;
  const days = retentionDays === undefined ? ownDays : (retentionDays ?? undefined);
  const rest = { ...others, ...(days !== undefined && { retentionDays: days }) };
  const pace = Math.min(slowModeSeconds ?? before, MAX_SLOW_MODE_SECONDS);
  const isLocked = locked ?? wasLocked;
  const decision = changed(state, {
    ...rest,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(pace > 0 && { slowModeSeconds: pace }),
    ...(isLocked && { locked: true as const }),
  });
  if (pace === 0 && before > 0) decision.effects = [{ type: "pace-ended" }];
  return ok(decision);
}

/** Owners may shorten what the setting says, where no admin has decided otherwise. */
function retentionRefusal(state: State, actor: Actor, days: number | null): Failure | undefined {
  const refused = refusal(actor, "own", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  if (state.conversation.retentionByAdmin) {
    return fail("forbidden", { message: "An admin has set how long messages are kept here." });
  }
  const { retentionDays: most = Infinity } = state.limits;
  if (days === null || days <= most) return undefined;
  const message = `messages are kept for ${most} days at most`;
  return fail("invalid_request", { details: [{ path: "retentionDays", message }] });
}

/** Pins a message, which comes first then, or unpins it. Pinning one that is pinned changes nothing. */
export function decidePin(
  state: State,
  actor: Actor,
  { type, messageId }: Extract<Command, { type: "pin" | "unpin" }>,
): Result<Decision> {
  const refused = refusal(actor, "moderate", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  const found = messageIn(state, messageId);
  if (!found.ok) return found;
  const { number, senderId, deletedAt } = found.value;
  const { archivedAt, pins = [] } = state.conversation;
  if (archivedAt !== null) return fail("channel_archived");
  const isPinned = pins.some((pin) => pin.number === number);
  if (type === "unpin")
    return isPinned ? ok(changed(state, withoutPin(state, number))) : fail("not_pinned");
  if (senderId === null) return fail("system_message");
  if (deletedAt !== null) return fail("message_deleted");
  const { counters } = state;
  if (isPinned) return ok({ changes: [], counters, answer: { rev: state.conversation.rev } });
  if (pins.length >= MAX_PINS) return fail("too_many_pins");
  const pin = { number, pinnedBy: actor.userId, pinnedAt: state.clock };
  return ok(changed(state, { ...state.conversation, pins: [pin, ...pins] }));
}

/** The conversation without a pin. */
export function withoutPin({ conversation }: State, number: number): Conversation {
  const { pins = [], ...rest } = conversation;
  const others = pins.filter((pin) => pin.number !== number);
  return others.length > 0 ? { ...rest, pins: others } : rest;
}

/** The decision that the conversation is like this from now on. */
export function changed(state: State, conversation: Conversation): Decision {
  const rev = state.counters.rev + 1;
  return {
    changes: [{ type: "conversation", conversation: { ...conversation, rev } }],
    counters: { ...state.counters, rev },
    answer: { rev },
  };
}

function isChannelName(title: string | null): boolean {
  const length = codePoints(title ?? "");
  return length >= CHANNEL_NAME.min && length <= CHANNEL_NAME.max;
}
