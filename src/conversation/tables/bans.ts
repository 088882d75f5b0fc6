import type { Ban } from "../../domain/conversation.ts";

/** Who may not be in the conversation. Expired bans stay until the next one is stored. */

type BanRow = {
  user_id: string;
  banned_by: string;
  banned_at: number;
  until: number | null;
  reason: string | null;
};

/** Stores a ban, or replaces it, and deletes those that have expired. */
export function putBan(sql: SqlStorage, ban: Ban): void {
  sql.exec("DELETE FROM bans WHERE until <= ?", ban.bannedAt);
  sql.exec(
    "INSERT OR REPLACE INTO bans (user_id, banned_by, banned_at, until, reason) VALUES (?, ?, ?, ?, ?)",
    ...[ban.userId, ban.bannedBy, ban.bannedAt, ban.until, ban.reason],
  );
}

export function deleteBan(sql: SqlStorage, userId: string): void {
  sql.exec("DELETE FROM bans WHERE user_id = ?", userId);
}

/** A user's ban, which may have expired. */
export function banOf(sql: SqlStorage, userId: string): Ban | undefined {
  return select(sql, "WHERE user_id = ?", userId)[0];
}

export function countBans(sql: SqlStorage): number {
  return sql.exec<{ count: number }>("SELECT count(*) AS count FROM bans").one().count;
}

/** Those that last at a time, in order of the ids of users. */
export function bansAt(sql: SqlStorage, now: number, limit: number, offset: number): Ban[] {
  const clause = "WHERE until IS NULL OR until > ? ORDER BY user_id LIMIT ? OFFSET ?";
  return select(sql, clause, now, limit, offset);
}

function select(sql: SqlStorage, clause: string, ...bindings: (string | number)[]): Ban[] {
  return sql
    .exec<BanRow>(`SELECT * FROM bans ${clause}`, ...bindings)
    .toArray()
    .map((row) => ({
      userId: row.user_id,
      bannedBy: row.banned_by,
      bannedAt: row.banned_at,
      until: row.until,
      reason: row.reason,
    }));
}
