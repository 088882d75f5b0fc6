import { isTimeZone } from "../domain/do-not-disturb.ts";
import { type ChosenLevel, LEVELS } from "../domain/notification-level.ts";
import type { NotificationSettings } from "../domain/notification-settings.ts";

/**
 * What an inbox stores of how its user wants to be notified. Nothing before they choose anything. What a
 * later version wrote and this one does not know is as if it had not been chosen.
 */

export function createPreferenceTables(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS notification_settings (
      only INTEGER PRIMARY KEY CHECK (only = 1),
      preview INTEGER NOT NULL,
      -- Do not disturb: HH:MM of each day, and the time zone; NULL: never.
      quiet_from TEXT,
      quiet_to TEXT,
      time_zone TEXT
    );
    -- Levels other than the default; until: when the default holds again, NULL: never.
    CREATE TABLE IF NOT EXISTS notification_levels (
      conversation_id TEXT PRIMARY KEY,
      level TEXT NOT NULL,
      until INTEGER
    ) WITHOUT ROWID;
  `);
}

/** Reads only. */
export function hasPreferenceTables(sql: SqlStorage): boolean {
  const found = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'notification_levels'");
  return found.toArray().length > 0;
}

/** `undefined`: the user has never changed any. */
export function readSettings(sql: SqlStorage): NotificationSettings | undefined {
  const [row] = sql
    .exec<{
      preview: number;
      quiet_from: string | null;
      quiet_to: string | null;
      time_zone: string | null;
    }>("SELECT preview, quiet_from, quiet_to, time_zone FROM notification_settings")
    .toArray();
  if (!row) return undefined;
  const { preview, quiet_from: from, quiet_to: to, time_zone: timeZone } = row;
  const isSet = from !== null && to !== null && timeZone !== null && isTimeZone(timeZone);
  return { preview: preview === 1, doNotDisturb: isSet ? { from, to, timeZone } : null };
}

export function putSettings(
  sql: SqlStorage,
  { preview, doNotDisturb }: NotificationSettings,
): void {
  sql.exec(
    `INSERT INTO notification_settings (only, preview, quiet_from, quiet_to, time_zone)
     VALUES (1, ?, ?, ?, ?)
     ON CONFLICT (only) DO UPDATE SET preview = excluded.preview,
       quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, time_zone = excluded.time_zone`,
    preview ? 1 : 0,
    doNotDisturb?.from ?? null,
    doNotDisturb?.to ?? null,
    doNotDisturb?.timeZone ?? null,
  );
}

export function readLevels(sql: SqlStorage): Map<string, ChosenLevel> {
  const rows = sql.exec<{ conversation_id: string; level: string; until: number | null }>(
    "SELECT conversation_id, level, until FROM notification_levels",
  );
  const levels = new Map<string, ChosenLevel>();
  for (const { conversation_id, level: stored, until } of rows) {
    const level = LEVELS.find((known) => known === stored);
    if (level) levels.set(conversation_id, { level, until });
  }
  return levels;
}

export function putLevel(
  sql: SqlStorage,
  conversationId: string,
  { level, until }: ChosenLevel,
): void {
  sql.exec(
    `INSERT INTO notification_levels (conversation_id, level, until) VALUES (?, ?, ?)
     ON CONFLICT (conversation_id) DO UPDATE SET level = excluded.level, until = excluded.until`,
    ...[conversationId, level, until],
  );
}

export function deleteLevel(sql: SqlStorage, conversationId: string): void {
  sql.exec("DELETE FROM notification_levels WHERE conversation_id = ?", conversationId);
}
