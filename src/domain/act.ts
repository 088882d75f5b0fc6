import { PLATFORM_ROLES } from "./policy.ts";

/** Why somebody was allowed to do it: their role in the conversation, or in their token. */
export const ACTOR_ROLES = ["owner", "moderator", ...PLATFORM_ROLES] as const;

/** Something that a moderator or staff did, as the audit log keeps it. */
export interface Act {
  /** Unique. Of an act in a conversation: its id, epoch and revision, so that it is stored once. */
  id: string;
  /** Milliseconds since the epoch. */
  at: number;
  actorId: string;
  actorRole: (typeof ACTOR_ROLES)[number];
  /** What was done, such as `message.delete`, `member.ban`, `user.ban`, `report.resolve`. */
  action: string;
  conversationId?: string | undefined;
  /** Whom it concerns. */
  targetId?: string | undefined;
  messageNumber?: number | undefined;
  /** In the words of the actor. */
  reason?: string | undefined;
  /** What else is to be known, such as when it ends. */
  details?: Record<string, unknown> | undefined;
}
