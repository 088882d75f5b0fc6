import type { Watcher } from "../../conversation/outbound/inboxes/inbox-api.ts";
import { NEVER_ONLINE, type Presence } from "../../domain/presence.ts";
import { keyOf, type PresenceSource, type Sources } from "../../domain/presence-sources.ts";

/** What an inbox stores of its user's presence. Nothing before the user connects or is watched. */

export function createPresenceTables(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS presence (
      only INTEGER PRIMARY KEY CHECK (only = 1),
      online INTEGER NOT NULL,
      left_at INTEGER,
      last_seen_at INTEGER,
      invisible INTEGER NOT NULL,
      version INTEGER NOT NULL,
      told INTEGER NOT NULL
    );
    -- Objects other than this that hold connections of the user.
    CREATE TABLE IF NOT EXISTS presence_sources (
      kind TEXT NOT NULL,
      id TEXT NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (kind, id)
    ) WITHOUT ROWID;
    -- Who is told of changes; place: their order.
    CREATE TABLE IF NOT EXISTS watchers (
      kind TEXT NOT NULL,
      id TEXT NOT NULL,
      place INTEGER NOT NULL,
      PRIMARY KEY (kind, id)
    ) WITHOUT ROWID;
    -- Whom the sockets of this inbox watch: a JSON array of user ids for each.
    CREATE TABLE IF NOT EXISTS watched (
      connection TEXT PRIMARY KEY,
      user_ids TEXT NOT NULL
    ) WITHOUT ROWID;
  `);
}

/** Reads only. */
export function hasPresenceTables(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'presence'").toArray().length > 0;
}

export function readPresence(sql: SqlStorage): Presence {
  const [row] = sql
    .exec<{
      online: number;
      left_at: number | null;
      last_seen_at: number | null;
      invisible: number;
      version: number;
      told: number;
    }>("SELECT * FROM presence")
    .toArray();
  if (!row) return NEVER_ONLINE;
  return {
    online: row.online === 1,
    leftAt: row.left_at ?? undefined,
    lastSeenAt: row.last_seen_at ?? undefined,
    invisible: row.invisible === 1,
    version: row.version,
    told: row.told,
  };
}

export function putPresence(sql: SqlStorage, presence: Presence): void {
  const { online, leftAt, lastSeenAt, invisible, version, told } = presence;
  sql.exec(
    `INSERT INTO presence VALUES (1, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (only) DO UPDATE SET online = excluded.online, left_at = excluded.left_at,
       last_seen_at = excluded.last_seen_at, invisible = excluded.invisible,
       version = excluded.version, told = excluded.told`,
    online ? 1 : 0,
    leftAt ?? null,
    lastSeenAt ?? null,
    invisible ? 1 : 0,
    version,
    told,
  );
}

export function readSources(sql: SqlStorage): Sources {
  const rows = sql
    .exec<{ kind: string; id: string; at: number }>("SELECT * FROM presence_sources ORDER BY at")
    .toArray();
  return new Map(
    rows.map(({ kind, id, at }) => {
      const source: PresenceSource = [kind, id];
      return [keyOf(source), { source, at, isConnected: true, confirmedAt: at }];
    }),
  );
}

/** Stores which sources have a connection, where that has changed. */
export function putSources(sql: SqlStorage, before: Sources, after: Sources): void {
  for (const [key, { source, at, isConnected }] of after) {
    if (!isConnected || before.get(key)?.isConnected) continue;
    sql.exec("INSERT OR REPLACE INTO presence_sources VALUES (?, ?, ?)", ...source, at);
  }
  for (const [key, { source, isConnected }] of before) {
    if (!isConnected || after.get(key)?.isConnected) continue;
    sql.exec("DELETE FROM presence_sources WHERE kind = ? AND id = ?", ...source);
  }
}

/** In the order in which they began, which `place` is. */
export function readWatchers(sql: SqlStorage): { watcher: Watcher; place: number }[] {
  return sql
    .exec<{ kind: string; id: string; place: number }>("SELECT * FROM watchers ORDER BY place")
    .toArray()
    .map(({ kind, id, place }) => ({ watcher: [kind, id], place }));
}

export function insertWatcher(sql: SqlStorage, watcher: Watcher, place: number): void {
  sql.exec("INSERT OR REPLACE INTO watchers VALUES (?, ?, ?)", ...watcher, place);
}

export function deleteWatcher(sql: SqlStorage, watcher: Watcher): void {
  sql.exec("DELETE FROM watchers WHERE kind = ? AND id = ?", ...watcher);
}

export function readWatched(sql: SqlStorage): { connection: string; user_ids: string }[] {
  return sql.exec<{ connection: string; user_ids: string }>("SELECT * FROM watched").toArray();
}

export function putWatched(sql: SqlStorage, connection: string, userIds: Iterable<string>): void {
  sql.exec(
    `INSERT INTO watched VALUES (?, ?)
     ON CONFLICT (connection) DO UPDATE SET user_ids = excluded.user_ids`,
    connection,
    JSON.stringify([...userIds]),
  );
}

export function deleteWatched(sql: SqlStorage, connection: string): void {
  sql.exec("DELETE FROM watched WHERE connection = ?", connection);
}

/** Conversations that are told of the user's connections, and when they asked for it; the oldest first. */
export function readPlaces(sql: SqlStorage): Map<string, number> {
  const exists = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'presence_places'").toArray();
  if (exists.length === 0) return new Map();
  const rows = sql.exec<{ id: string; since: number }>(
    "SELECT id, since FROM presence_places ORDER BY since",
  );
  return new Map(Array.from(rows, ({ id, since }) => [id, since]));
}

export function putPlace(sql: SqlStorage, id: string, since: number): void {
  sql.exec(
    "CREATE TABLE IF NOT EXISTS presence_places (id TEXT PRIMARY KEY, since INTEGER) WITHOUT ROWID",
  );
  sql.exec(
    `INSERT INTO presence_places VALUES (?, ?)
     ON CONFLICT (id) DO UPDATE SET since = excluded.since`,
    id,
    since,
  );
}

export function deletePlace(sql: SqlStorage, id: string): void {
  sql.exec("DELETE FROM presence_places WHERE id = ?", id);
}
