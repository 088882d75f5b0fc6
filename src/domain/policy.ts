import type { Kind, Member, Role } from "./conversation.ts";
import { type ChatError, chatError } from "./error.ts";

export const PLATFORM_ROLES = ["admin", "resolver", "support", "user"] as const;
/** A person's role in their token, independent of any conversation. */
export type PlatformRole = (typeof PLATFORM_ROLES)[number];

/** The person who acts, as verified from their token. */
export interface Actor {
  userId: string;
  name: string | null;
  avatarUrl: string | null;
  role: PlatformRole;
  /**
   * `staff`: the caller uses an API in which admins and resolvers reach any chat (the marketplace
   * reference). Otherwise `member`: only membership counts, whatever the token's role.
   */
  reach: "member" | "staff";
  /** The kinds of conversation that the caller's API has; absent: all. */
  kinds?: readonly Kind[];
}

export type Action =
  /** See that it exists, and what it is. */
  | "see"
  | "read"
  | "send"
  | "mark"
  /** Set one's own flag. */
  | "flag"
  | "edit"
  | "delete"
  | "react"
  | "leave"
  /** Add people to a group, and remove them. */
  | "manage"
  /** Invite to a channel, expel from it, rename it. */
  | "moderate"
  /** Choose a channel's moderators, close and reopen it. */
  | "own"
  /** Mention all members at once. */
  | "mentionAll";

export interface Facts {
  kind: Kind;
  /** The actor's membership; absent if they were never a member. */
  member: Pick<Member, "role" | "leftAt"> | undefined;
  /** Whether anyone may find and join the conversation. */
  isPublic: boolean;
}

/** Actions that require one of these roles; the others are open to every member. */
const RESERVED: Partial<Record<Action, readonly Role[]>> = {
  manage: ["owner", "moderator"],
  moderate: ["owner", "moderator"],
  own: ["owner"],
  mentionAll: ["owner", "moderator"],
};

/** What staff may do without being a member. */
const STAFF: Partial<Record<PlatformRole, readonly Action[]>> = {
  admin: ["see", "read", "send", "delete", "manage", "mentionAll"],
  resolver: ["see", "read", "send"],
};

/** Whether the actor could reach a conversation without being a member: such access is logged. */
export function isStaff(actor: Actor): boolean {
  return actor.reach === "staff" && STAFF[actor.role] !== undefined;
}

/** Why the actor may not do this; `undefined` if they may. Anything not listed is refused. */
export function refusal(actor: Actor, action: Action, facts: Facts): ChatError | undefined {
  if (actor.kinds && !actor.kinds.includes(facts.kind)) return chatError("conversation_not_found");
  if (actor.reach === "staff" && STAFF[actor.role]?.includes(action)) return undefined;
  if (action === "see" && facts.isPublic) return undefined;
  const { member } = facts;
  if (!member || member.leftAt !== null) return chatError("not_a_member");
  const reserved = RESERVED[action];
  return reserved && !reserved.includes(member.role) ? chatError("forbidden") : undefined;
}
