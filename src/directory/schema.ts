import { type SQL, type SQLWrapper, sql } from "drizzle-orm";
import {
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import { KINDS, ROLES } from "../domain/conversation.ts";
import { JOB_KINDS, JOB_STATES } from "../domain/job.ts";
import { HOLD_SUBJECTS } from "../domain/legal-hold.ts";
import { PLATFORM_ROLES } from "../domain/policy.ts";
import { REPORT_ACTIONS, REPORT_REASONS, REPORT_STATES } from "../domain/report.ts";

/**
 * How words are made of names. Another version needs other conditions of the indexes here, in a migration; the cron
 * then makes all words anew.
 */
export const WORDS_VERSION = 1;

/** What the words of a person are made of: the version and the name. Null: they have no name. */
export function personText({ name }: Record<"name", SQLWrapper>): SQL {
  return sql`(${sql.raw(`'${WORDS_VERSION}'`)} || ${name})`;
}

/** What the words of a channel are made of: the version, the name and the description. */
export function channelText({
  title,
  description,
}: Record<"title" | "description", SQLWrapper>): SQL {
  return sql`(${sql.raw(`'${WORDS_VERSION}'`)} || coalesce(${title}, '') || char(10) || coalesce(${description}, ''))`;
}

/** Whether the words of a person are not those of their present name. */
export function hasOlderPersonWords(table: Record<"words" | "name", SQLWrapper>): SQL {
  return sql`(${table.words} ->> 0) IS NOT ${personText(table)}`;
}

/** People who have made an authenticated request or were provisioned by the host application. */
export const users = sqliteTable(
  "users",
  {
    id: text("id").primaryKey(),
    name: text("name"),
    /** Lower case, for searches by the beginning of a name. */
    nameFolded: text("name_folded"),
    avatarUrl: text("avatar_url"),
    /** The role of the person's last token. */
    role: text("role", { enum: PLATFORM_ROLES }).notNull(),
    /** The provisioned role; no token changes it. */
    provisionedRole: text("provisioned_role", { enum: PLATFORM_ROLES }),
    lastSeenAt: integer("last_seen_at").notNull(),
    /** Provisioned as a bot: service tokens may act as it. */
    bot: integer("bot", { mode: "boolean" }).notNull().default(false),
    /**
     * A JSON list: {@link personText} at the time, and the words by which the person is found (`word-list.ts`).
     * Triggers copy the words to {@link userWords}.
     */
    words: text("words"),
  },
  (table) => [
    index("users_without_words").on(table.id).where(hasOlderPersonWords(table)),
    index("users_by_name").on(table.nameFolded),
    index("users_by_role").on(table.role, table.lastSeenAt),
    index("users_by_provisioned_role")
      .on(table.provisionedRole, table.lastSeenAt)
      .where(sql`${table.provisionedRole} IS NOT NULL`),
  ],
);

/**
 * Who has which word in their name. Triggers write it (migrations/0005). Without rowid, so that a word is one
 * row.
 */
export const userWords = sqliteTable(
  "user_words",
  { word: text("word").notNull(), userId: text("user_id").notNull() },
  (table) => [primaryKey({ columns: [table.word, table.userId] })],
);

/**
 * What counts against a person's hourly limits: one row per creation, deleted when it leaves the
 * window.
 */
export const spending = sqliteTable(
  "spending",
  {
    userId: text("user_id").notNull(),
    /** The name of the limit. */
    name: text("name").notNull(),
    spentAt: integer("spent_at").notNull(),
    amount: integer("amount").notNull(),
  },
  (table) => [index("spending_by_person").on(table.userId, table.name, table.spentAt)],
);

/** Purchase requests registered by the host application: who may open a chat about which. */
export const purchaseRequests = sqliteTable("purchase_requests", {
  id: text("id").primaryKey(),
  buyerId: text("buyer_id").notNull(),
  /** A JSON list of user ids; null: any seller. */
  sellerIds: text("seller_ids"),
  registeredAt: integer("registered_at").notNull(),
});

/** Literals rather than parameters, so that SQLite uses the index of public channels. */
export function isPublicChannel(table: {
  kind: SQLWrapper;
  visibility: SQLWrapper;
  archivedAt: SQLWrapper;
}): SQL {
  return sql`${table.kind} = 'channel' AND ${table.visibility} = 'public'
    AND ${table.archivedAt} IS NULL`;
}

/** Whether the words of a channel are not those of its present name and description. */
export function hasOlderChannelWords(
  table: Record<"kind" | "words" | "title" | "description", SQLWrapper>,
): SQL {
  return sql`${table.kind} = 'channel' AND (${table.words} ->> 0) IS NOT ${channelText(table)}`;
}

/**
 * The last snapshot of each conversation, guarded by `epoch` and `rev`: older data never overwrites
 * newer data.
 */
export const conversations = sqliteTable(
  "conversations",
  {
    id: text("id").primaryKey(),
    kind: text("kind", { enum: KINDS }).notNull(),
    title: text("title"),
    description: text("description"),
    visibility: text("visibility", { enum: ["public", "private"] }).notNull(),
    createdBy: text("created_by").notNull(),
    createdAt: integer("created_at").notNull(),
    archivedAt: integer("archived_at"),
    subject: text("subject"),
    purchaseRequestId: text("purchase_request_id"),
    metadata: text("metadata"),
    memberCount: integer("member_count").notNull(),
    lastNumber: integer("last_number").notNull(),
    /** The number of its messages that count. */
    messageCount: integer("message_count").notNull(),
    /** The newest message that counts, as `last-message.ts` stores it; null before the first. */
    lastMessage: text("last_message"),
    lastMessageAt: integer("last_message_at"),
    epoch: text("epoch").notNull(),
    rev: integer("rev").notNull(),
    /** Of a channel, likewise, made of {@link channelText}. */
    words: text("words"),
    /** Messages up to this number are gone by retention, except pinned ones; 0: none. */
    purgedTo: integer("purged_to").notNull().default(0),
  },
  (table) => [
    index("channels_without_words").on(table.id).where(hasOlderChannelWords(table)),
    index("conversations_by_purchase_request")
      .on(table.purchaseRequestId)
      .where(sql`${table.purchaseRequestId} IS NOT NULL`),
    index("public_channels").on(table.createdAt).where(isPublicChannel(table)),
  ],
);

/** Which open public channel has which word in its name or description. Likewise by triggers and without rowid. */
export const channelWords = sqliteTable(
  "channel_words",
  { word: text("word").notNull(), channelId: text("channel_id").notNull() },
  (table) => [primaryKey({ columns: [table.word, table.channelId] })],
);

/** Present and former members. A row is never deleted: former members have `leftAt`. */
export const members = sqliteTable(
  "members",
  {
    userId: text("user_id").notNull(),
    conversationId: text("conversation_id").notNull(),
    role: text("role", { enum: ROLES }).notNull(),
    joinedAt: integer("joined_at").notNull(),
    leftAt: integer("left_at"),
    archived: integer("archived", { mode: "boolean" }).notNull(),
    readUpTo: integer("read_up_to").notNull(),
    readBeyond: integer("read_beyond").notNull(),
    epoch: text("epoch").notNull(),
    rev: integer("rev").notNull(),
    /** 1: they have not accepted a stranger's request; 2: they have declined it. */
    request: integer("request").notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.conversationId] }),
    index("members_by_conversation").on(table.conversationId, table.userId),
  ],
);

