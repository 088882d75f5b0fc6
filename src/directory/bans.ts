import { and, asc, desc, eq, gt, isNotNull, isNull, lt, or, sql } from "drizzle-orm";
import { type BanState, isStanding } from "../domain/ban.ts";
import type { Directory } from "./directory.ts";
import { bans } from "./schema.ts";

/** Rows of one read of what has changed. */
const CHANGES_MAX = 5_000;
/** How long a ban that has ended keeps its row: every isolate has read that it has by then. */
const ENDED_KEPT_MS = 24 * 60 * 60_000;

/** What isolates keep of a ban. */
export interface BanChange {
  userId: string;
  /** When it ends; `null`: not by itself. */
  until: number | null;
  liftedAt: number | null;
  changedAt: number;
}

export interface BanRow extends BanState {
  userId: string;
  changedAt: number;
}

/** Stores the newest order about a user; one that is older than the stored one changes nothing. */
export async function putBan(
  directory: Directory,
  userId: string,
  { bannedBy, bannedAt, until, reason, liftedAt, version }: BanState,
  now: number,
): Promise<void> {
  await directory.run(sql`
    INSERT INTO bans (user_id, banned_by, banned_at, until, reason, lifted_at, version, changed_at)
    SELECT ${userId}, ${bannedBy}, ${bannedAt}, ${until}, ${reason}, ${liftedAt}, ${version},
      max(${now}, coalesce((SELECT max(changed_at) FROM bans), 0) + 1) WHERE true
    ON CONFLICT (user_id) DO UPDATE SET banned_by = excluded.banned_by,
      banned_at = excluded.banned_at, until = excluded.until, reason = excluded.reason,
      lifted_at = excluded.lifted_at, version = excluded.version, changed_at = excluded.changed_at
    WHERE excluded.version > version`);
}

/** What has changed after `since`, in order, all of it; from 0 every ban that there is. */
export async function banChanges(directory: Directory, since: number): Promise<BanChange[]> {
  const { userId, until, liftedAt, changedAt } = bans;
  const changes: BanChange[] = [];
  for (;;) {
    const page = await directory
      .select({ userId, until, liftedAt, changedAt })
      .from(bans)
      .where(gt(changedAt, changes.at(-1)?.changedAt ?? since))
      .orderBy(asc(changedAt))
      .limit(CHANGES_MAX);
    changes.push(...page);
    if (page.length < CHANGES_MAX) return changes;
  }
}

/** Whether there is a ban of a user, which holds or has ended. */
export async function hasBan(directory: Directory, userId: string): Promise<boolean> {
  const found = await directory
    .select({ userId: bans.userId })
    .from(bans)
    .where(eq(bans.userId, userId));
  return found.length > 0;
}

/** Bans that hold, the newest first: those that were changed before `before`, if it is given. */
export async function standingBans(
  directory: Directory,
  { before, limit, now }: { before: number | undefined; limit: number; now: number },
): Promise<BanRow[]> {
  return directory
    .select()
    .from(bans)
    .where(
      and(
        isNull(bans.liftedAt),
        or(isNull(bans.until), gt(bans.until, now)),
        before === undefined ? undefined : lt(bans.changedAt, before),
      ),
    )
    .orderBy(desc(bans.changedAt))
    .limit(limit);
}

/** Deletes bans that have ended a day ago or longer. */
export async function deleteEndedBans(directory: Directory, now: number): Promise<void> {
  const before = now - ENDED_KEPT_MS;
  const isLifted = and(isNotNull(bans.liftedAt), lt(bans.changedAt, before));
  await directory.delete(bans).where(or(isLifted, lt(bans.until, before)));
}

/**
 * Who is banned, as far as it was read. A change that was applied is never undone by an older one, in
 * whatever order reads end.
 */
export class KnownBans {
  /** By user: when the ban ends. */
  private untils = new Map<string, number | null>();
  private cursor = 0;

  /** The newest change that it has. */
  get since(): number {
    return this.cursor;
  }

  has(userId: string, now: number): boolean {
    const until = this.untils.get(userId);
    if (until === undefined) return false;
    if (isStanding({ until, liftedAt: null }, now)) return true;
    this.untils.delete(userId);
    return false;
  }

  /** Nobody knows of a ban of theirs any more. */
  forget(userId: string): void {
    this.untils.delete(userId);
  }

  apply(changes: readonly BanChange[], now: number): void {
    for (const { userId, until, liftedAt, changedAt } of changes) {
      // `changedAt` rises with every write: whatever is not newer is known.
      if (changedAt <= this.cursor) continue;
      this.cursor = changedAt;
      if (isStanding({ until, liftedAt }, now)) this.untils.set(userId, until);
      else this.untils.delete(userId);
    }
  }
}
