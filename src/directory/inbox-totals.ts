import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Directory } from "./directory.ts";
import { DECLINED, READ_UP_TO, UNREAD, unreadMentions } from "./inbox.ts";

/** What a conversation adds to a user's totals, and the version of its inbox row. */
export interface CountedRow {
  conversationId: string;
  epoch: string;
  rev: number;
  unread: number;
  mentions: number;
}

/** Conversations of a user whose total is kept up to date at most. */
const MAX_COUNTED = 5_000;

const countedRows = z.array(
  z.object({
    conversationId: z.string(),
    epoch: z.string(),
    rev: z.number(),
    unread: z.number(),
    mentions: z.number(),
  }),
);

/**
 * What every conversation of a user adds to the totals that `stats` answers; `undefined`: there are more than
 * {@link MAX_COUNTED}.
 */
export async function countedConversations(
  directory: Directory,
  userId: string,
): Promise<CountedRow[] | undefined> {
  const rows = countedRows.parse(
    await directory.all(sql`
    SELECT id AS "conversationId", epoch, rev, ${UNREAD} AS unread,
      ${unreadMentions(userId)} AS mentions
    FROM (
      SELECT c.id, c.epoch, max(c.rev, iif(m.epoch = c.epoch, m.rev, 0)) AS rev, c.last_number,
        ${READ_UP_TO} AS read_up_to, m.read_beyond
      FROM members m JOIN conversations c ON c.id = m.conversation_id
      WHERE m.user_id = ${userId} AND m.left_at IS NULL AND m.request < ${DECLINED}
      LIMIT ${MAX_COUNTED + 1}
    )`),
  );
  return rows.length > MAX_COUNTED ? undefined : rows;
}