/** Numbers of uncounted messages: deleted and system ones. */
export const uncounted = sqliteTable(
  "uncounted",
  {
    conversationId: text("conversation_id").notNull(),
    number: integer("number").notNull(),
  },
  (table) => [primaryKey({ columns: [table.conversationId, table.number] })],
);

/** Numbers per block. The migration's triggers have it as well; it never changes. */
export const BLOCK_NUMBERS = 256;

/**
 * The count of {@link uncounted} in each block of 256 numbers, so that unread counts need not read
 * them one by one. Two triggers maintain it (migrations/0002) on every write to `uncounted`.
 */
export const uncountedBlocks = sqliteTable(
  "uncounted_blocks",
  {
    conversationId: text("conversation_id").notNull(),
    /** The number divided by {@link BLOCK_NUMBERS}. */
    block: integer("block").notNull(),
    count: integer("count").notNull(),
  },
  (table) => [primaryKey({ columns: [table.conversationId, table.block] })],
);

/**
 * In whose unread mentions a message counts; `''`: in those of all members but its sender. Without rowid, so
 * that a mention is one row (migrations/0003).
 */
export const mentions = sqliteTable(
  "mentions",
  {
    conversationId: text("conversation_id").notNull(),
    userId: text("user_id").notNull(),
    number: integer("number").notNull(),
    senderId: text("sender_id").notNull(),
  },
  (table) => [primaryKey({ columns: [table.conversationId, table.userId, table.number] })],
);

