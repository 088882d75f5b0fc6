import { and, eq, gt, type SQL, sql } from "drizzle-orm";
import type { Kind, Role } from "../domain/conversation.ts";
import { folded } from "../domain/search-folding.ts";
import type { Directory } from "./directory.ts";
import { conversations, members } from "./schema.ts";

/** How admins find conversations: never what is said in them. */

/** Rows that one request looks at; what is behind them is for the next. */
export const SCANNED_MAX = 500;

export interface ListedConversation {
  conversationId: string;
  kind: Kind;
  title: string | null;
  subject: string | null;
  purchaseRequestId: string | null;
  createdBy: string;
  createdAt: number;
  archivedAt: number | null;
  memberCount: number;
  messageCount: number;
  lastMessageAt: number | null;
}

/** A conversation that somebody is or was in. */
export interface ListedMembership extends ListedConversation {
  role: Role;
  joinedAt: number;
  leftAt: number | null;
}

const LISTED = {
  ...{ conversationId: conversations.id, kind: conversations.kind, title: conversations.title },
  ...{ subject: conversations.subject, purchaseRequestId: conversations.purchaseRequestId },
  ...{ createdBy: conversations.createdBy, createdAt: conversations.createdAt },
  ...{ archivedAt: conversations.archivedAt, memberCount: conversations.memberCount },
  ...{ messageCount: conversations.messageCount, lastMessageAt: conversations.lastMessageAt },
};

/** What narrows a list; absent: nothing. */
export interface ConversationFilter {
  kind?: Kind | undefined;
  /** A part of the title or of a support request's subject, whatever its case and accents. */
  title?: string | undefined;
}

export interface PlacedPage {
  /** The id that the page begins behind; "": the beginning. */
  after: string;
  limit: number;
}

/**
 * A part of a list. `next`: the id that the next page begins behind, if there may be one, also where this one is
 * empty: no more than {@link SCANNED_MAX} rows were looked at.
 */
export interface FoundConversations<Row> {
  items: Row[];
  next: string | undefined;
}

/** Conversations in order of their ids. There is no index of titles: the table is walked by its primary key. */
export async function conversationsWhere(
  directory: Directory,
  filter: ConversationFilter,
  { after, limit }: PlacedPage,
): Promise<FoundConversations<ListedConversation>> {
  const wanted = isFiltered(filter) ? SCANNED_MAX : limit + 1;
  const rows = await directory
    .select(LISTED)
    .from(conversations)
    .where(gt(conversations.id, after))
    .orderBy(conversations.id)
    .limit(wanted);
  return among(rows, filter, limit, wanted);
}

/**
 * The conversations that a user is or was in, likewise, by the primary key of memberships. `presentOnly`: those
 * that they have not left.
 */
export async function conversationsOfUser(
  directory: Directory,
  { userId, presentOnly }: { userId: string; presentOnly?: boolean },
  filter: ConversationFilter,
  { after, limit }: PlacedPage,
): Promise<FoundConversations<ListedMembership>> {
  const wanted = isFiltered(filter) || presentOnly ? SCANNED_MAX : limit + 1;
  const isBehind: SQL | undefined = and(
    eq(members.userId, userId),
    gt(members.conversationId, after),
  );
  const rows = await directory
    .select({ ...LISTED, role: members.role, joinedAt: members.joinedAt, leftAt: members.leftAt })
    .from(members)
    .innerJoin(conversations, eq(conversations.id, members.conversationId))
    .where(isBehind)
    .orderBy(sql`${members.conversationId}`)
    .limit(wanted);
  const fits = ({ leftAt }: ListedMembership) => !presentOnly || leftAt === null;
  return among(rows, filter, limit, wanted, fits);
}

function isFiltered({ kind, title }: ConversationFilter): boolean {
  return kind !== undefined || title !== undefined;
}

/** Those of the rows that fit, and where the next page begins. */
function among<Row extends ListedConversation>(
  rows: readonly Row[],
  { kind, title }: ConversationFilter,
  limit: number,
  wanted: number,
  fits: (row: Row) => boolean = () => true,
): FoundConversations<Row> {
  const part = title === undefined ? undefined : folded(title);
  const isFound = (row: Row) =>
    (kind === undefined || row.kind === kind) &&
    (part === undefined ||
      [row.title, row.subject].some((text) => folded(text ?? "").includes(part))) &&
    fits(row);
  const items: Row[] = [];
  for (const row of rows) {
    if (!isFound(row)) continue;
    if (items.length === limit) return { items, next: items.at(-1)?.conversationId };
    items.push(row);
  }
  return { items, next: rows.length === wanted ? rows.at(-1)?.conversationId : undefined };
}
