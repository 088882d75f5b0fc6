import { inArray, type SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import { insertActs } from "./audit.ts";
import { isNotDeleted } from "./deleted-conversations.ts";
import type { List } from "./pages.ts";
import {
  BLOCK_NUMBERS,
  conversations,
  members,
  mentions,
  mentionsRead,
  uncounted,
  uncountedBlocks,
  uploads,
} from "./schema.ts";
import { Statement } from "./statement.ts";

/** The statements of the projection, with placeholders. */

const ID = sql.placeholder("id");
const EPOCH = sql.placeholder("epoch");
const REV = sql.placeholder("rev");
/**
 * Rows as one JSON parameter, because D1 binds at most a hundred. The following `WHERE` keeps
 * SQLite's parser from reading ON CONFLICT as a join's.
 */
const EACH_ROW = sql`json_each(${sql.placeholder("rows")})`;

/**
 * Nothing of a deleted conversation is written any more: a write that comes late would bring it back. A trigger of the
 * migration keeps its own row from that.
 */
const NOT_DELETED = isNotDeleted(ID);

/**
 * Whether D1 has nothing of a later epoch of this conversation: what comes late of one that has ended is not
 * in the present state any more, and nothing would remove it again.
 */
const IS_OF_NEWEST_EPOCH = sql`${NOT_DELETED} AND NOT EXISTS (SELECT 1 FROM ${conversations}
  WHERE ${conversations.id} = ${ID} AND ${conversations.epoch} > ${EPOCH})`;

/** Takes the columns of the conversation's row. */
export const upsertConversation = new Statement((directory) =>
  directory
    .insert(conversations)
    .values({
      id: ID,
      kind: sql.placeholder("kind"),
      title: sql.placeholder("title"),
      description: sql.placeholder("description"),
      visibility: sql.placeholder("visibility"),
      createdBy: sql.placeholder("createdBy"),
      createdAt: sql.placeholder("createdAt"),
      archivedAt: sql.placeholder("archivedAt"),
      subject: sql.placeholder("subject"),
      purchaseRequestId: sql.placeholder("purchaseRequestId"),
      metadata: sql.placeholder("metadata"),
      memberCount: sql.placeholder("memberCount"),
      lastNumber: sql.placeholder("lastNumber"),
      messageCount: sql.placeholder("messageCount"),
      lastMessage: sql.placeholder("lastMessage"),
      lastMessageAt: sql.placeholder("lastMessageAt"),
      epoch: EPOCH,
      rev: REV,
      words: sql.placeholder("words"),
      purgedTo: sql.placeholder("purgedTo"),
    })
    .onConflictDoUpdate({
      target: conversations.id,
      set: {
        title: sql`excluded.title`,
        description: sql`excluded.description`,
        visibility: sql`excluded.visibility`,
        archivedAt: sql`excluded.archived_at`,
        memberCount: sql`excluded.member_count`,
        lastNumber: sql`excluded.last_number`,
        messageCount: sql`excluded.message_count`,
        lastMessage: sql`excluded.last_message`,
        lastMessageAt: sql`excluded.last_message_at`,
        epoch: sql`excluded.epoch`,
        rev: sql`excluded.rev`,
        words: sql`excluded.words`,
        purgedTo: sql`excluded.purged_to`,
      },
      setWhere: notOlder(conversations),
    }),
);

const upsertMembers = new Statement((directory) =>
  directory
    .insert(members)
    .select(
      sql`SELECT value ->> 0, ${ID}, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
        value ->> 5, value ->> 6, ${EPOCH}, ${REV}, value ->> 7 FROM ${EACH_ROW} WHERE ${IS_OF_NEWEST_EPOCH}`,
    )
    .onConflictDoUpdate({
      target: [members.userId, members.conversationId],
      set: {
        role: sql`excluded.role`,
        joinedAt: sql`excluded.joined_at`,
        leftAt: sql`excluded.left_at`,
        archived: sql`excluded.archived`,
        readUpTo: sql`excluded.read_up_to`,
        readBeyond: sql`excluded.read_beyond`,
        epoch: sql`excluded.epoch`,
        rev: sql`excluded.rev`,
        request: sql`excluded.request`,
      },
      setWhere: notOlder(members),
    }),
);

const addUncounted = new Statement((directory) =>
  directory
    .insert(uncounted)
    .select(sql`SELECT ${ID}, value FROM ${EACH_ROW} WHERE ${IS_OF_NEWEST_EPOCH}`)
    .onConflictDoNothing(),
);

/** Updates uploads as sent. Their rows exist, unless D1 was lost: then they are restored. */
const markSent = new Statement((directory) =>
  directory
    .insert(uploads)
    .select(
      sql`SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
        value ->> 6, NULL, value ->> 7, value ->> 7, NULL, NULL, NULL, ${ID}, value ->> 8,
        NULL FROM ${EACH_ROW} WHERE ${IS_OF_NEWEST_EPOCH}`,
    )
    .onConflictDoUpdate({
      target: uploads.key,
      set: { sentTo: sql`excluded.sent_to`, sentNumber: sql`excluded.sent_number` },
    }),
);

const markDeleted = new Statement((directory) =>
  directory
    .update(uploads)
    .set({
      sentTo: sql`${ID}`,
      deletedAt: sql`coalesce(deleted_at, unixepoch() * 1000)`,
    })
    .where(
      sql`${inArray(uploads.key, sql`(SELECT value FROM ${EACH_ROW})`)} AND ${IS_OF_NEWEST_EPOCH}`,
    ),
);

/**
 * Whether D1 has nothing of this conversation that is newer than the tables from which the rows were read.
 * Otherwise they come late, after a write that was taken to have failed, and everything they say was written
 * again by a later one: every change of a mention changes the conversation's row as well.
 */
const IS_CURRENT = sql`${NOT_DELETED} AND NOT EXISTS (SELECT 1 FROM ${conversations} WHERE ${conversations.id} = ${ID}
  AND (${conversations.epoch} > ${EPOCH}
    OR (${conversations.epoch} = ${EPOCH} AND ${conversations.rev} > ${sql.placeholder("readAt")})))`;

const addMentions = new Statement((directory) =>
  directory
    .insert(mentions)
    .select(
      sql`SELECT ${ID}, value ->> 0, value ->> 1, value ->> 2 FROM ${EACH_ROW} WHERE ${IS_CURRENT}`,
    )
    .onConflictDoNothing(),
);

const removeMentions = new Statement((directory) =>
  directory.delete(mentions).where(
    sql`${mentions.conversationId} = ${ID} AND (${mentions.userId}, ${mentions.number}) IN
        (SELECT value ->> 0, value ->> 1 FROM ${EACH_ROW}) AND ${IS_CURRENT}`,
  ),
);

const addMentionsRead = new Statement((directory) =>
  directory
    .insert(mentionsRead)
    .select(
      sql`SELECT ${ID}, value ->> 0, value ->> 1 FROM ${EACH_ROW} WHERE ${IS_OF_NEWEST_EPOCH}`,
    )
    .onConflictDoNothing(),
);

const PURGED_TO = sql.placeholder("purgedTo");

/**
 * What is removed of messages up to a number that are gone: take the conversation's id, `purgedTo` and `kept`, the
 * numbers of those that are pinned, as a JSON list. Their files are marked as deleted, for the sweep.
 */
export const removePurged: readonly Statement[] = [
  new Statement((directory) =>
    directory
      .delete(uncounted)
      .where(
        sql`${uncounted.conversationId} = ${ID} AND ${uncounted.number} <= ${PURGED_TO} AND ${IS_CURRENT}`,
      ),
  ),
  new Statement((directory) =>
    directory.delete(uncountedBlocks).where(
      sql`${uncountedBlocks.conversationId} = ${ID} AND ${IS_CURRENT}
          AND ${uncountedBlocks.block} < (${PURGED_TO} + 1) / ${sql.raw(`${BLOCK_NUMBERS}`)}`,
    ),
  ),
  ...[mentions, mentionsRead].map(
    (table) =>
      new Statement((directory) =>
        directory
          .delete(table)
          .where(
            sql`${table.conversationId} = ${ID} AND ${table.number} <= ${PURGED_TO} AND ${IS_CURRENT}`,
          ),
      ),
  ),
  new Statement((directory) =>
    directory
      .update(uploads)
      .set({ deletedAt: sql`unixepoch() * 1000` })
      .where(
        sql`${uploads.sentTo} = ${ID} AND ${uploads.sentNumber} <= ${PURGED_TO}
          AND ${uploads.sentNumber} NOT IN (SELECT value FROM json_each(${sql.placeholder("kept")}))
          AND ${uploads.deletedAt} IS NULL AND ${IS_CURRENT}`,
      ),
  ),
];

/** By kind of row: takes the rows as a JSON list, with the conversation's id and the snapshot's `epoch`, `rev` and `readAt`. */
export const writeRows: Record<List, Statement> = {
  members: upsertMembers,
  uncounted: addUncounted,
  sent: markSent,
  deleted: markDeleted,
  mentions: addMentions,
  unmentioned: removeMentions,
  mentionsRead: addMentionsRead,
  acts: insertActs,
};

/** The new row is not of an older revision or an earlier epoch than the stored one. */
function notOlder(table: SQLiteTable & { epoch: unknown; rev: unknown }): SQL {
  return sql`excluded.epoch > ${table.epoch}
    OR (excluded.epoch = ${table.epoch} AND excluded.rev >= ${table.rev})`;
}
