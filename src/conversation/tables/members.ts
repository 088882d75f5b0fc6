import { type Member, type Role, STORED_REQUEST } from "../../domain/conversation.ts";
import type { Figures } from "../../domain/read-ranges.ts";
import { currentFigures, type KnownFigures, readFigures } from "./pending-figures.ts";

type MemberRow = {
  user_id: string;
  name: string | null;
  avatar_url: string | null;
  role: Role;
  joined_at: number;
  left_at: number | null;
  archived: number;
  read_up_to: number;
  read_beyond: number;
  muted_until: number;
  rev: number;
  request: number;
};

/** Inserts or updates a member. */
export function putMember(sql: SqlStorage, member: Member): void {
  sql.exec(
    `INSERT INTO members (user_id, name, avatar_url, role, joined_at, left_at, archived, read_up_to,
       read_beyond, rev, moved_rev, request, muted_until)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12)
     ON CONFLICT (user_id) DO UPDATE SET name = excluded.name, avatar_url = excluded.avatar_url,
       role = excluded.role, joined_at = excluded.joined_at, left_at = excluded.left_at,
       archived = excluded.archived, read_up_to = excluded.read_up_to,
       read_beyond = excluded.read_beyond, rev = excluded.rev, request = excluded.request,
       muted_until = excluded.muted_until,
       moved_rev = iif(excluded.left_at IS left_at AND excluded.joined_at = joined_at,
         moved_rev, excluded.rev)`,
    member.userId,
    member.name,
    member.avatarUrl,
    member.role,
    member.joinedAt,
    member.leftAt,
    member.archived ? 1 : 0,
    member.readUpTo,
    member.readBeyond,
    member.rev,
    member.request ? STORED_REQUEST[member.request] : 0,
    member.mutedUntil ?? 0,
  );
}

/** Members who have not accepted. */
export function membersWithRequest(sql: SqlStorage): string[] {
  return sql
    .exec<{ user_id: string }>("SELECT user_id FROM members WHERE request > 0")
    .toArray()
    .map(({ user_id }) => user_id);
}

/** Updates members' figures only. */
export function updateFigures(sql: SqlStorage, figures: ReadonlyMap<string, Figures>): void {
  if (figures.size === 1) {
    for (const [userId, { readUpTo, readBeyond }] of figures) {
      sql.exec(
        "UPDATE members SET read_up_to = ?, read_beyond = ? WHERE user_id = ?",
        readUpTo,
        readBeyond,
        userId,
      );
    }
    return;
  }
  sql.exec(
    `UPDATE members SET read_up_to = moved.value ->> 1, read_beyond = moved.value ->> 2
     FROM json_each(?) AS moved WHERE user_id = moved.value ->> 0`,
    JSON.stringify(
      Array.from(figures, ([userId, { readUpTo, readBeyond }]) => [userId, readUpTo, readBeyond]),
    ),
  );
}

/** The given people who joined or left after a revision. */
export function movedSince(sql: SqlStorage, userIds: readonly string[], rev: number): Set<string> {
  const rows = sql.exec<{ user_id: string }>(
    `SELECT user_id FROM members
     WHERE user_id IN (SELECT value FROM json_each(?)) AND moved_rev > ?`,
    JSON.stringify(userIds),
    rev,
  );
  return new Set(Array.from(rows, ({ user_id }) => user_id));
}

/** `known`: what figures are read with, where the caller has it; otherwise it is read. */
export function memberOf(
  sql: SqlStorage,
  userId: string,
  known?: KnownFigures,
): Member | undefined {
  const rows = sql.exec<MemberRow>("SELECT * FROM members WHERE user_id = ?", userId).toArray();
  return membersOf(sql, rows, known)[0];
}

/** Names of at most so many people who are or were members, by their ids. */
export function namesOfMembers(sql: SqlStorage, limit: number): Map<string, string | null> {
  const rows = sql.exec("SELECT user_id, name FROM members LIMIT ?", limit);
  return new Map(rows.raw<[userId: string, name: string | null]>());
}

/** The given people who are or were members. */
export function membersAmong(sql: SqlStorage, userIds: readonly string[]): Member[] {
  return select(sql, "WHERE user_id IN (SELECT value FROM json_each(?))", JSON.stringify(userIds));
}

/**
 * The present member who joined first, other than `apartFrom`. Reads every member: for groups,
 * which are bounded.
 */
export function longestMember(sql: SqlStorage, apartFrom: string): Member | undefined {
  return select(
    sql,
    "WHERE left_at IS NULL AND user_id <> ? ORDER BY joined_at, user_id LIMIT 1",
    apartFrom,
  )[0];
}

/** Present members in order of id. */
export function presentMembers(sql: SqlStorage, limit: number, offset = 0): Member[] {
  return select(sql, "WHERE left_at IS NULL ORDER BY user_id LIMIT ? OFFSET ?", limit, offset);
}

/** The ids of present members, some of them where there are more than `limit`. */
export function presentMemberIds(sql: SqlStorage, limit: number): Set<string> {
  const rows = sql.exec<{ user_id: string }>(
    "SELECT user_id FROM members WHERE left_at IS NULL LIMIT ?",
    limit,
  );
  return new Set(Array.from(rows, ({ user_id }) => user_id));
}

/**
 * The ids of present members whose row says that they have read, or sent, beyond `readUpTo`, which is below a
 * number: some of them, where there are more than `limit`. Looks at every member.
 */
export function membersBehind(sql: SqlStorage, number: number, limit: number): string[] {
  return sql
    .exec<{ user_id: string }>(
      `SELECT user_id FROM members
       WHERE read_up_to < ? AND read_beyond > 0 AND left_at IS NULL LIMIT ?`,
      number,
      limit,
    )
    .toArray()
    .map(({ user_id }) => user_id);
}

/** Members who changed after `rev`, including those who left, in order of revision. */
export function membersChangedAfter(sql: SqlStorage, rev: number, limit: number): Member[] {
  return select(sql, "WHERE rev > ? ORDER BY rev LIMIT ?", rev, limit);
}

function select(sql: SqlStorage, clause: string, ...bindings: (string | number)[]): Member[] {
  return membersOf(
    sql,
    sql.exec<MemberRow>(`SELECT * FROM members ${clause}`, ...bindings).toArray(),
  );
}

function membersOf(sql: SqlStorage, rows: readonly MemberRow[], known?: KnownFigures): Member[] {
  if (rows.length === 0) return [];
  const { pending, purgedTo } = known ?? readFigures(sql);
  return rows.map((row) => ({
    userId: row.user_id,
    name: row.name,
    avatarUrl: row.avatar_url,
    role: row.role,
    joinedAt: row.joined_at,
    leftAt: row.left_at,
    archived: row.archived === 1,
    ...requestOf(row.request),
    ...currentFigures(
      { readUpTo: row.read_up_to, readBeyond: row.read_beyond },
      pending.get(row.user_id),
      purgedTo,
    ),
    ...(row.muted_until > 0 && { mutedUntil: row.muted_until }),
    rev: row.rev,
  }));
}

function requestOf(stored: number): Pick<Member, "request"> {
  if (stored === 0) return {};
  return { request: stored === STORED_REQUEST.declined ? "declined" : "pending" };
}
