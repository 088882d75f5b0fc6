import { Buffer } from "node:buffer";
import { inArray, type SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Conversation, Counters, Member } from "../domain/conversation.ts";
import type { Message } from "../domain/message.ts";
import type { Directory } from "./directory.ts";
import { type List, pagesOf } from "./pages.ts";
import { conversations, members, uncounted, uploads } from "./schema.ts";

/** What D1 is told of one conversation at one revision. */
export interface Snapshot {
  epoch: string;
  /** The revision at which all of this was so. */
  rev: number;
  conversation: Conversation;
  counters: Pick<Counters, "memberCount" | "lastNumber" | "counted">;
  /** The newest message that counts, as its column holds it, with its time. */
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
 * Writes a conversation's share, in one transaction unless it is more than a batch may carry. Idempotent,
 * and in any order: each row is guarded by (epoch, rev), an older one never overwriting a newer one.
 * Resolves to the rows that D1 says it wrote.
 */
export async function project(directory: Directory, share: Snapshot): Promise<number> {
  const { lastMessage, conversation } = share;
  const metadata = conversation.metadata && JSON.stringify(conversation.metadata);
  const taken = Buffer.byteLength((lastMessage?.json ?? "") + (metadata ?? ""));
  let written = 0;
  for (const [index, page] of pagesOf(rowsOf(share), taken).entries()) {
    const [first, ...others] = [
      ...(index === 0 ? [upsertConversation(directory, share, metadata)] : []),
      ...(page.members.length > 0 ? [upsertMembers(directory, share, page.members)] : []),
      ...(page.uncounted.length > 0 ? [addUncounted(directory, share, page.uncounted)] : []),
      ...(page.sent.length > 0 ? [markSent(directory, share, page.sent)] : []),
      ...(page.deleted.length > 0 ? [markDeleted(directory, share, page.deleted)] : []),
    ];
    if (!first) continue;
    const results = await directory.batch([first, ...others]);
    written += results.reduce((sum, result) => sum + result.meta.rows_written, 0);
  }
  return written;
}

/** All rows of a share but the conversation's own. */
function* rowsOf({ members, uncounted, files }: Snapshot): Generator<readonly [List, unknown]> {
  for (const m of members) {
    const archived = m.archived ? 1 : 0;
    yield ["members", [m.userId, m.role, m.joinedAt, m.leftAt, archived, m.readUpTo, m.readBeyond]];
  }
  for (const number of uncounted) yield ["uncounted", number];
  for (const { number, senderId, createdAt, attachments } of files.sent) {
    for (const { key, name, mimeType, size, width = null, height = null } of attachments) {
      yield ["sent", [key, senderId, name, mimeType, size, width, height, createdAt, number]];
    }
  }
  for (const key of files.deleted) yield ["deleted", key];
}

function upsertConversation(directory: Directory, share: Snapshot, metadata: string | null) {
  const { conversation, counters, lastMessage, epoch, rev } = share;
  return directory
    .insert(conversations)
    .values({
      ...conversation,
      metadata,
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
}

function upsertMembers(
  directory: Directory,
  { conversation, epoch, rev }: Snapshot,
  rows: string[],
) {
  return directory
    .insert(members)
    .select(
      sql`SELECT value ->> 0, ${conversation.id}, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
        value ->> 5, value ->> 6, ${epoch}, ${rev} FROM ${each(rows)} WHERE true`,
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
}

function addUncounted(directory: Directory, { conversation }: Snapshot, rows: string[]) {
  return directory
    .insert(uncounted)
    .select(sql`SELECT ${conversation.id}, value FROM ${each(rows)} WHERE true`)
    .onConflictDoNothing();
}

/** The rows of uploads are there, unless D1 was lost: then they are as good as before. */
function markSent(directory: Directory, { conversation }: Snapshot, rows: string[]) {
  return directory
    .insert(uploads)
    .select(
      sql`SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
        value ->> 6, NULL, value ->> 7, value ->> 7, NULL, NULL, NULL, ${conversation.id}, value ->> 8,
        NULL FROM ${each(rows)} WHERE true`,
    )
    .onConflictDoUpdate({
      target: uploads.key,
      set: { sentTo: sql`excluded.sent_to`, sentNumber: sql`excluded.sent_number` },
    });
}

function markDeleted(directory: Directory, { conversation }: Snapshot, rows: string[]) {
  return directory
    .update(uploads)
    .set({
      sentTo: conversation.id,
      deletedAt: sql`coalesce(deleted_at, unixepoch() * 1000)`,
    })
    .where(inArray(uploads.key, sql`(SELECT value FROM ${each(rows)})`));
}

/**
 * Rows as one JSON parameter, because D1 binds at most a hundred. The `WHERE true` behind it keeps
 * SQLite's parser from taking ON CONFLICT for a join's.
 */
function each(rows: readonly string[]): SQL {
  return sql`json_each(${`[${rows.join()}]`})`;
}

/** The row to be written is not of an older revision than the one that is there, nor of an earlier life. */
function notOlder(table: SQLiteTable & { epoch: unknown; rev: unknown }): SQL {
  return sql`excluded.epoch > ${table.epoch}
    OR (excluded.epoch = ${table.epoch} AND excluded.rev >= ${table.rev})`;
}
