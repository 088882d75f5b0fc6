import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import {
  KINDS,
  type Kind,
  type Metadata,
  ROLES,
  type Role,
  STORED_REQUEST,
} from "../domain/conversation.ts";
import { effectOfBlocks, type Hides, shownTo } from "../domain/hides.ts";
import { EVERYBODY, MENTIONS_COUNTED } from "../domain/mentions.ts";
import type { Message } from "../domain/message.ts";
import { metadataIn, parsed } from "../domain/stored.ts";
import type { Directory } from "./directory.ts";
import { lastMessageIn } from "./last-message.ts";
import { BLOCK_NUMBERS } from "./schema.ts";

/** A conversation in a member's inbox. */
export interface InboxEntry {
  conversationId: string;
  kind: Kind;
  title: string | null;
  subject: string | null;
  purchaseRequestId: string | null;
  metadata: Metadata | null;
  createdBy: string;
  createdAt: number;
  participants: { userId: string; role: Role; joinedAt: number }[];
  /** The newest message that counts; `null`: there is none, or its row cannot be read. */
  lastMessage: Message | null;
  lastMessageAt: number | null;
  /** The member's own flag. */
  archived: boolean;
  /** The member has not accepted a stranger's request. */
  isRequest: boolean;
  unread: number;
  /** The member's unread mentions, as {@link unreadMentions} counts them. */
  mentions: number;
}

export interface InboxQuery {
  userId: string;
  kinds: readonly Kind[];
  /** Only conversations that the member has archived (true) or has not (false). */
  archived?: boolean | undefined;
  limit: number;
  offset: number;
}

/** A list of people as {@link hiddenInLast} has it. */
export const hiddenSchema = z
  .string()
  .transform(parsed)
  .pipe(z.array(z.string()))
  .transform((userIds): Hides => new Set(userIds));

/** A row of the inbox. What another version wrote into it costs that field, never the page. */
const row = z.object({
  id: z.string(),
  kind: z.enum(KINDS),
  title: z.string().nullable(),
  subject: z.string().nullable(),
  purchase_request_id: z.string().nullable(),
  metadata: z
    .string()
    .nullable()
    .transform((json) => metadataIn(parsed(json))),
  created_by: z.string(),
  created_at: z.number(),
  participants: z
    .string()
    .transform(parsed)
    .pipe(z.array(z.tuple([z.string(), z.enum(ROLES).catch("member"), z.number()]))),
  last_message: z.string().nullable().transform(lastMessageIn),
  last_message_at: z.number().nullable(),
  archived: z.number(),
  request: z.number(),
  unread: z.number(),
  mentions: z.number(),
  hidden: hiddenSchema,
});

/** Conversations that a member has declined are in no list. */
export const DECLINED = sql.raw(`${STORED_REQUEST.declined}`);

/** The member's conversations that a query selects. */
function mine({ userId, kinds, archived }: Omit<InboxQuery, "limit" | "offset">): SQL {
  const flag = archived === undefined ? sql`` : sql`AND m.archived = ${archived ? 1 : 0}`;
  return sql`FROM members m JOIN conversations c ON c.id = m.conversation_id
    WHERE m.user_id = ${userId} AND m.left_at IS NULL AND m.request < ${DECLINED} ${flag}
      AND c.kind IN (SELECT value FROM json_each(${JSON.stringify(kinds)}))`;
}

/** What a member has read up to: what is gone by retention counts as read. Of a member `m` and a conversation `c`. */
export const READ_UP_TO = sql`max(m.read_up_to, c.purged_to)`;

/** The block of `read_up_to`. */
const BLOCK = sql.raw(`read_up_to / ${BLOCK_NUMBERS}`);

/**
 * Unread messages of a member. Of uncounted numbers it reads one row for each block of {@link
 * BLOCK_NUMBERS}, and the rows of one block.
 */
export const UNREAD = sql`last_number - read_up_to - read_beyond
  - (SELECT coalesce(sum(b.count), 0) FROM uncounted_blocks b
    WHERE b.conversation_id = id AND b.block > ${BLOCK})
  - (SELECT count(*) FROM uncounted u
    WHERE u.conversation_id = id AND u.number > read_up_to AND u.number < (${BLOCK} + 1) * ${sql.raw(`${BLOCK_NUMBERS}`)})`;

/**
 * Unread mentions of a member: of the newest {@link MENTIONS_COUNTED} of themself and of everybody after
 * `read_up_to`, those that they have neither read nor sent. Reads so many rows of a conversation at most, and
 * none of one that is read.
 */
export function unreadMentions(userId: string): SQL {
  return sql`CASE WHEN last_number > read_up_to
    THEN ${unreadAmongNewest(userId, userId)} + ${unreadAmongNewest(EVERYBODY, userId)} ELSE 0 END`;
}

