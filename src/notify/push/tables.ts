import type { PushDevice } from "../../conversation/outbound/inboxes/inbox-api.ts";

/** The push devices of a user. Nothing is stored before the first. */

export interface Device extends PushDevice {
  key: string;
  /** When it was put, in milliseconds; each is later than the one before. */
  at: number;
}

export function createDevices(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS push_devices (
      key TEXT PRIMARY KEY,
      endpoint TEXT NOT NULL,
      p256dh TEXT NOT NULL,
      auth TEXT NOT NULL,
      expires_at INTEGER,
      at INTEGER NOT NULL
    ) WITHOUT ROWID
  `);
}

/** In the order in which they were put. Reads only. */
export function readDevices(sql: SqlStorage): Device[] {
  const isCreated = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'push_devices'").toArray();
  if (isCreated.length === 0) return [];
  return sql
    .exec<{
      key: string;
      endpoint: string;
      p256dh: string;
      auth: string;
      expires_at: number | null;
      at: number;
    }>("SELECT key, endpoint, p256dh, auth, expires_at, at FROM push_devices ORDER BY at")
    .toArray()
    .map(({ key, endpoint, p256dh, auth, expires_at, at }) => ({
      ...{ key, endpoint, keys: { p256dh, auth }, at },
      expirationTime: expires_at ?? undefined,
    }));
}

export function putDevice(sql: SqlStorage, device: Device): void {
  const { key, endpoint, keys, expirationTime, at } = device;
  sql.exec(
    `INSERT INTO push_devices (key, endpoint, p256dh, auth, expires_at, at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET endpoint = excluded.endpoint, p256dh = excluded.p256dh,
       auth = excluded.auth, expires_at = excluded.expires_at, at = excluded.at`,
    ...[key, endpoint, keys.p256dh, keys.auth, expirationTime ?? null, at],
  );
}

export function deleteDevice(sql: SqlStorage, key: string): void {
  sql.exec("DELETE FROM push_devices WHERE key = ?", key);
}
