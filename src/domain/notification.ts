import type { Kind } from "./conversation.ts";

/** Characters of a message's text that a notification carries at most. */
export const NOTIFIED_LENGTH = 140;
/** Conversations that a notification at most names as read. */
export const MAX_READ_NAMED = 20;
/** How long a notification is worth delivering. */
export const NOTIFICATION_TTL_MS = 24 * 60 * 60_000;

/** Why somebody is notified. */
export type Reason = "message" | "mention";

/** What a conversation says of the newest unread message that notifies a member. */
export interface Notifiable {
  conversation: { id: string; kind: Kind; title: string | null };
  message: {
    /** The id that clients know it by. */
    id: string;
    senderId: string;
    /** `null`: they never told their name. */
    senderName: string | null;
    /** At most {@link NOTIFIED_LENGTH} code points; empty for files without a text. */
    text: string;
    attachments: number;
    /** Milliseconds since the epoch. */
    createdAt: number;
  };
  reason: Reason;
  /** Unread messages of the conversation. */
  unread: number;
}

/** What an inbox asks before it notifies its user. */
export interface NotifiableQuery {
  userId: string;
  /** Of what is notified: all messages of others, or mentions alone. */
  level: "all" | "mentions";
  /** The revision up to which the user was notified; of another epoch it means nothing. */
  after: { epoch: string; rev: number } | undefined;
  /** The revision from which on something else notifies: of what was notified and not delivered; absent: all. */
  upTo?: { epoch: string; rev: number };
  /** For so many milliseconds a message must have been there to be read; absent: 0. */
  unreadForMs?: number;
}

export interface NotifiableAnswer {
  /** The present revision: nothing up to it has to be asked again. */
  epoch: string;
  rev: number;
  /** Absent: there is nothing to notify the user of now. */
  notifiable?: Notifiable;
  /** When there will be, if it is still unread then, in milliseconds since the epoch: it is to be asked again. */
  notifiableAt?: number;
}

/** A notification as it is sent to each device of its user, and to the host application. */
export interface Notification {
  /** The same for every attempt and every device. */
  id: string;
  userId: string;
  conversation: Notifiable["conversation"];
  /** `undefined`: the user's setting `preview` is off. */
  message: Notifiable["message"] | undefined;
  reason: Reason;
  unread: number;
  /** Unread messages of all conversations; `undefined`: not known now. */
  total: number | undefined;
  /** Where the conversation is read: an address of the page. */
  url: string;
  /** Conversations that were notified of and read since, the newest {@link MAX_READ_NAMED}. */
  read: string[];
  /** When it stops being worth a delivery, in milliseconds since the epoch. */
  expiresAt: number;
}

/** That everything that a user was notified of in a conversation was read, or is gone. */
export interface NotificationRead {
  id: string;
  userId: string;
  conversationId: string;
  total: number | undefined;
}

/** What became of a delivery. */
export type Delivery =
  | { outcome: "delivered" }
  /** The receiver no longer exists, or wants no more: nothing is sent to it until it is added again. */
  | { outcome: "gone" }
  /**
   * Not now; at least `retryAfterMs` are waited, where the receiver said so. `isRejected`: the receiver works,
   * and others may be accepted meanwhile.
   */
  | { outcome: "retry"; retryAfterMs?: number | undefined; isRejected?: boolean; reason: string }
  /** It will never be accepted as it is. */
  | { outcome: "refused"; reason: string };
