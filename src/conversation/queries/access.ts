import type { Member } from "../../domain/conversation.ts";
import { fail, type Result } from "../../domain/error.ts";
import { type Action, type Actor, type Facts, isStaff, refusal } from "../../domain/policy.ts";
import { log } from "../../logging.ts";
import { factsOf } from "../decide/facts.ts";
import type { OpenConversation } from "../open.ts";
import { banOf } from "../tables/bans.ts";
import { memberOf } from "../tables/members.ts";

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

/** The facts about a user as committed. */
export function factsFor(open: OpenConversation, userId: string): Facts {
  const { sql, memory, clock } = open;
  const lookUp = { clock: clock(), banOf: (userId: string) => banOf(sql, userId) };
  return factsOf(memory.conversation, userId, knownMember(open, userId), lookUp);
}

/** A member as committed: from memory, which has those who acted recently, or from storage. */
function knownMember({ sql, memory }: OpenConversation, userId: string): Member | undefined {
  return memory.members.get(userId) ?? memberOf(sql, userId);
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
