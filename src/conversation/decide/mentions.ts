import { type ErrorDetail, fail, ok, type Result } from "../../domain/error.ts";
import {
  type AskedMentions,
  type Mentions,
  mentionedBy,
  mentionsOf,
} from "../../domain/mentions.ts";
import type { Message } from "../../domain/message.ts";
import { type Actor, refusal } from "../../domain/policy.ts";
import type { Effect, State } from "./types.ts";

/**
 * Whom a message mentions after a send or an edit. Refuses people who are no members, and everybody where
 * the actor's role does not allow it; whom the message mentions already may stay, whatever has changed since.
 */
export function decideMentions(
  state: State,
  actor: Actor,
  asked: AskedMentions,
  before: Mentions = {},
): Result<Mentions> {
  const after = mentionsOf(asked, before);
  if (after.mentionsAll && !before.mentionsAll) {
    // Also for staff who may send without being members.
    const isRefused = refusal(actor, "mentionAll", state.factsOf(actor.userId));
    const message = "Only the owner and moderators may mention everybody.";
    if (isRefused) return fail("forbidden", { message });
  }
  const details: ErrorDetail[] = [];
  for (const [index, userId] of (after.mentions ?? []).entries()) {
    if (before.mentions?.includes(userId) || state.member(userId)?.leftAt === null) continue;
    details.push({ path: `mentions.${index}`, message: "not a member" });
  }
  return details.length > 0 ? fail("invalid_mentions", { details }) : ok(after);
}

/** What changes in members' unread mentions; none where nothing does. */
export function mentionEffects(before: Message | undefined, after: Message): MentionEffect[] {
  const were = before ? mentionedBy(before) : [];
  const are = mentionedBy(after);
  const added = are.filter((userId) => !were.includes(userId));
  const removed = were.filter((userId) => !are.includes(userId));
  if (added.length + removed.length === 0) return [];
  return [{ type: "mentioned", number: after.number, rev: after.rev, added, removed }];
}

type MentionEffect = Extract<Effect, { type: "mentioned" }>;
