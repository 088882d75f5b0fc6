import type { Listener, Protocol } from "../gateways.ts";

/** Stores a listener, which may be there already. */
export function putListener(sql: SqlStorage, listener: Listener): void {
  sql.exec(
    `INSERT OR REPLACE INTO listeners (gateway, protocol, user_id, counted, origin)
     VALUES (?, ?, ?, ?, ?)`,
    listener.gateway,
    listener.protocol,
    listener.userId,
    listener.counted ? 1 : 0,
    listener.origin,
  );
}

export function deleteListener(sql: SqlStorage, gateway: string): void {
  sql.exec("DELETE FROM listeners WHERE gateway = ?", gateway);
}

/** The listeners; those of members who have left meanwhile are not among them. */
export function listeners(sql: SqlStorage): Listener[] {
  return sql
    .exec<{
      gateway: string;
      protocol: Protocol;
      user_id: string;
      counted: number;
      origin: string;
    }>(
      `SELECT gateway, protocol, user_id, counted, origin FROM listeners
       WHERE counted = 0 OR user_id IN (SELECT user_id FROM members WHERE left_at IS NULL)`,
    )
    .toArray()
    .map((row) => ({
      gateway: row.gateway,
      protocol: row.protocol,
      userId: row.user_id,
      counted: row.counted === 1,
      origin: row.origin,
    }));
}
