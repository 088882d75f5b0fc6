import { inArray, type SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Conversation, Counters, Member } from "../domain/conversation.ts";
import type { Message } from "../domain/message.ts";
import type { Directory } from "./directory.ts";
import { conversations, members, uncounted, uploads } from "./schema.ts";

/** What D1 is told of one conversation at one revision. */
export interface Share {
  epoch: string;
  /** The revision at which all of this was so. */
  rev: number;
  conversation: Conversation;
  counters: Pick<Counters, "memberCount" | "lastNumber" | "counted">;
  /** The newest message that counts, as JSON with its time. */
  lastMessage: { json: string; createdAt: number } | null;
  /** Members whose role, presence, flags or figures may have changed. */
  members: readonly Member[];
  /** Numbers that count for nobody; repetitions do no harm. */
  uncounted: readonly number[];
  files: {
    /** Messages that carry files. */
    sent: Pick<Message, "number" | "senderId" | "createdAt" | "attachments">[];
    /** Files of deleted messages. */
    deleted: string[];
  };
}

/**
 * Writes a conversation's share in one transaction. Idempotent, and in any order: each row is guarded
 * by (epoch, rev), an older one never overwriting a newer one. Resolves to the rows that D1 says it
 * wrote.
 */
export async function project(directory: Directory, share: Share): Promise<number> {
  const { conversation: c, counters, lastMessage, epoch, rev } = share;
  const upsertConversation = directory
    .insert(conversations)
    .values({
      ...c,
      metadata: c.metadata && JSON.stringify(c.metadata),
      memberCount: counters.memberCount,
      lastNumber: counters.lastNumber,
      messageCount: counters.counted,
      lastMessage: lastMessage?.json ?? null,
      lastMessageAt: lastMessage?.createdAt ?? null,
      epoch,
      rev,
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
      },
      setWhere: notOlder(conversations),
    });
  const rows = share.members.map((m) => [
    m.userId,
    m.role,
    m.joinedAt,
    m.leftAt,
    m.archived ? 1 : 0,
    m.readUpTo,
    m.readBeyond,
  ]);
  // One JSON parameter, because D1 binds at most a hundred. `WHERE true` keeps SQLite's parser from
  // taking ON CONFLICT for a join's.
  const upsertMembers = directory
    .insert(members)
    .select(
      sql`SELECT value ->> 0, ${c.id}, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
        value ->> 5, value ->> 6, ${epoch}, ${rev} FROM json_each(${JSON.stringify(rows)}) WHERE true`,
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
      },
      setWhere: notOlder(members),
    });
  const addUncounted = directory
    .insert(uncounted)
    .select(
      sql`SELECT ${c.id}, value FROM json_each(${JSON.stringify(share.uncounted)}) WHERE true`,
    )
    .onConflictDoNothing();
  const sent = share.files.sent.flatMap(({ number, senderId, createdAt, attachments }) =>
    attachments.map((a) => {
      const { key, name, mimeType, size, width = null, height = null } = a;
      return [key, senderId, name, mimeType, size, width, height, createdAt, number];
    }),
  );
  // The row is there, unless D1 was lost: then it is as good as before.
  const markSent = directory
    .insert(uploads)
    .select(
      sql`SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
        value ->> 6, NULL, value ->> 7, value ->> 7, NULL, NULL, NULL, ${c.id}, value ->> 8, NULL
        FROM json_each(${JSON.stringify(sent)}) WHERE true`,
    )
    .onConflictDoUpdate({
      target: uploads.key,
      set: { sentTo: sql`excluded.sent_to`, sentNumber: sql`excluded.sent_number` },
    });
  const markDeleted = directory
    .update(uploads)
    .set({ sentTo: c.id, deletedAt: sql`coalesce(deleted_at, unixepoch() * 1000)` })
    .where(
      inArray(
        uploads.key,
        sql`(SELECT value FROM json_each(${JSON.stringify(share.files.deleted)}))`,
      ),
    );
  const results = await directory.batch([
    upsertConversation,
    ...(rows.length > 0 ? [upsertMembers] : []),
    ...(share.uncounted.length > 0 ? [addUncounted] : []),
    ...(sent.length > 0 ? [markSent] : []),
    ...(share.files.deleted.length > 0 ? [markDeleted] : []),
  ]);
  return results.reduce((sum, result) => sum + result.meta.rows_written, 0);
}

/** The row to be written is not of an older revision than the one that is there, nor of an earlier life. */
function notOlder(table: SQLiteTable & { epoch: unknown; rev: unknown }): SQL {
  return sql`excluded.epoch > ${table.epoch}
    OR (excluded.epoch = ${table.epoch} AND excluded.rev >= ${table.rev})`;
}
