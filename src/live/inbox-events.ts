import * as z from "zod";
import { KINDS } from "../domain/conversation.ts";
import { MESSAGE_KINDS } from "../domain/message.ts";
import { LEVELS } from "../domain/notification-level.ts";
import type { ShownPresence } from "../domain/presence.ts";
import { serverEvent } from "./events.ts";
import { isoTime } from "./wire.ts";

/** What the server sends over an inbox socket (`GET /live` without an id). Times are ISO 8601 in UTC. */

const time = z.iso.datetime();
const rev = z.number().int();

/** The newest message that counts, as lists preview it. */
const preview = z.object({
  id: z.string(),
  number: z.number().int(),
  senderId: z.string().nullable(),
  kind: z.enum(MESSAGE_KINDS),
  /** The beginning of the text, at most 200 code points. */
  content: z.string(),
  createdAt: time,
  /** How many files it carries. */
  attachments: z.number().int(),
  /** Present where the user blocks its sender: nothing else of it is shown. */
  hidden: z.literal(true).optional(),
});

/** Of which messages the user is notified, where that is not the default of the conversation's kind. */
const notified = {
  level: z.enum(LEVELS).optional(),
  /** Of none: the level is `none`. */
  muted: z.literal(true).optional(),
};

/**
 * A conversation of the inbox. `(epoch, rev)` orders versions of a row: the higher one wins. The level is not
 * part of a version: the one that came last is the present one, also in an older row.
 */
export const inboxEntry = z.object({
  conversationId: z.string(),
  epoch: z.string(),
  rev,
  kind: z.enum(KINDS),
  title: z.string().nullable(),
  /** A channel that nobody can write to any more. */
  closed: z.literal(true).optional(),
  createdAt: time,
  /** The ids of the first eight members, in order. */
  members: z.array(z.string()),
  memberCount: z.number().int(),
  lastMessage: preview.nullable(),
  lastNumber: z.number().int(),
  unread: z.number().int(),
  /** Unread mentions of the person, among the newest 100 of them and of everybody. */
  mentions: z.number().int(),
  archived: z.boolean(),
  /** A stranger has begun it or added the person, who has not accepted that yet. */
  request: z.literal(true).optional(),
  ...notified,
});
export type InboxEntry = z.infer<typeof inboxEntry>;

/** A conversation that the person is no longer in. */
export const inboxRemoval = z.object({
  conversationId: z.string(),
  epoch: z.string(),
  rev,
  removed: z.literal(true),
});
export type InboxRemoval = z.infer<typeof inboxRemoval>;

export const inboxRow = z.union([inboxRemoval, inboxEntry]);
export type InboxRow = z.infer<typeof inboxRow>;

/** What a user has set for themselves. */
export const inboxSettings = z.object({
  /** Others are shown the user as offline. */
  invisible: z.boolean(),
});
export type InboxSettings = z.infer<typeof inboxSettings>;

export const inboxHelloEvent = z.object({
  type: z.literal("hello"),
  protocol: z.string(),
  you: z.object({ userId: z.string() }),
  /** Unread messages of all conversations; absent while that cannot be read. */
  unread: z.number().int().optional(),
  /** Those among them that mention the user. */
  mentions: z.number().int().optional(),
  /** Absent before servers had settings. */
  settings: inboxSettings.optional(),
  limits: z.object({ sockets: z.number().int(), frameBytes: z.number().int() }),
  /** The first delay of a client's reconnect backoff. */
  reconnectAfterMs: z.number().int(),
});

/**
 * Rows of the inbox. A page of the list has `more`, and with it `next`, which requests the following one;
 * after a page without more, conversations that no `inbox` event of this connection has named are gone.
 * Without `more` the rows have changed just now.
 */
export const inboxEvent = z.object({
  type: z.literal("inbox"),
  id: z.union([z.string(), z.number()]).optional(),
  rows: z.array(inboxRow),
  more: z.boolean().optional(),
  next: z.string().optional(),
});

/** The settings were changed, by any of the user's sockets. */
export const inboxSettingsEvent = z.object({
  type: z.literal("settings"),
  settings: inboxSettings,
});

/**
 * The unread messages of all conversations, for sockets with `?features=total`: after `hello`, and whenever they
 * change.
 */
export const totalEvent = z.object({
  type: z.literal("total"),
  unread: z.number().int(),
  /** Those among them that mention the user. */
  mentions: z.number().int(),
});
export type TotalEvent = z.infer<typeof totalEvent>;

/** The level of a conversation has changed. */
export const levelEvent = z.object({
  type: z.literal("level"),
  conversationId: z.string(),
  ...notified,
});
export type LevelEvent = z.infer<typeof levelEvent>;

/** The presence of a user whom the socket watches: first as it is, then whenever it changes. */
export const userPresenceEvent = z.object({
  type: z.literal("presence"),
  userId: z.string(),
  online: z.boolean(),
  /** When they were connected last; absent of those who are online, invisible or never were connected. */
  lastSeenAt: time.optional(),
});
export type UserPresenceEvent = z.infer<typeof userPresenceEvent>;

/** Users of whom the socket is told no longer, although it did not ask for that. */
export const unwatchedEvent = z.object({
  type: z.literal("unwatched"),
  userIds: z.array(z.string()),
});
export type UnwatchedEvent = z.infer<typeof unwatchedEvent>;

/** The answer to `watch`, `unwatch` and `set`. */
export const inboxAckEvent = z.object({
  type: z.literal("ack"),
  id: z.union([z.string(), z.number()]).optional(),
  /** Of `watch`: those who are watched, of those that it named. */
  userIds: z.array(z.string()).optional(),
});
export type InboxAck = z.infer<typeof inboxAckEvent>;

export function presenceEventOf(
  userId: string,
  { online, lastSeenAt }: ShownPresence,
): UserPresenceEvent {
  return {
    type: "presence",
    userId,
    online,
    ...(lastSeenAt !== undefined && { lastSeenAt: isoTime(lastSeenAt) }),
  };
}
/** What a native socket of a conversation that is open over this one would be sent. */
export const conversationWrapper = z.object({
  type: z.literal("conversation"),
  conversationId: z.string(),
  /** Of the `open` that this answers. */
  id: z.union([z.string(), z.number()]).optional(),
  event: serverEvent,
});

/** A conversation is not open over this socket any more. */
export const closedEvent = z.object({
  type: z.literal("closed"),
  conversationId: z.string(),
  /** Of the `open` or `close` that this answers. */
  id: z.union([z.string(), z.number()]).optional(),
  /** What a native socket would be closed with. */
  code: z.number().int(),
  reason: z.string(),
});
