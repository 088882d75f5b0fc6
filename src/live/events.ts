import * as z from "zod";
import { KINDS, ROLES } from "../domain/conversation.ts";
import { MESSAGE_KINDS } from "../domain/message.ts";

/** What the server sends: wire objects, and one event per `type`. Times are ISO 8601 in UTC. */

const time = z.iso.datetime();
const rev = z.number().int();
const userId = z.string();
const frameId = z.union([z.string(), z.number()]).optional();

const reactionSummary = z.object({
  emoji: z.string(),
  count: z.number().int(),
  userIds: z.array(userId),
});

export const wireAttachment = z.object({
  key: z.string(),
  name: z.string(),
  mimeType: z.string(),
  size: z.number().int(),
  width: z.number().int().optional(),
  height: z.number().int().optional(),
  /** Absolute, signed, good for a day. */
  url: z.string(),
});

export const wireMessage = z.object({
  id: z.string(),
  number: z.number().int(),
  rev,
  senderId: userId.nullable(),
  kind: z.enum(MESSAGE_KINDS),
  content: z.string(),
  createdAt: time,
  editedAt: time.nullable(),
  deletedAt: time.nullable(),
  replyTo: z.string().nullable(),
  attachments: z.array(wireAttachment),
  reactions: z.array(reactionSummary),
  metadata: z.record(z.string(), z.unknown()).nullable(),
  /** Absent where it mentions nobody. */
  mentions: z.array(userId).optional(),
  /** Present where it mentions all members. */
  mentionsAll: z.literal(true).optional(),
  /** Present where the reader blocks its sender: nothing else of it is shown. */
  hidden: z.literal(true).optional(),
  clientMessageId: z.string().nullable(),
  /** Who deleted it, where that was not its author. */
  deletedBy: userId.optional(),
});
export type WireMessage = z.infer<typeof wireMessage>;

export const wireMember = z.object({
  userId,
  name: z.string().nullable(),
  avatarUrl: z.string().nullable(),
  role: z.enum(ROLES),
  joinedAt: time,
  leftAt: time.nullable(),
  /** They may only read until then, which may be over; absent where they were never muted. */
  mutedUntil: time.optional(),
  rev,
});
export type WireMember = z.infer<typeof wireMember>;

export const wireConversation = z.object({
  id: z.string(),
  kind: z.enum(KINDS),
  title: z.string().nullable(),
  description: z.string().nullable(),
  visibility: z.enum(["public", "private"]),
  createdBy: userId,
  createdAt: time,
  archivedAt: time.nullable(),
  memberCount: z.number().int(),
  lastNumber: z.number().int(),
  /** Seconds between two messages of one member without a role; absent: any. */
  slowModeSeconds: z.number().int().optional(),
  /** Present where only the owner and moderators write. */
  locked: z.literal(true).optional(),
  /** Ids of the pinned messages, the one that was pinned last first; absent where there are none. */
  pins: z.array(z.string()).optional(),
  /** Days that messages are kept, where that was set for this conversation; absent: as the server says. */
  retentionDays: z.number().int().optional(),
  /** Messages up to this number are gone, except pinned ones, and count as read; absent: none are. */
  purgedTo: z.number().int().optional(),
  rev,
});
export type WireConversation = z.infer<typeof wireConversation>;

export const wireRead = z.object({
  rev,
  userId,
  from: z.number().int(),
  to: z.number().int(),
  readAt: time,
});
export type WireRead = z.infer<typeof wireRead>;

export const helloEvent = z.object({
  type: z.literal("hello"),
  protocol: z.string(),
  epoch: z.string(),
  rev,
  you: z.object({ userId, role: z.enum(ROLES), unread: z.number().int() }),
  conversation: wireConversation,
  /** The people online; in a large conversation, how many. */
  online: z.union([z.array(userId), z.number().int()]),
  limits: z.object({
    messagesPerMinute: z.number().int(),
    contentLength: z.number().int(),
    attachments: z.number().int(),
    frameBytes: z.number().int(),
    editWindowMs: z.number().int(),
  }),
  /** The first delay of a client's reconnect backoff. */
  reconnectAfterMs: z.number().int(),
  /** The requested features that the server supports. */
  features: z.array(z.string()).optional(),
});

