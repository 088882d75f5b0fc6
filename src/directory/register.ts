import { gt } from "drizzle-orm";
import type { Directory } from "./directory.ts";
import { conversations } from "./schema.ts";

/** The conversations that D1 knows, in order of their ids, after one of them. */
export async function conversationsAfter(
  directory: Directory,
  conversationId: string,
  limit: number,
): Promise<string[]> {
  const rows = await directory
    .select({ id: conversations.id })
    .from(conversations)
    .where(gt(conversations.id, conversationId))
    .orderBy(conversations.id)
    .limit(limit);
  return rows.map(({ id }) => id);
}

/** How many conversations D1 knows: it reads them all. */
export function conversationCount(directory: Directory): Promise<number> {
  return directory.$count(conversations);
}
