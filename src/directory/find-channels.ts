import { type SQL, sql } from "drizzle-orm";
import type { ListedChannel } from "./channels.ts";
import type { Directory } from "./directory.ts";
import {
  type Candidate,
  type FoundNames,
  firstFound,
  foundAmong,
  hasAll,
  havingWord,
  isBehind,
  type NamePage,
  type NamePlace,
  rarestOf,
} from "./names.ts";
import { channelWords, conversations, isPublicChannel } from "./schema.ts";

/** Conversations of the user that a search looks at, for channels that others do not find. */
const OWN_MAX = 5_000;

const IN_TABLE = { table: channelWords, id: sql`channel_id` };

interface Row extends Candidate, ListedChannel {}

/**
 * Channels in whose name or description each of these words begins a word: public ones that are open, and those that
 * the user is in, also if they are private or archived. Names come before descriptions.
 */
export async function channelsByName(
  directory: Directory,
  searched: readonly string[],
  userId: string,
  page: NamePage,
): Promise<FoundNames<ListedChannel>> {
  return await foundAmong<Row>(
    (after, limit) => directory.all(candidates(searched, userId, after, limit)),
    page,
  );
}

function candidates(
  searched: readonly string[],
  userId: string,
  after: NamePlace | undefined,
  limit: number,
): SQL {
  const rarest = rarestOf(searched);
  // Of a conversation that is in both lists, both rows are the same.
  const rows = sql`
    SELECT word, id FROM (${havingWord(IN_TABLE, rarest, after, limit)}
      UNION SELECT word, id FROM (${ownChannels(rarest, userId)}) WHERE word IS NOT NULL AND ${isBehind(after)})
    ORDER BY word, id LIMIT ${limit}`;
  const isOwn = sql`EXISTS (SELECT 1 FROM members
    WHERE members.user_id = ${userId} AND members.conversation_id = found.id AND members.left_at IS NULL)`;
  return sql`
    SELECT found.word AS word, found.id AS id, c.id AS channelId, c.title AS name, c.description AS description,
      c.visibility AS visibility, c.created_by AS ownerId, c.member_count AS memberCount,
      c.created_at AS createdAt, c.archived_at AS archivedAt,
      coalesce(${isPublicChannel(columns)}, false) OR ${isOwn} AS isVisible,
      found.word IS ${firstFound(sql`c.words`, rarest)} AND ${hasAll(sql`c.words`, searched)} AS isFound
    FROM (${rows}) AS found LEFT JOIN conversations c ON c.id = found.id
    ORDER BY found.word, found.id`;
}

/** The channels that a user is in, each with the word by which it is found. */
function ownChannels(searched: string, userId: string): SQL {
  return sql`SELECT ${firstFound(sql`c.words`, searched)} AS word, c.id AS id FROM (
      SELECT conversation_id FROM members WHERE user_id = ${userId} AND left_at IS NULL LIMIT ${OWN_MAX}
    ) AS own JOIN ${conversations} c ON c.id = own.conversation_id AND c.kind = 'channel'`;
}

const columns = {
  kind: sql`c.kind`,
  visibility: sql`c.visibility`,
  archivedAt: sql`c.archived_at`,
};
