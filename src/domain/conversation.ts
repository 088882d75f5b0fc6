export const KINDS = ["direct", "group", "channel", "support", "purchase-request"] as const;
export type Kind = (typeof KINDS)[number];

/** The creator of a group or channel is its owner; a group's admins are moderators. */
export const ROLES = ["owner", "moderator", "member"] as const;
export type Role = (typeof ROLES)[number];

export type Visibility = "public" | "private";

/**
 * The API that created a conversation (stored as `origin`); its limits apply on every transport.
 */
export type Dialect = "unihub" | "marketplace";

/** Members of a group at most. */
export const MAX_GROUP_MEMBERS = 1_000;
/** People named in one creation at most. */
export const MAX_NAMED_PARTICIPANTS = 256;
/** Code points of a title. */
export const MAX_TITLE_LENGTH = 200;
/** Bytes of a conversation's or message's metadata as JSON. */
export const MAX_METADATA_BYTES = 8 * 1024;
/** Above this many members, events whose cost grows with the square of the members are not sent. */
export const LARGE_CONVERSATION = 200;

/** Code points of a channel's name. */
export const CHANNEL_NAME = { min: 3, max: 100 } as const;
/** Seconds of slow mode at most: six hours. */
export const MAX_SLOW_MODE_SECONDS = 21_600;
/** Pinned messages of a conversation. */
export const MAX_PINS = 50;
/** People who are banned from one conversation at a time. */
export const MAX_BANS = 10_000;

export type Metadata = Record<string, unknown>;

/** A conversation; `rev` is the revision that last changed it. */
export interface Conversation {
  id: string;
  kind: Kind;
  title: string | null;
  description: string | null;
  visibility: Visibility;
  createdBy: string;
  createdAt: number;
  archivedAt: number | null;
  /** The support request's subject. */
  subject: string | null;
  purchaseRequestId: string | null;
  metadata: Metadata | null;
  origin: Dialect;
  /** Seconds between two messages of one member; absent: any. */
  slowModeSeconds?: number;
  /** Only its owner and moderators write. */
  locked?: true;
  /** The pinned messages, the one that was pinned last first; absent: none. */
  pins?: readonly Pin[];
  /** Days that its messages are kept; absent: as the setting for its kind says. */
  retentionDays?: number;
  /** An admin has set them: they hold whatever the setting says, and its owner does not change them. */
  retentionByAdmin?: true;
  /** Messages up to this number are gone, except pinned ones, and count as read; absent: none. */
  purgedTo?: number;
  rev: number;
}

/** A pinned message. */
export interface Pin {
  /** Its number. */
  number: number;
  pinnedBy: string;
  pinnedAt: number;
}

/** Who may not be in a conversation. */
export interface Ban {
  userId: string;
  bannedBy: string;
  bannedAt: number;
  /** When it ends; `null`: when it is lifted. */
  until: number | null;
  reason: string | null;
}

/** Whether a ban lasts. An expired one is treated as absent. */
export function banHolds(ban: Pick<Ban, "until"> | undefined, now: number): boolean {
  return ban !== undefined && (ban.until === null || ban.until > now);
}

/** Counters that change with every commit. */
export interface Counters {
  /** The newest revision. */
  rev: number;
  /** The number of the newest message; 0 before the first. */
  lastNumber: number;
  /** How many messages count. */
  counted: number;
  /** The newest message that counts (not deleted, not the system's); 0 for none. */
  lastCounted: number;
  /** When the newest message was created; `createdAt` never decreases. */
  lastCreatedAt: number;
  memberCount: number;
  /** D1 has everything up to this revision; it may have more. */
  projectedRev: number;
}

/** A person, from a token or the directory. */
export interface Person {
  userId: string;
  name: string | null;
  avatarUrl: string | null;
}

/**
 * A member whom a stranger wrote to or added, and who has not accepted that: they decide about it, or have
 * declined it. Others are not told.
 */
export type Request = "pending" | "declined";

/** How it is stored, in an object and in D1; 0: there is none. */
export const STORED_REQUEST: Record<Request, number> = { pending: 1, declined: 2 };

export interface Member extends Person {
  role: Role;
  joinedAt: number;
  /** When they left. The row stays, so that a late projection cannot restore the membership. */
  leftAt: number | null;
  /**
   * The member's own flag, which marks the conversation in their inbox. A channel's closing is
   * `archivedAt`.
   */
  archived: boolean;
  /** Absent: they have accepted, or there was nothing to accept. */
  request?: Request;
  readUpTo: number;
  readBeyond: number;
  /** They may only read until then, which may be over; absent: they were never muted. It outlives the membership. */
  mutedUntil?: number;
  rev: number;
}

export function isLarge(memberCount: number): boolean {
  return memberCount > LARGE_CONVERSATION;
}