/**
 * Not as one subquery over both: SQLite takes a compound in it to be the same for every conversation, and
 * counts wrong.
 */
function unreadAmongNewest(mentioned: string, userId: string): SQL {
  return sql`(SELECT count(*) FROM (SELECT number, sender_id FROM mentions
      WHERE conversation_id = id AND user_id = ${mentioned} AND number > read_up_to
      ORDER BY number DESC LIMIT ${MENTIONS_COUNTED}) newest
    WHERE newest.sender_id <> ${userId} AND NOT EXISTS (SELECT 1 FROM mentions_read r
      WHERE r.conversation_id = id AND r.user_id = ${userId} AND r.number = newest.number))`;
}

/**
 * Whom a user blocks, as far as the last message names them: as JSON. It reads no row for somebody who blocks
 * nobody, and their blocks otherwise.
 */
export function hiddenInLast(userId: string): SQL {
  return sql`(SELECT json_group_array(b.blocked_id) FROM blocks b
    WHERE b.user_id = ${userId} AND instr(last_message, json_quote(b.blocked_id)) > 0)`;
}

/** The newest message as a user sees it who hides some people, if blocks hide anything in the conversation. */
export function lastShownTo(kind: Kind, message: Message | null, hides: Hides): Message | null {
  return message && effectOfBlocks(kind) === "hide" ? shownTo(message, hides) : message;
}

/** A page of a member's conversations, newest message first, those without a message last. */
export async function inbox(directory: Directory, query: InboxQuery): Promise<InboxEntry[]> {
  const rows = await directory.all(sql`
    SELECT page.*, ${UNREAD} AS unread, ${unreadMentions(query.userId)} AS mentions,
      ${hiddenInLast(query.userId)} AS hidden,
      (SELECT json_group_array(json_array(p.user_id, p.role, p.joined_at)) FROM members p
        WHERE p.conversation_id = page.id AND p.left_at IS NULL) AS participants
    FROM (
      SELECT c.*, m.archived, m.request, ${READ_UP_TO} AS read_up_to, m.read_beyond ${mine(query)}
      ORDER BY c.last_message_at DESC NULLS LAST, c.created_at DESC, c.id
      LIMIT ${query.limit} OFFSET ${query.offset}
    ) page
    ORDER BY last_message_at DESC NULLS LAST, created_at DESC, id`);
  return z
    .array(row)
    .parse(rows)
    .map((entry) => ({
      conversationId: entry.id,
      kind: entry.kind,
      title: entry.title,
      subject: entry.subject,
      purchaseRequestId: entry.purchase_request_id,
      metadata: entry.metadata,
      createdBy: entry.created_by,
      createdAt: entry.created_at,
      participants: entry.participants.map(([userId, role, joinedAt]) => ({
        userId,
        role,
        joinedAt,
      })),
      lastMessage: lastShownTo(entry.kind, entry.last_message, entry.hidden),
      lastMessageAt: entry.last_message_at,
      archived: entry.archived === 1,
      isRequest: entry.request > 0,
      unread: entry.unread,
      mentions: entry.mentions,
    }));
}

/** The number of conversations on all pages of {@link inbox}. */
export async function inboxSize(
  directory: Directory,
  query: Omit<InboxQuery, "limit" | "offset">,
): Promise<number> {
  const [found] = await directory.all<{ size: number }>(
    sql`SELECT count(*) AS size ${mine(query)}`,
  );
  return found?.size ?? 0;
}

export interface Stats {
  totalChats: number;
  /** Messages in these chats, without deleted and system ones. */
  totalMessages: number;
  totalUnread: number;
  /** Those among them that mention the member; at most some 200 of a chat are counted. */
  totalMentions: number;
  /** Chats with unread messages. */
  unreadChats: number;
}

/** A member's totals over conversations of the given kinds, in one query. */
export async function stats(
  directory: Directory,
  userId: string,
  kinds: readonly Kind[],
): Promise<Stats> {
  const [found] = await directory.all<Stats>(sql`
    SELECT count(*) AS "totalChats", coalesce(sum(message_count), 0) AS "totalMessages",
      coalesce(sum(unread), 0) AS "totalUnread", coalesce(sum(mentions), 0) AS "totalMentions",
      count(nullif(unread, 0)) AS "unreadChats"
    FROM (SELECT message_count, ${UNREAD} AS unread, ${unreadMentions(userId)} AS mentions
      FROM (SELECT c.*, ${READ_UP_TO} AS read_up_to, m.read_beyond ${mine({ userId, kinds })}))`);
  if (!found) throw new Error("a count has a row");
  return found;
}
