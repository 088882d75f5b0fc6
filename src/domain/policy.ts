import type { Kind, Member, Role } from "./conversation.ts";
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
  /** The kinds of conversation that exist where the caller came in; absent: all. */
  kinds?: readonly Kind[];
}

export type Action =
  /** Know that it is there, and what it is. */
  | "see"
  | "read"
  | "send"
  | "mark"
  /** Set a flag of one's own. */
  | "flag"
  | "edit"
  | "delete"
  | "react"
  | "leave"
  /** Add people to a group, and remove them. */
  | "manage"
  /** Invite to a channel, expel from it, rename it. */
  | "moderate"
  /** Say who moderates a channel, archive it. */
  | "own";

export interface Facts {
  kind: Kind;
  /** The actor's membership; absent when they never were in the conversation. */
  member: Pick<Member, "role" | "leftAt"> | undefined;
  /** Whether anyone may find and join the conversation. */
  isPublic: boolean;
}

/** Roles that an action is reserved for; every member may do the others. */
const RESERVED: Partial<Record<Action, readonly Role[]>> = {
  manage: ["owner", "moderator"],
  moderate: ["owner", "moderator"],
  own: ["owner"],
};

/** What staff may do where they are not members. */
const STAFF: Partial<Record<PlatformRole, readonly Action[]>> = {
  admin: ["see", "read", "send", "delete", "manage"],
  resolver: ["see", "read", "send"],
};

/** Whether a person could reach a conversation without being in it: such access is logged. */
export function isStaff(actor: Actor): boolean {
  return actor.reach === "staff" && STAFF[actor.role] !== undefined;
}

/** Why the actor may not do this, or `undefined` when they may. What is not allowed here is refused. */
export function refusal(actor: Actor, action: Action, facts: Facts): ChatError | undefined {
  if (actor.kinds && !actor.kinds.includes(facts.kind)) return chatError("conversation_not_found");
  if (actor.reach === "staff" && STAFF[actor.role]?.includes(action)) return undefined;
  if (action === "see" && facts.isPublic) return undefined;
  const { member } = facts;
  if (!member || member.leftAt !== null) return chatError("not_a_member");
  const reserved = RESERVED[action];
  return reserved && !reserved.includes(member.role) ? chatError("forbidden") : undefined;
}
