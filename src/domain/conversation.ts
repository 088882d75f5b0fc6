export const KINDS = ["direct", "group", "channel", "support", "purchase-request"] as const;
export type Kind = (typeof KINDS)[number];

/** The creator of a group or channel owns it; moderators are what a group calls its admins. */
export const ROLES = ["owner", "moderator", "member"] as const;
export type Role = (typeof ROLES)[number];

export type Visibility = "public" | "private";

/** The published API that created a conversation; its limits hold for every transport. */
export const ORIGINS = ["unihub", "marketplace"] as const;
export type Dialect = (typeof ORIGINS)[number];

/** Members a group may hold. */
export const MAX_GROUP_MEMBERS = 1_000;
/** People one creation may name. */
export const MAX_NAMED_PARTICIPANTS = 256;
/** Code points of a title. */
export const MAX_TITLE_LENGTH = 200;
/** Bytes of a conversation's or message's metadata as JSON. */
export const MAX_METADATA_BYTES = 8 * 1024;
/** Members above which a conversation is spared what grows with the square of them. */
export const LARGE_CONVERSATION = 200;

export type Metadata = Record<string, unknown>;

/** What a conversation is; `rev` is the revision that last changed it. */
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
  rev: number;
}

/** What moves with every change of a conversation. */
export interface Counters {
  /** The newest revision. */
  rev: number;
  /** The number of the newest message; 0 before the first. */
  lastNumber: number;
  /** How many messages count. */
  counted: number;
  /** The newest message that counts (not deleted, not the system's); 0 for none. */
  lastCounted: number;
  /** When the newest message was created; `createdAt` never runs backwards. */
  lastCreatedAt: number;
  memberCount: number;
  /** The revision up to which D1 is known to have everything; it may have more. */
  projectedRev: number;
}

/** A person as a token or the directory tells of them. */
export interface Person {
  userId: string;
  name: string | null;
  avatarUrl: string | null;
}

export interface Member extends Person {
  role: Role;
  joinedAt: number;
  /** A member who left keeps their row, so that a late projection cannot bring them back. */
  leftAt: number | null;
  /** The member's own flag: archived conversations are marked in their inbox. */
  archived: boolean;
  readUpTo: number;
  readBeyond: number;
  rev: number;
}

export function isLarge(memberCount: number): boolean {
  return memberCount > LARGE_CONVERSATION;
}