export const syncEvent = z.object({
  type: z.literal("sync"),
  from: rev.optional(),
  /**
   * The revision to resume from; absent in an answer to `history`, which does not move the cursor.
   */
  to: rev.optional(),
  messages: z.array(wireMessage),
  members: z.array(wireMember),
  reads: z.array(wireRead),
  conversation: wireConversation.nullable(),
  more: z.boolean(),
  reset: z.literal(true).optional(),
  /** The reader's unread messages at `to`; present with `reset`, and where messages are gone by retention. */
  unread: z.number().int().optional(),
  /**
   * Blocks that the reader has lifted, of senders of these messages: what they wrote up to a message number
   * counts as read. On a first visit and with `reset`.
   */
  lifted: z.array(z.object({ userId, upTo: z.number().int() })).optional(),
  id: frameId,
});

export const messageEvent = z.object({
  type: z.literal("message"),
  rev,
  cause: z.enum(["created", "edited", "deleted", "reaction"]),
  message: wireMessage,
});

/** For clients with the feature `reactions`; others receive the whole message. */
export const reactionEvent = z.object({
  type: z.literal("reaction"),
  rev,
  messageId: z.string(),
  userId,
  emoji: z.string(),
  added: z.boolean(),
  /** All reactions of the message. */
  reactions: z.array(reactionSummary),
});

export const memberEvent = z.object({
  type: z.literal("member"),
  rev,
  cause: z.enum(["joined", "added", "left", "removed", "role"]),
  member: wireMember,
});

export const readEvent = wireRead.extend({ type: z.literal("read") });

export const conversationEvent = z.object({
  type: z.literal("conversation"),
  rev,
  conversation: wireConversation,
});

export const typingEvent = z.object({
  type: z.literal("typing"),
  userId,
  active: z.boolean(),
  expiresInMs: z.number().int(),
});

export const presenceEvent = z.object({
  type: z.literal("presence"),
  userId,
  online: z.boolean(),
  lastSeenAt: time,
});

export const ackEvent = z.object({
  type: z.literal("ack"),
  id: frameId,
  rev,
  messageId: z.string().optional(),
  deduplicated: z.literal(true).optional(),
  /** Sends that the rate limit still allows. */
  remaining: z.number().int().optional(),
});

export const errorEvent = z.object({
  type: z.literal("error"),
  id: frameId,
  code: z.string(),
  message: z.string(),
  details: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  retryAfterMs: z.number().int().optional(),
});

/** A part of a text in UTF-16 code units, without its end. */
export const textRange = z.object({ start: z.number().int(), end: z.number().int() });

/** A message that was found, and where in it. */
export const searchHit = z.object({
  message: wireMessage,
  matches: z.array(textRange),
  snippet: textRange,
  /** In names of files: `index` is the place in `attachments`. */
  files: z.array(z.object({ index: z.number().int(), matches: z.array(textRange) })),
});

/** The answer to `search`: newest first. */
export const foundEvent = z.object({
  type: z.literal("found"),
  id: frameId,
  hits: z.array(searchHit),
  /** For `before`: there may be further hits. Absent: everything was searched. */
  cursor: z.string().optional(),
  /** The time of the oldest message that was looked at, where not everything was. */
  searchedBack: time.optional(),
});

export const serverEvent = z.discriminatedUnion("type", [
  helloEvent,
  syncEvent,
  messageEvent,
  reactionEvent,
  memberEvent,
  readEvent,
  conversationEvent,
  typingEvent,
  presenceEvent,
  ackEvent,
  errorEvent,
  foundEvent,
]);
export type ServerEvent = z.infer<typeof serverEvent>;
