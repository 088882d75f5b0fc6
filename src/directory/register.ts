import { and, gt, inArray } from "drizzle-orm";
import type { Kind } from "../domain/conversation.ts";
import type { Directory } from "./directory.ts";
import { conversations } from "./schema.ts";

/** Conversation ids in D1, in order, after a given one. */
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

/** Ids of conversations of some kinds, after a given one, likewise. */
export async function conversationsOfKinds(
  directory: Directory,
  kinds: readonly Kind[],
  { after, limit }: { after: string; limit: number },
): Promise<string[]> {
  if (kinds.length === 0) return [];
  const rows = await directory
    .select({ id: conversations.id })
    .from(conversations)
    .where(and(gt(conversations.id, after), inArray(conversations.kind, [...kinds])))
    .orderBy(conversations.id)
    .limit(limit);
  return rows.map(({ id }) => id);
}

/** The number of conversations in D1: reads all of them. */
export function conversationCount(directory: Directory): Promise<number> {
  return directory.$count(conversations);
}
