import { sql } from "drizzle-orm";
import { z } from "zod";
import { KINDS, type Kind } from "../domain/conversation.ts";
import type { SearchTarget } from "../domain/search-merge.ts";
import type { Directory } from "./directory.ts";
import { DECLINED } from "./inbox.ts";

/** A conversation whose messages a member may search. */
export interface SearchedConversation extends SearchTarget {
  kind: Kind;
  title: string | null;
}

const row = z.object({
  conversationId: z.string(),
  kind: z.enum(KINDS),
  title: z.string().nullable(),
  activity: z.number(),
});

/**
 * A member's conversations, channels included, the most recently active first: those that they have neither left
 * nor declined. `activity` is when the newest message that counts was sent, or the creation; with `since`, those
 * only that were active then or later.
 */
export async function searchedConversations(
  directory: Directory,
  query: { userId: string; kinds: readonly Kind[]; since: number | null; limit: number },
): Promise<SearchedConversation[]> {
  const { userId, kinds, since, limit } = query;
  const activity = sql`coalesce(c.last_message_at, c.created_at)`;
  const rows = await directory.all(sql`
    SELECT c.id AS conversationId, c.kind, c.title, ${activity} AS activity
    FROM members m JOIN conversations c ON c.id = m.conversation_id
    WHERE m.user_id = ${userId} AND m.left_at IS NULL AND m.request < ${DECLINED}
      AND c.kind IN (SELECT value FROM json_each(${JSON.stringify(kinds)}))
      ${since === null ? sql`` : sql`AND ${activity} >= ${since}`}
    ORDER BY activity DESC, c.id LIMIT ${limit}`);
  return z.array(row).parse(rows);
}
