import { z } from "@hono/zod-openapi";
import { KINDS, ROLES } from "../domain/conversation.ts";
import { wireMember, wireMessage } from "../live/events.ts";
import { MAX_REASON_LENGTH } from "./bans.ts";
import { optional, optionalOr, paragraph, uuid } from "./fields.ts";

/** Schemas of what admins are told of users, conversations and messages; clients infer their types from them. */

const time = z.iso.datetime();
const timeOrNull = z.union([time, z.null()]);
const textOrNull = z.union([z.string(), z.null()]);
const count = z.number().int();
const next = z
  .string()
  .optional()
  .openapi({ description: "The `cursor` of the next page, if there may be one" });

/** Why an admin does something: it is in the audit log. */
export const requiredReason = paragraph(MAX_REASON_LENGTH, 1);
export const reasonBody = z.object({ reason: requiredReason });

const listedUser = {
  id: z.string(),
  name: textOrNull,
  avatarUrl: textOrNull,
  role: z.string().openapi({ description: "Of their last token" }),
  provisionedRole: textOrNull,
  bot: z.boolean(),
  lastSeenAt: timeOrNull.openapi({ description: "To the hour; null: never" }),
};

export const adminUsersSchema = z
  .object({ items: z.array(z.object(listedUser)), next })
  .openapi("AdminUsers");

export const adminUserSchema = z
  .object({
    ...listedUser,
    ban: z.union([
      z.object({
        bannedBy: z.string(),
        bannedAt: time,
        expiresAt: timeOrNull,
        reason: textOrNull,
      }),
      z.null(),
    ]),
    legalHold: z.union([
      z.object({ placedBy: z.string(), placedAt: time, reason: z.string() }),
      z.null(),
    ]),
    counts: z
      .object({
        conversations: count,
        former: count,
        files: count,
        fileBytes: count,
        blocks: count,
      })
      .openapi({ description: "At most 10,000 memberships, files and blocks are counted" }),
  })
  .openapi("AdminUser");

const listedConversation = {
  id: z.string(),
  kind: z.enum(KINDS),
  title: textOrNull,
  subject: textOrNull,
  purchaseRequestId: textOrNull,
  createdBy: z.string(),
  createdAt: time,
  closedAt: timeOrNull,
  memberCount: count,
  messageCount: count,
  lastMessageAt: timeOrNull,
};

const membership = z.object({
  ...listedConversation,
  membership: z.object({ role: z.enum(ROLES), joinedAt: time, leftAt: timeOrNull }),
});

export const userConversationsSchema = z
  .object({ items: z.array(membership), next })
  .openapi("AdminUserConversations");

export const adminConversationsSchema = z
  .object({ items: z.array(z.object(listedConversation)), next })
  .openapi("AdminConversations");

export const devicesSchema = z
  .object({
    items: z.array(
      z.object({
        host: z.string().openapi({ description: "Of the push service; never the address or keys" }),
        addedAt: time,
        expiresAt: timeOrNull,
      }),
    ),
  })
  .openapi("AdminDevices");

export const connectionsSchema = z
  .object({
    sockets: z.array(
      z.object({
        openedAt: time,
        role: z.string(),
        expiresAt: time,
        conversationIds: z.array(z.string()),
      }),
    ),
    places: z.array(z.object({ kind: z.string(), conversationId: textOrNull, since: time })),
    placeCount: count.openapi({ description: "How many there are; at most 200 are listed" }),
  })
  .openapi("AdminConnections");

export const adminConversationSchema = z
  .object({
    id: z.string(),
    kind: z.enum(KINDS),
    title: textOrNull,
    description: textOrNull,
    subject: textOrNull,
    visibility: z.enum(["public", "private"]),
    createdBy: z.string(),
    createdAt: time,
    closedAt: timeOrNull,
    locked: z.boolean(),
    slowModeSeconds: count,
    retentionDays: z.union([count, z.null()]),
    purgedTo: count,
    epoch: z.string(),
    rev: count,
    projectedRev: count,
    memberCount: count,
    lastNumber: count,
    messageCount: count,
    storedBytes: count,
    sockets: count,
    subscribers: count,
    indexedMessages: z.union([count, z.null()]),
    holds: count,
  })
  .openapi("AdminConversation");

export const adminMembersSchema = z
  .object({
    items: z.array(wireMember),
    next,
  })
  .openapi("AdminMembers");

/** Messages of one page at most. */
export const MAX_READ = 100;

export const readBody = z.object({
  reason: requiredReason,
  before: optional(uuid).openapi({ description: "Messages before this one; absent: the newest" }),
  limit: optionalOr(z.number().int().min(1).max(MAX_READ), 50),
});

export const readMessagesSchema = z
  .object({ items: z.array(wireMessage), next })
  .openapi("AdminMessages");

export type AdminUsers = z.infer<typeof adminUsersSchema>;
export type AdminUser = z.infer<typeof adminUserSchema>;
export type AdminConversation = z.infer<typeof adminConversationSchema>;
