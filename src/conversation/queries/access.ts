import { fail, type Result } from "../../domain/error.ts";
import { type Action, type Actor, isStaff, refusal } from "../../domain/policy.ts";
import { log } from "../../logging.ts";
import type { OpenConversation } from "../open.ts";
import { memberOf } from "../tables/members.ts";
import { factsFor, knownMember } from "./facts.ts";

/** Answers a question about a conversation, if it exists, to those who may ask it, by the policy or a part of it. */
export function answered<T>(
  open: OpenConversation | undefined,
  actor: Actor,
  action: Action,
  answer: (open: OpenConversation) => Result<T>,
  refusalOf = refusal,
): Result<T> {
  if (!open) return fail("conversation_not_found");
  const refused = refusalOf(actor, action, factsFor(open, actor.userId));
  if (refused) return { ok: false, error: refused };
  logStaffAccess(open, actor, action);
  return answer(open);
}

/** Whether the others may see that somebody types. */
export function mayType(open: OpenConversation, actor: Actor): boolean {
  return refusal(actor, "type", factsFor(open, actor.userId)) === undefined;
}

/** Whether somebody is in the conversation, whatever else lets them read it. */
export function isMember(open: OpenConversation, userId: string): boolean {
  return memberOf(open.sql, userId)?.leftAt === null;
}

/** Logs that a user who is not a member acts by their platform role: who, what, and why. */
export function logStaffAccess(open: OpenConversation, actor: Actor, action: string): void {
  if (!isStaff(actor) || knownMember(open, actor.userId)?.leftAt === null) return;
  log("staff_access", {
    conversationId: open.memory.conversation.id,
    userId: actor.userId,
    action,
    allowedBy: `role ${actor.role}`,
  });
}
