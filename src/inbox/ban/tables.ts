import type { Act } from "../../domain/act.ts";
import type { BanState } from "../../domain/ban.ts";
import type { PresenceSource } from "../../domain/presence-sources.ts";

/** What an inbox stores of its user's ban from the service. Nothing before the first ban. */

export function createBanTables(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS ban (
      only INTEGER PRIMARY KEY CHECK (only = 1),
      banned_by TEXT NOT NULL,
      banned_at INTEGER NOT NULL,
      until INTEGER,
      reason TEXT,
      lifted_at INTEGER,
      version INTEGER NOT NULL
    );
    -- Acts, as JSON, that D1 does not have yet; nor has it the ban as it is now.
    CREATE TABLE IF NOT EXISTS ban_acts (version INTEGER PRIMARY KEY, act TEXT NOT NULL);
    -- Objects in which connections of the user have to be ended.
    CREATE TABLE IF NOT EXISTS evictions (
      kind TEXT NOT NULL,
      id TEXT NOT NULL,
      PRIMARY KEY (kind, id)
    ) WITHOUT ROWID;
  `);
}

/** Reads only. */
export function hasBanTables(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'ban'").toArray().length > 0;
}

export function readBan(sql: SqlStorage): BanState | undefined {
  const [row] = sql
    .exec<{
      banned_by: string;
      banned_at: number;
      until: number | null;
      reason: string | null;
      lifted_at: number | null;
      version: number;
    }>("SELECT * FROM ban")
    .toArray();
  if (!row) return undefined;
  return {
    bannedBy: row.banned_by,
    bannedAt: row.banned_at,
    until: row.until,
    reason: row.reason,
    liftedAt: row.lifted_at,
    version: row.version,
  };
}

export function writeBan(sql: SqlStorage, ban: BanState, act: Act): void {
  const { bannedBy, bannedAt, until, reason, liftedAt, version } = ban;
  const values = [bannedBy, bannedAt, until, reason, liftedAt, version];
  sql.exec("INSERT OR REPLACE INTO ban VALUES (1, ?, ?, ?, ?, ?, ?)", ...values);
  sql.exec("INSERT INTO ban_acts VALUES (?, ?)", version, JSON.stringify(act));
}

export function replaceBannedBy(sql: SqlStorage, bannedBy: string): void {
  sql.exec("UPDATE ban SET banned_by = ?", bannedBy);
}

/** The acts that D1 does not have. */
export function readActs(sql: SqlStorage): Act[] {
  return sql
    .exec<{ act: string }>("SELECT act FROM ban_acts ORDER BY version")
    .toArray()
    .map(({ act }): Act => JSON.parse(act));
}

/** D1 has the acts up to a version. */
export function deleteActs(sql: SqlStorage, version: number): void {
  sql.exec("DELETE FROM ban_acts WHERE version <= ?", version);
}

export function readEvictions(sql: SqlStorage): PresenceSource[] {
  return sql
    .exec<{ kind: string; id: string }>("SELECT kind, id FROM evictions")
    .toArray()
    .map(({ kind, id }) => [kind, id]);
}

export function insertEviction(sql: SqlStorage, source: PresenceSource): void {
  sql.exec("INSERT OR IGNORE INTO evictions VALUES (?, ?)", ...source);
}

export function deleteEviction(sql: SqlStorage, source: PresenceSource): void {
  sql.exec("DELETE FROM evictions WHERE kind = ? AND id = ?", ...source);
}
