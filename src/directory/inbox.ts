import { sql } from "drizzle-orm";
import { z } from "zod";
import { KINDS, type Kind } from "../domain/conversation.ts";
import { type WireMessage, wireMessage } from "../live/events.ts";
import type { Directory } from "./directory.ts";

/** One conversation as a member finds it in their inbox. */
export interface InboxEntry {
  conversationId: string;
  kind: Kind;
  title: string | null;
  participantIds: string[];
  /** The newest message that counts. */
  lastMessage: WireMessage | null;
  lastMessageAt: number | null;
  archived: boolean;
  unread: number;
  createdAt: number;
}

const row = z.object({
  id: z.string(),
  kind: z.enum(KINDS),
  title: z.string().nullable(),
  participants: z.string().transform((json) => z.array(z.string()).parse(JSON.parse(json))),
  last_message: z
    .string()
    .nullable()
    .transform((json) => (json === null ? null : wireMessage.parse(JSON.parse(json)))),
  last_message_at: z.number().nullable(),
  archived: z.number(),
  unread: z.number(),
  created_at: z.number(),
});

/**
 * A page of a member's conversations of some kinds, the one with the newest message first, those
 * without a message last.
 */
export async function inbox(
  directory: Directory,
  userId: string,
  kinds: readonly Kind[],
  page: { limit: number; offset: number },
): Promise<InboxEntry[]> {
  const rows = await directory.all(sql`
    SELECT mine.*,
      last_number - read_up_to - read_beyond - (SELECT count(*) FROM uncounted u
        WHERE u.conversation_id = mine.id AND u.number > read_up_to) AS unread,
      (SELECT json_group_array(p.user_id) FROM members p
        WHERE p.conversation_id = mine.id AND p.left_at IS NULL) AS participants
    FROM (
      SELECT c.id, c.kind, c.title, c.last_message, c.last_message_at, c.created_at, c.last_number,
        m.archived, m.read_up_to, m.read_beyond
      FROM members m JOIN conversations c ON c.id = m.conversation_id
      WHERE m.user_id = ${userId} AND m.left_at IS NULL
        AND c.kind IN (SELECT value FROM json_each(${JSON.stringify(kinds)}))
      ORDER BY c.last_message_at DESC NULLS LAST, c.created_at DESC, c.id
      LIMIT ${page.limit} OFFSET ${page.offset}
    ) mine
    ORDER BY last_message_at DESC NULLS LAST, created_at DESC, id`);
  return z
    .array(row)
    .parse(rows)
    .map((entry) => ({
      conversationId: entry.id,
      kind: entry.kind,
      title: entry.title,
      participantIds: entry.participants,
      lastMessage: entry.last_message,
      lastMessageAt: entry.last_message_at,
      archived: entry.archived === 1,
      unread: entry.unread,
      createdAt: entry.created_at,
    }));
}
