import { Buffer } from "node:buffer";
import { inArray, type SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Conversation, Counters, Member } from "../domain/conversation.ts";
import type { Message } from "../domain/message.ts";
import type { Directory } from "./directory.ts";
import { type List, pagesOf } from "./pages.ts";
import { conversations, members, uncounted, uploads } from "./schema.ts";

/** The data of a conversation for D1, at one revision. */
export interface Snapshot {
  epoch: string;
  /** The revision of the snapshot. */
  rev: number;
  conversation: Conversation;
  counters: Pick<Counters, "memberCount" | "lastNumber" | "counted">;
  /** The newest message that counts, as its column holds it, with its time. */
  lastMessage: { json: string; createdAt: number } | null;
  /** Members whose role, membership, flags or figures may have changed. */
  members: readonly Member[];
  /** Uncounted message numbers; repetitions are harmless. */
  uncounted: readonly number[];
  files: {
    /** Messages that carry files. */
    sent: Pick<Message, "number" | "senderId" | "createdAt" | "attachments">[];
    /** Files of deleted messages. */
    deleted: string[];
  };
}

/**
 * Writes a snapshot, in one transaction unless it exceeds a batch. Idempotent, in any order: each
 * row is guarded by (epoch, rev), so that an older one never overwrites a newer one. Resolves to
 * the rows that D1 reports as written.
 */
export async function project(directory: Directory, snapshot: Snapshot): Promise<number> {
  const { lastMessage, conversation } = snapshot;
  const metadata = conversation.metadata && JSON.stringify(conversation.metadata);
  const taken = Buffer.byteLength((lastMessage?.json ?? "") + (metadata ?? ""));
  let written = 0;
  for (const [index, page] of pagesOf(rowsOf(snapshot), taken).entries()) {
    const [first, ...others] = [
      ...(index === 0 ? [upsertConversation(directory, snapshot, metadata)] : []),
      ...(page.members.length > 0 ? [upsertMembers(directory, snapshot, page.members)] : []),
      ...(page.uncounted.length > 0 ? [addUncounted(directory, snapshot, page.uncounted)] : []),
      ...(page.sent.length > 0 ? [markSent(directory, snapshot, page.sent)] : []),
      ...(page.deleted.length > 0 ? [markDeleted(directory, snapshot, page.deleted)] : []),
    ];
    if (!first) continue;
    const results = await directory.batch([first, ...others]);
    written += results.reduce((sum, result) => sum + result.meta.rows_written, 0);
  }
  return written;
}

/** All rows of a snapshot except the conversation's own. */
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

function upsertConversation(directory: Directory, snapshot: Snapshot, metadata: string | null) {
  const { conversation, counters, lastMessage, epoch, rev } = snapshot;
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

/** Updates uploads as sent. Their rows exist, unless D1 was lost: then they are restored. */
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
 * Rows as one JSON parameter, because D1 binds at most a hundred. The following `WHERE true` keeps
 * SQLite's parser from reading ON CONFLICT as a join's.
 */
function each(rows: readonly string[]): SQL {
  return sql`json_each(${`[${rows.join()}]`})`;
}

/** The new row is not of an older revision or an earlier epoch than the stored one. */
function notOlder(table: SQLiteTable & { epoch: unknown; rev: unknown }): SQL {
  return sql`excluded.epoch > ${table.epoch}
    OR (excluded.epoch = ${table.epoch} AND excluded.rev >= ${table.rev})`;
}
