import { and, asc, between, eq, gt, inArray, isNotNull, or, type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Directory } from "./directory.ts";
import {
  audit,
  conversations,
  deletedConversations,
  members,
  mentions,
  mentionsRead,
  reports,
  uncounted,
  uncountedBlocks,
  uploads,
} from "./schema.ts";
import type { UploadRow } from "./uploads.ts";

/** Conversations that were deleted, and the removal of what D1 has of them, in slices. */

/** Whether a conversation was deleted. */
export async function isDeleted(directory: Directory, conversationId: string): Promise<boolean> {
  const [row] = await directory
    .select({ id: deletedConversations.id })
    .from(deletedConversations)
    .where(eq(deletedConversations.id, conversationId));
  return row !== undefined;
}

/** Whether D1 has a conversation, or knows that it was deleted. */
export async function isKnown(directory: Directory, conversationId: string): Promise<boolean> {
  const [row] = await directory.all(sql`
    SELECT 1 FROM ${conversations} WHERE ${conversations.id} = ${conversationId} UNION ALL
    SELECT 1 FROM ${deletedConversations} WHERE ${deletedConversations.id} = ${conversationId} LIMIT 1`);
  return row !== undefined;
}

/**
 * Stores that a conversation was deleted, and removes it from every list. From then on D1 takes no rows of it any
 * more, however late they come.
 */
export async function markDeleted(
  directory: Directory,
  deleted: typeof deletedConversations.$inferInsert,
): Promise<void> {
  await directory.batch([
    directory.insert(deletedConversations).values(deleted).onConflictDoNothing(),
    directory.delete(conversations).where(eq(conversations.id, deleted.id)),
  ]);
}

/** Who is or was in a conversation, in order of their ids, behind one. */
export async function membersBehind(
  directory: Directory,
  conversationId: string,
  after: string,
  limit: number,
): Promise<string[]> {
  const rows = await directory
    .select({ userId: members.userId })
    .from(members)
    .where(and(eq(members.conversationId, conversationId), gt(members.userId, after)))
    .orderBy(asc(members.userId))
    .limit(limit);
  return rows.map(({ userId }) => userId);
}

/** Some of the files that were sent in a conversation. */
export function filesOf(
  directory: Directory,
  conversationId: string,
  limit: number,
): Promise<UploadRow[]> {
  return directory.select().from(uploads).where(eq(uploads.sentTo, conversationId)).limit(limit);
}

/** Removes some rows of a conversation: at most `limit` of each table. Resolves to how many. */
export async function deleteSomeRows(
  directory: Directory,
  conversationId: string,
  limit: number,
): Promise<number> {
  const some = (table: SQLiteTable, id: SQLiteColumn, ...key: SQLiteColumn[]) => {
    const columns = sql.join(key, sql`, `);
    return directory.delete(table).where(sql`${id} = ${conversationId} AND (${columns}) IN
      (SELECT ${columns} FROM ${table} WHERE ${id} = ${conversationId} LIMIT ${limit})`);
  };
  const results = await directory.batch([
    // Before the numbers, for each of which a trigger would change its block.
    some(uncountedBlocks, uncountedBlocks.conversationId, uncountedBlocks.block),
    some(uncounted, uncounted.conversationId, uncounted.number),
    some(mentions, mentions.conversationId, mentions.userId, mentions.number),
    some(mentionsRead, mentionsRead.conversationId, mentionsRead.userId, mentionsRead.number),
    some(members, members.conversationId, members.userId),
    some(reports, reports.conversationId, reports.id),
    clearActs(directory, conversationId, limit),
  ]);
  return results.reduce((sum, { meta }) => sum + meta.changes, 0);
}

/**
 * Acts within a conversation stay in the audit log, without what was said about them: their ids begin with its.
 * Those of operators about it keep their reasons.
 */
function clearActs(directory: Directory, conversationId: string, limit: number) {
  const said = or(isNotNull(audit.reason), isNotNull(audit.details));
  const some = directory
    .select({ id: audit.id })
    .from(audit)
    .where(
      and(
        eq(audit.conversationId, conversationId),
        between(audit.id, conversationId, `${conversationId}~`),
        said,
      ),
    )
    .limit(limit);
  return directory
    .update(audit)
    .set({ reason: null, details: null })
    .where(inArray(audit.id, some));
}

/** For statements that write rows of a conversation: that it was not deleted. Looked up once a statement. */
export function isNotDeleted(conversationId: SQL | ReturnType<typeof sql.placeholder>): SQL {
  return sql`NOT EXISTS (SELECT 1 FROM ${deletedConversations}
    WHERE ${deletedConversations.id} = ${conversationId})`;
}
