import type { Subscriber, SubscriberProtocol } from "../outbound/subscribers/gateway-api.ts";

/** Stores a subscriber, or replaces it. */
export function putSubscriber(sql: SqlStorage, subscriber: Subscriber): void {
  sql.exec(
    `INSERT OR REPLACE INTO listeners (gateway, protocol, user_id, counted, origin, visible)
     VALUES (?, ?, ?, ?, ?, ?)`,
    subscriber.gateway,
    subscriber.protocol,
    subscriber.userId,
    subscriber.counted ? 1 : 0,
    subscriber.origin,
    subscriber.visible ? 1 : 0,
  );
}

export function deleteSubscriber(sql: SqlStorage, gateway: string): void {
  sql.exec("DELETE FROM listeners WHERE gateway = ?", gateway);
}

/** The subscribers; `left`: the person was a member and no longer is. */
export function subscribers(sql: SqlStorage): { subscriber: Subscriber; left: boolean }[] {
  return sql
    .exec<{
      gateway: string;
      protocol: SubscriberProtocol;
      user_id: string;
      counted: number;
      origin: string;
      visible: number;
      has_left: number;
    }>(
      `SELECT gateway, protocol, user_id, counted, origin, visible,
         counted = 1 AND left_at IS NOT NULL AS has_left
       FROM listeners LEFT JOIN members USING (user_id)`,
    )
    .toArray()
    .map((row) => ({
      subscriber: {
        gateway: row.gateway,
        protocol: row.protocol,
        userId: row.user_id,
        counted: row.counted === 1,
        origin: row.origin,
        visible: row.visible === 1,
      },
      left: row.has_left === 1,
    }));
}
