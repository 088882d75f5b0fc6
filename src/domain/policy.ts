import type { Member } from "./conversation.ts";
import { type ChatError, chatError } from "./error.ts";

export const PLATFORM_ROLES = ["admin", "resolver", "support", "user"] as const;
/** What a token says of a person, beyond any one conversation. */
export type PlatformRole = (typeof PLATFORM_ROLES)[number];

/** Who does something, as verified from their token. */
export interface Actor {
  userId: string;
  name: string | null;
  avatarUrl: string | null;
  role: PlatformRole;
  /**
   * `staff`: the caller came in where the marketplace reference lets admins and resolvers reach any
   * chat. Everywhere else `member`: only membership counts, whatever the token's role.
   */
  reach: "member" | "staff";
}

export type Action = "read" | "send" | "mark" | "edit" | "delete" | "type";

export interface Facts {
  /** The actor's membership; absent when they never were in the conversation. */
  member: Pick<Member, "role" | "leftAt"> | undefined;
}

/** Why the actor may not do this, or `undefined` when they may. What is not allowed here is refused. */
export function refusal(actor: Actor, action: Action, facts: Facts): ChatError | undefined {
  if (facts.member && facts.member.leftAt === null) return undefined;
  if (actor.reach === "staff") {
    const { role } = actor;
    if ((role === "admin" || role === "resolver") && (action === "read" || action === "send")) {
      return undefined;
    }
    if (role === "admin" && action === "delete") return undefined;
  }
  return chatError("not_a_member");
}
