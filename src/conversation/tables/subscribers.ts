import type { Listener, Protocol } from "../outbound/subscribers/gateway-api.ts";

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

/** The listeners, and whether each listens still: `left`, when its person was a member and is none. */
export function listeners(sql: SqlStorage): { listener: Listener; left: boolean }[] {
  return sql
    .exec<{
      gateway: string;
      protocol: Protocol;
      user_id: string;
      counted: number;
      origin: string;
      has_left: number;
    }>(
      `SELECT gateway, protocol, user_id, counted, origin,
         counted = 1 AND left_at IS NOT NULL AS has_left
       FROM listeners LEFT JOIN members USING (user_id)`,
    )
    .toArray()
    .map((row) => ({
      listener: {
        gateway: row.gateway,
        protocol: row.protocol,
        userId: row.user_id,
        counted: row.counted === 1,
        origin: row.origin,
      },
      left: row.has_left === 1,
    }));
}
