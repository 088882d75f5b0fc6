import { sql } from "drizzle-orm";
import type { Directory } from "./directory.ts";
import { conversations, members, mentions, mentionsRead, uncounted, uploads } from "./schema.ts";

/**
 * Rows that D1 may have of an earlier epoch of a conversation: read in pages, and removed where the
 * conversation says that they are not of its present state. Only its object does that, before it writes anything
 * of the new epoch, and one page at a time.
 */

/** Rows of a page. */
export const FORMER_PAGE = 500;

interface Of {
  conversationId: string;
}

/** The version of a conversation that D1 has; `undefined`: it has none. */
export async function projectedVersion(
  directory: Directory,
  conversationId: string,
): Promise<{ epoch: string; rev: number } | undefined> {
  const [row] = await directory.all<{ epoch: string; rev: number }>(
    sql`SELECT epoch, rev FROM ${conversations} WHERE id = ${conversationId}`,
  );
  return row;
}

/** Members after a user id, in order; `isPresent`: D1's lists show them the conversation. */
export async function membersAfter(
  directory: Directory,
  { conversationId, after }: Of & { after: string },
): Promise<{ userId: string; isPresent: boolean }[]> {
  const rows = await directory.all<{ userId: string; isPresent: number }>(sql`
    SELECT user_id AS userId, left_at IS NULL AS isPresent FROM ${members}
    WHERE conversation_id = ${conversationId} AND user_id > ${after}
    ORDER BY user_id LIMIT ${FORMER_PAGE}`);
  return rows.map(({ userId, isPresent }) => ({ userId, isPresent: isPresent === 1 }));
}

/** Removes members of epochs before `epoch`. */
export async function removeMembers(
  directory: Directory,
  { conversationId, epoch, userIds }: Of & { epoch: string; userIds: readonly string[] },
): Promise<void> {
  if (userIds.length === 0) return;
  await directory.run(sql`DELETE FROM ${members} WHERE conversation_id = ${conversationId}
    AND user_id IN (SELECT value FROM json_each(${JSON.stringify(userIds)})) AND epoch < ${epoch}`);
}

/** Numbers of uncounted messages after one, in order. */
export async function uncountedAfter(
  directory: Directory,
  { conversationId, after }: Of & { after: number },
): Promise<number[]> {
  const rows = await directory.all<{ number: number }>(sql`SELECT number FROM ${uncounted}
    WHERE conversation_id = ${conversationId} AND number > ${after}
    ORDER BY number LIMIT ${FORMER_PAGE}`);
  return rows.map(({ number }) => number);
}

export async function removeUncounted(
  directory: Directory,
  { conversationId, numbers }: Of & { numbers: readonly number[] },
): Promise<void> {
  if (numbers.length === 0) return;
  await directory.run(sql`DELETE FROM ${uncounted} WHERE conversation_id = ${conversationId}
    AND number IN (SELECT value FROM json_each(${JSON.stringify(numbers)}))`);
}

/** A mention: a user id, or `EVERYBODY`, and the number of the message. */
export type MentionKey = [userId: string, number: number];

/** Mentions after one, in order; `read`: those that were read. */
export async function mentionsAfter(
  directory: Directory,
  { conversationId, after, read }: Of & { after: MentionKey; read: boolean },
): Promise<MentionKey[]> {
  const table = read ? mentionsRead : mentions;
  const rows = await directory.all<{ userId: string; number: number }>(sql`
    SELECT user_id AS userId, number FROM ${table} WHERE conversation_id = ${conversationId}
      AND (user_id, number) > (${after[0]}, ${after[1]})
    ORDER BY user_id, number LIMIT ${FORMER_PAGE}`);
  return rows.map(({ userId, number }) => [userId, number]);
}

export async function removeMentions(
  directory: Directory,
  { conversationId, keys, read }: Of & { keys: readonly MentionKey[]; read: boolean },
): Promise<void> {
  if (keys.length === 0) return;
  const table = read ? mentionsRead : mentions;
  await directory.run(sql`DELETE FROM ${table} WHERE conversation_id = ${conversationId}
    AND (user_id, number) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${JSON.stringify(keys)}))`);
}

/** A file that was sent, and the number of its message. */
export interface SentFile {
  number: number;
  key: string;
  isDeleted: boolean;
}

/** Files that were sent to a conversation, after one, in order. */
export async function sentFilesAfter(
  directory: Directory,
  { conversationId, after }: Of & { after: Pick<SentFile, "number" | "key"> },
): Promise<SentFile[]> {
  const rows = await directory.all<{ number: number; key: string; isDeleted: number }>(sql`
    SELECT sent_number AS number, key, deleted_at IS NOT NULL AS isDeleted FROM ${uploads}
    WHERE sent_to = ${conversationId} AND (sent_number, key) > (${after.number}, ${after.key})
    ORDER BY sent_number, key LIMIT ${FORMER_PAGE}`);
  return rows.map((row) => ({ ...row, isDeleted: row.isDeleted === 1 }));
}

/** Has files swept that no message carries any more, and others kept that one carries again. */
export async function settleFiles(
  directory: Directory,
  { conversationId, gone, back }: Of & { gone: readonly string[]; back: readonly string[] },
): Promise<void> {
  if (gone.length + back.length === 0) return;
  const keys = (list: readonly string[]) =>
    sql`key IN (SELECT value FROM json_each(${JSON.stringify(list)})) AND sent_to = ${conversationId}`;
  await directory.run(sql`UPDATE ${uploads} SET deleted_at = CASE WHEN ${keys(gone)}
      THEN coalesce(deleted_at, unixepoch() * 1000) END
    WHERE ${keys([...gone, ...back])}`);
}
