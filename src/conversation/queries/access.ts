import type { Member } from "../../domain/conversation.ts";
import { fail, type Result } from "../../domain/error.ts";
import { type Actor, isStaff, refusal } from "../../domain/policy.ts";
import { log } from "../../logging.ts";
import type { OpenConversation } from "../open.ts";
import { memberOf } from "../tables/members.ts";

/** Answers a question about a conversation, if it exists, to those who may ask it. */
export function answered<T>(
  open: OpenConversation | undefined,
  actor: Actor,
  action: "see" | "read" | "send",
  answer: (open: OpenConversation) => Result<T>,
): Result<T> {
  if (!open) return fail("conversation_not_found");
  const { kind, visibility } = open.memory.conversation;
  const member = knownMember(open, actor.userId);
  const refused = refusal(actor, action, { kind, member, isPublic: visibility === "public" });
  if (refused) return { ok: false, error: refused };
  logStaffAccess(open, actor, action);
  return answer(open);
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
