import { and, eq, gt, inArray, isNull, sql } from "drizzle-orm";
import type { PlatformRole } from "../domain/policy.ts";
import type { Directory } from "./directory.ts";
import { bans, legalHolds, users } from "./schema.ts";

/** What admins are told of users. Rows read are bounded, whatever a user has. */

/** Of what a user has, so many are counted at most. */
export const COUNTED_MAX = 10_000;

export interface ListedUser {
  userId: string;
  name: string | null;
  avatarUrl: string | null;
  /** Of their last token. */
  role: PlatformRole;
  provisionedRole: PlatformRole | null;
  bot: boolean;
  /** 0: they have never made a request. */
  lastSeenAt: number;
}

const LISTED = {
  ...{ userId: users.id, name: users.name, avatarUrl: users.avatarUrl, role: users.role },
  ...{ provisionedRole: users.provisionedRole, bot: users.bot, lastSeenAt: users.lastSeenAt },
};

/** Users in order of their ids, after one. */
export function usersAfter(
  directory: Directory,
  userId: string,
  limit: number,
): Promise<ListedUser[]> {
  return directory
    .select(LISTED)
    .from(users)
    .where(gt(users.id, userId))
    .orderBy(users.id)
    .limit(limit);
}

/** The users with these ids, in that order. */
export async function listedUsers(
  directory: Directory,
  userIds: readonly string[],
): Promise<ListedUser[]> {
  const rows = await directory
    .select(LISTED)
    .from(users)
    .where(inArray(users.id, sql`(SELECT value FROM json_each(${JSON.stringify(userIds)}))`));
  const byId = new Map(rows.map((row) => [row.userId, row]));
  return userIds.flatMap((userId) => byId.get(userId) ?? []);
}

export interface UserCounts {
  /** Present and former memberships: both together, like files and blocks, {@link COUNTED_MAX} at most. */
  conversations: number;
  former: number;
  files: number;
  fileBytes: number;
  blocks: number;
}

export interface UserProfile extends ListedUser {
  ban: typeof bans.$inferSelect | undefined;
  hold: typeof legalHolds.$inferSelect | undefined;
  counts: UserCounts;
}

/** A user, in one batch; `undefined`: there is none with this id. */
export async function profileOf(
  directory: Directory,
  userId: string,
): Promise<UserProfile | undefined> {
  const [[user], [ban], [hold], [memberships], [files], [blocks]] = await directory.batch([
    directory.select(LISTED).from(users).where(eq(users.id, userId)),
    directory
      .select()
      .from(bans)
      .where(and(eq(bans.userId, userId), isNull(bans.liftedAt))),
    directory
      .select()
      .from(legalHolds)
      .where(and(eq(legalHolds.subject, "user"), eq(legalHolds.id, userId))),
    directory
      .select({
        conversations: sql<number>`count(*) FILTER (WHERE left_at IS NULL)`,
        former: sql<number>`count(*) FILTER (WHERE left_at IS NOT NULL)`,
      })
      .from(sql`(SELECT left_at FROM members WHERE user_id = ${userId} LIMIT ${COUNTED_MAX})`),
    directory
      .select({ files: sql<number>`count(*)`, fileBytes: sql<number>`coalesce(sum(size), 0)` })
      .from(sql`(SELECT size FROM uploads WHERE owner_id = ${userId} LIMIT ${COUNTED_MAX})`),
    directory
      .select({ blocks: sql<number>`count(*)` })
      .from(sql`(SELECT 1 FROM blocks WHERE user_id = ${userId} LIMIT ${COUNTED_MAX})`),
  ]);
  if (!user || !memberships || !files || !blocks) return undefined;
  return { ...user, ban, hold, counts: { ...memberships, ...files, ...blocks } };
}

/** Whether D1 knows a user: reads one row. */
export async function isKnownUser(directory: Directory, userId: string): Promise<boolean> {
  const rows = await directory.select({ id: users.id }).from(users).where(eq(users.id, userId));
  return rows.length > 0;
}
