import { and, asc, eq, gt, inArray, isNotNull, isNull, lt, sql } from "drizzle-orm";
import type { Directory } from "./directory.ts";
import { bans, conversations, jobs, members, reports, uploads, users } from "./schema.ts";

/** What D1 has of one person, for an export; and which archives are to be removed. */

/** The profile of a user, as it is stored. */
export async function profileOf(directory: Directory, userId: string) {
  const { id, name, avatarUrl, role, provisionedRole, lastSeenAt, bot } = users;
  const [row] = await directory
    .select({ id, name, avatarUrl, role, provisionedRole, lastSeenAt, bot })
    .from(users)
    .where(eq(users.id, userId));
  return row;
}

/** The ban of a user from the service, which may have ended. */
export async function serviceBanOf(directory: Directory, userId: string) {
  const { bannedAt, until, reason, liftedAt } = bans;
  const [row] = await directory
    .select({ bannedAt, until, reason, liftedAt })
    .from(bans)
    .where(eq(bans.userId, userId));
  return row;
}

/** Conversations that a user is or was in, in order of their ids, behind one of them. */
export function conversationsOf(
  directory: Directory,
  userId: string,
  after: string,
  limit: number,
): Promise<{ conversationId: string; kind: string | null }[]> {
  return directory
    .select({ conversationId: members.conversationId, kind: conversations.kind })
    .from(members)
    .leftJoin(conversations, eq(conversations.id, members.conversationId))
    .where(and(eq(members.userId, userId), gt(members.conversationId, after)))
    .orderBy(members.conversationId)
    .limit(limit);
}

/** Uploads of a user that are stored and not deleted, in order of their keys, behind one of them. */
export function uploadsBy(directory: Directory, userId: string, after: string, limit: number) {
  const { key, name, mimeType, size, width, height, createdAt, sentTo, sentNumber } = uploads;
  return directory
    .select({ key, name, mimeType, size, width, height, createdAt, sentTo, sentNumber })
    .from(uploads)
    .where(
      and(
        eq(uploads.ownerId, userId),
        gt(key, after),
        isNotNull(uploads.storedAt),
        isNull(uploads.deletedAt),
      ),
    )
    .orderBy(key)
    .limit(limit);
}

/** Reports that a user made, in order of their ids, behind one of them. */
export function reportsBy(directory: Directory, userId: string, after: string, limit: number) {
  const { id, state, conversationId, number, reason, note, createdAt } = reports;
  return directory
    .select({ id, state, conversationId, number, reason, note, createdAt })
    .from(reports)
    .where(and(eq(reports.reporterId, userId), gt(id, after)))
    .orderBy(id)
    .limit(limit);
}

/** Exports that ended before a time and whose archives were not swept, those first that ended first. */
export async function unsweptExports(
  directory: Directory,
  before: number,
  limit: number,
): Promise<string[]> {
  // A literal rather than parameters, so that SQLite uses the index `jobs_unswept`.
  const isExport = sql`${jobs.kind} IN ('export-conversation', 'export-user')`;
  const rows = await directory
    .select({ id: jobs.id })
    .from(jobs)
    .where(and(isExport, isNull(jobs.sweptAt), lt(jobs.finishedAt, before)))
    .orderBy(asc(jobs.finishedAt))
    .limit(limit);
  return rows.map(({ id }) => id);
}

/** Notes that the archives of exports were removed. */
export async function setSwept(
  directory: Directory,
  jobIds: readonly string[],
  now: number,
): Promise<void> {
  await directory
    .update(jobs)
    .set({ sweptAt: now })
    .where(inArray(jobs.id, sql`(SELECT value FROM json_each(${JSON.stringify(jobIds)}))`));
}
