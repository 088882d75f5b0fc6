import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { KINDS, LARGE_CONVERSATION } from "../domain/conversation.ts";
import { messageIdOf } from "../domain/id.ts";
import { PREVIEW_LENGTH, PREVIEWED_MEMBERS } from "../domain/inbox.ts";
import { parsed } from "../domain/stored.ts";
import { truncated } from "../domain/text.ts";
import type { InboxEntry } from "../live/inbox-events.ts";
import { isoTime } from "../live/wire.ts";
import type { Directory } from "./directory.ts";
import {
  DECLINED,
  hiddenInLast,
  hiddenSchema,
  lastShownTo,
  READ_UP_TO,
  UNREAD,
  unreadMentions,
} from "./inbox.ts";
import { lastMessageIn } from "./last-message.ts";

/** Rows of a page. */
export const INBOX_PAGE = 50;

/**
 * The place behind a row: when its last message was sent, its creation and its id; and when the newest
 * message of the list's first page was sent.
 */
const placeSchema = z.tuple([z.number(), z.number(), z.string(), z.number()]);
type Place = z.infer<typeof placeSchema>;

/** Clocks of two machines differ by less. */
const CLOCKS_DIFFER_MS = 60_000;
/** Large conversations that may get a message while a list is read. */
const MAX_MOVED = 200;

export interface InboxPage {
  rows: InboxEntry[];
  /** Requests the following page; `undefined`: this is the last one. */
  next: string | undefined;
}

const row = z.object({
  id: z.string(),
  kind: z.enum(KINDS),
  title: z.string().nullable(),
  archived_at: z.number().nullable(),
  created_at: z.number(),
  member_count: z.number(),
  members: z.string().transform(parsed).pipe(z.array(z.string())),
  last_number: z.number(),
  last_message: z.string().nullable().transform(lastMessageIn),
  sorted_at: z.number(),
  archived: z.number(),
  request: z.number(),
  unread: z.number(),
  mentions: z.number(),
  epoch: z.string(),
  rev: z.number(),
  moved: z.number(),
  hidden: hiddenSchema,
});

/**
 * A page of all conversations of a user, newest message first, as inbox rows. A row's revision is the
 * newest that changed it: that of the conversation's row or of the member's. Pages are stable: a
 * conversation that gets a message while they are read moves before them. Of small ones the inbox is told;
 * large ones which have moved are added to the last page, so that every conversation was on one.
 */
export async function inboxRows(
  directory: Directory,
  userId: string,
  after: string | undefined,
): Promise<InboxPage> {
  const place = after === undefined ? undefined : placeIn(after);
  const columns = sql`c.id, c.kind, c.title, c.archived_at, c.created_at, c.member_count, c.last_number,
        c.last_message, coalesce(c.last_message_at, -1) AS sorted_at, c.epoch,
        max(c.rev, iif(m.epoch = c.epoch, m.rev, 0)) AS rev,
        m.archived, m.request, ${READ_UP_TO} AS read_up_to, m.read_beyond`;
  const mine = sql`FROM members m JOIN conversations c ON c.id = m.conversation_id
      WHERE m.user_id = ${userId} AND m.left_at IS NULL AND m.request < ${DECLINED}`;
  const found = z.array(row).parse(
    await directory.all(sql`
    SELECT page.*, ${UNREAD} AS unread, ${unreadMentions(userId)} AS mentions,
      ${hiddenInLast(userId)} AS hidden,
      (SELECT json_group_array(user_id) FROM (SELECT p.user_id FROM members p
        WHERE p.conversation_id = page.id AND p.left_at IS NULL
        ORDER BY p.user_id LIMIT ${PREVIEWED_MEMBERS})) AS members
    FROM (
      SELECT * FROM (SELECT ${columns}, 0 AS moved ${mine} ${place ? behind(place) : sql``}
        ORDER BY sorted_at DESC, c.created_at DESC, c.id LIMIT ${INBOX_PAGE})
      UNION ALL
      SELECT * FROM (SELECT ${columns}, 1 AS moved ${mine} ${place ? movedSince(place) : sql`AND false`}
        LIMIT ${MAX_MOVED})
    ) page
    ORDER BY moved, sorted_at DESC, created_at DESC, id`),
  );
  const page = found.filter(({ moved }) => moved === 0);
  const last = page.at(-1);
  if (!last || page.length < INBOX_PAGE) return { rows: found.map(entryOf), next: undefined };
  const top = place?.[3] ?? page[0]?.sorted_at ?? -1;
  const next: Place = [last.sorted_at, last.created_at, last.id, top];
  return { rows: page.map(entryOf), next: JSON.stringify(next) };
}

function behind([lastMessageAt, createdAt, id]: Place): SQL {
  return sql`AND (coalesce(c.last_message_at, -1), c.created_at) <= (${lastMessageAt}, ${createdAt})
        AND (coalesce(c.last_message_at, -1) < ${lastMessageAt} OR c.created_at < ${createdAt}
          OR c.id > ${id})`;
}

/** Large conversations that have had a message since the list began. */
function movedSince([, , , top]: Place): SQL {
  return sql`AND c.member_count > ${LARGE_CONVERSATION} AND c.last_message_at > ${top - CLOCKS_DIFFER_MS}`;
}

function entryOf(found: z.infer<typeof row>): InboxEntry {
  const { id } = found;
  const last = lastShownTo(found.kind, found.last_message, found.hidden);
  return {
    conversationId: id,
    epoch: found.epoch,
    rev: found.rev,
    kind: found.kind,
    title: found.title,
    ...(found.archived_at !== null && { closed: true }),
    createdAt: isoTime(found.created_at),
    members: found.members,
    memberCount: found.member_count,
    lastMessage: last && {
      id: messageIdOf(id, last.number),
      ...{ number: last.number, senderId: last.senderId, kind: last.kind },
      content: truncated(last.content, PREVIEW_LENGTH),
      createdAt: isoTime(last.createdAt),
      attachments: last.attachments.length,
      ...(last.hidden && { hidden: true as const }),
    },
    lastNumber: found.last_number,
    unread: found.unread,
    mentions: found.mentions,
    archived: found.archived === 1,
    ...(found.request > 0 && { request: true }),
  };
}

/** A place that this server has named; anything else is the beginning. */
function placeIn(after: string): Place | undefined {
  const place = placeSchema.safeParse(parsed(after));
  return place.success ? place.data : undefined;
}
