import { sql } from "drizzle-orm";
import type { Directory } from "./directory.ts";

/** Those among some users who are in a conversation together with a user, which both have accepted. */
export async function sharingWith(
  directory: Directory,
  userId: string,
  userIds: readonly string[],
): Promise<Set<string>> {
  const rows = await directory.all<{ id: string }>(sql`
    SELECT asked.value AS id FROM json_each(${JSON.stringify(userIds)}) AS asked
    WHERE EXISTS (
      SELECT 1 FROM members other
      JOIN members own ON own.user_id = ${userId} AND own.conversation_id = other.conversation_id
      WHERE other.user_id = asked.value AND other.left_at IS NULL AND own.left_at IS NULL
        AND other.request = 0 AND own.request = 0)`);
  return new Set(rows.map(({ id }) => id));
}