/**
 * Mentions that a member has read beyond their `readUpTo`. Likewise without rowid. A message that was read
 * stays read: rows are only added.
 */
export const mentionsRead = sqliteTable(
  "mentions_read",
  {
    conversationId: text("conversation_id").notNull(),
    userId: text("user_id").notNull(),
    number: integer("number").notNull(),
  },
  (table) => [primaryKey({ columns: [table.conversationId, table.userId, table.number] })],
);

/** Every upload that was begun and not swept, from before its first byte is in R2. */
export const uploads = sqliteTable(
  "uploads",
  {
    key: text("key").primaryKey(),
    ownerId: text("owner_id").notNull(),
    name: text("name").notNull(),
    mimeType: text("mime_type").notNull(),
    size: integer("size"),
    width: integer("width"),
    height: integer("height"),
    /** Of a multipart upload in progress. */
    r2UploadId: text("r2_upload_id"),
    createdAt: integer("created_at").notNull(),
    storedAt: integer("stored_at"),
    /** The claim that has reserved it, and its conversation. */
    claim: text("claim"),
    claimedBy: text("claimed_by"),
    claimedAt: integer("claimed_at"),
    /** The conversation and number of its message. */
    sentTo: text("sent_to"),
    sentNumber: integer("sent_number"),
    /**
     * Set when its message was deleted or the file is about to be removed: it is no longer served,
     * and will be swept.
     */
    deletedAt: integer("deleted_at"),
  },
  (table) => [
    index("uploads_unsent").on(table.createdAt).where(sql`${table.sentTo} IS NULL`),
    index("uploads_deleted").on(table.deletedAt).where(sql`${table.deletedAt} IS NOT NULL`),
    index("uploads_claimed").on(table.claim).where(sql`${table.claim} IS NOT NULL`),
    index("uploads_by_conversation")
      .on(table.sentTo, table.sentNumber)
      .where(sql`${table.sentTo} IS NOT NULL`),
    index("uploads_by_owner").on(table.ownerId, table.key),
  ],
);

/**
 * Who blocks whom. Each row is written by the inbox of its user, in the order of `version`; a block that was
 * lifted has no row. Without rowid, so that a block is two rows (migrations/0004).
 */
export const blocks = sqliteTable(
  "blocks",
  {
    userId: text("user_id").notNull(),
    blockedId: text("blocked_id").notNull(),
    blockedAt: integer("blocked_at").notNull(),
    version: integer("version").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.blockedId] }),
    index("blocks_of_blocked").on(table.blockedId, table.userId),
  ],
);

/** Blocks that were lifted lately, so that an older block does not hold again (blocks.ts). Likewise without rowid. */
export const liftedBlocks = sqliteTable(
  "lifted_blocks",
  {
    userId: text("user_id").notNull(),
    blockedId: text("blocked_id").notNull(),
    liftedAt: integer("lifted_at").notNull(),
    version: integer("version").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.blockedId] }),
    index("lifted_blocks_of_blocked").on(table.blockedId, table.userId),
    index("lifted_blocks_by_time").on(table.liftedAt),
  ],
);

/**
 * Who may not use the service. Each row is written by the inbox of its user, in the order of `version`. A ban
 * that was lifted keeps its row for a day: every isolate reads what has changed.
 */
export const bans = sqliteTable(
  "bans",
  {
    userId: text("user_id").primaryKey(),
    bannedBy: text("banned_by").notNull(),
    bannedAt: integer("banned_at").notNull(),
    /** Null: until it is lifted. */
    until: integer("until"),
    reason: text("reason"),
    liftedAt: integer("lifted_at"),
    version: integer("version").notNull(),
    /** Rises with every write to the table; about the time, in milliseconds since the epoch. */
    changedAt: integer("changed_at").notNull(),
  },
  (table) => [index("bans_changed").on(table.changedAt)],
);

