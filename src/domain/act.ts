import type { PlatformRole } from "./policy.ts";

/** Something that a moderator or staff did, as the audit log keeps it. */
export interface Act {
  /** Unique. Of an act in a conversation: its id, epoch, revision and position, so that it is stored once. */
  id: string;
  /** Milliseconds since the epoch. */
  at: number;
  actorId: string;
  /** Why they were allowed to: their role in the conversation, or in their token. */
  actorRole: "owner" | "moderator" | PlatformRole;
  /** What was done, such as `message.delete`, `member.ban`, `user.ban`, `report.resolve`. */
  action: string;
  conversationId?: string;
  /** Whom it concerns. */
  targetId?: string;
  messageNumber?: number;
  /** In the words of the actor. */
  reason?: string;
  /** What else is to be known, such as when it ends. */
  details?: Record<string, unknown>;
}