/** Reported messages, with what they said when they were reported. */
export const reports = sqliteTable(
  "reports",
  {
    id: text("id").primaryKey(),
    state: text("state", { enum: REPORT_STATES }).notNull(),
    conversationId: text("conversation_id").notNull(),
    number: integer("number").notNull(),
    reporterId: text("reporter_id").notNull(),
    /** The author of the message. */
    reportedId: text("reported_id"),
    reason: text("reason", { enum: REPORT_REASONS }).notNull(),
    note: text("note"),
    /** JSON: the message and the five before it, oldest first. */
    snapshot: text("snapshot").notNull(),
    createdAt: integer("created_at").notNull(),
    claimedBy: text("claimed_by"),
    claimedAt: integer("claimed_at"),
    resolvedBy: text("resolved_by"),
    resolvedAt: integer("resolved_at"),
    /** What was done about it, and why. */
    action: text("action", { enum: REPORT_ACTIONS }),
    resolution: text("resolution"),
  },
  (table) => [
    index("reports_by_state").on(table.state, table.createdAt, table.id),
    uniqueIndex("reports_by_message").on(table.conversationId, table.number, table.reporterId),
    index("reports_by_reporter").on(table.reporterId, table.id),
  ],
);

/** What staff and moderators did. Rows are only added. */
export const audit = sqliteTable(
  "audit",
  {
    /** Of an act in a conversation: its id, epoch and revision, so that it is stored once. */
    id: text("id").primaryKey(),
    at: integer("at").notNull(),
    actorId: text("actor_id").notNull(),
    /** Why they were allowed to: `owner`, `moderator`, or a role of their token. */
    actorRole: text("actor_role").notNull(),
    action: text("action").notNull(),
    conversationId: text("conversation_id"),
    /** The user whom it concerns. */
    targetId: text("target_id"),
    messageNumber: integer("message_number"),
    reason: text("reason"),
    /** JSON: what else is to be known, such as an end. */
    details: text("details"),
  },
  (table) => [
    index("audit_by_time").on(table.at, table.id),
    index("audit_by_actor").on(table.actorId, table.at, table.id),
    index("audit_by_target").on(table.targetId, table.at, table.id),
    index("audit_by_conversation").on(table.conversationId, table.at, table.id),
  ],
);

/** Literals rather than parameters, so that SQLite uses the index of unfinished jobs. */
export function isUnfinishedJob(table: { state: SQLWrapper }): SQL {
  return sql`${table.state} IN ('running', 'cancelling')`;
}

/** Jobs of operators: what was asked for, and how far it is. Each is carried out by its own object (`src/jobs/`). */
export const jobs = sqliteTable(
  "jobs",
  {
    id: text("id").primaryKey(),
    kind: text("kind", { enum: JOB_KINDS }).notNull(),
    /** The conversation or user that it concerns; null: all, or a user who has been erased. */
    target: text("target"),
    state: text("state", { enum: JOB_STATES }).notNull(),
    /** JSON, as the kind defines it. */
    params: text("params").notNull(),
    /** How much is done, of how much; null: not known. */
    done: integer("done").notNull(),
    total: integer("total"),
    /** JSON, as the kind defines it, once it is done. */
    result: text("result"),
    /** The error code, once it has failed. */
    error: text("error"),
    createdBy: text("created_by").notNull(),
    /** The role in their token, which is why they were allowed to. */
    createdRole: text("created_role", { enum: PLATFORM_ROLES }).notNull(),
    createdAt: integer("created_at").notNull(),
    changedAt: integer("changed_at").notNull(),
    finishedAt: integer("finished_at"),
    /** When the archive of an export was removed. */
    sweptAt: integer("swept_at"),
  },
  (table) => [
    index("jobs_by_time").on(table.createdAt, table.id),
    index("jobs_unfinished").on(table.kind, table.target).where(isUnfinishedJob(table)),
    index("jobs_by_target")
      .on(table.target, table.createdAt)
      .where(sql`${table.target} IS NOT NULL`),
    index("jobs_unswept")
      .on(table.finishedAt)
      .where(
        sql`${table.kind} IN ('export-conversation', 'export-user') AND ${table.sweptAt} IS NULL`,
      ),
  ],
);

/** Of what nothing may be deleted, and why. Likewise without rowid (migrations/0006). */
export const legalHolds = sqliteTable(
  "legal_holds",
  {
    subject: text("subject", { enum: HOLD_SUBJECTS }).notNull(),
    /** The id of the conversation or the user. */
    id: text("id").notNull(),
    placedBy: text("placed_by").notNull(),
    placedAt: integer("placed_at").notNull(),
    reason: text("reason").notNull(),
  },
  (table) => [primaryKey({ columns: [table.subject, table.id] })],
);

/** Conversations that were deleted: their ids are never used again. Likewise without rowid. */
export const deletedConversations = sqliteTable("deleted_conversations", {
  id: text("id").primaryKey(),
  deletedBy: text("deleted_by").notNull(),
  deletedAt: integer("deleted_at").notNull(),
});
