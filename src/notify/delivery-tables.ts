import type { PendingDelivery, ReceiverState } from "../domain/delivery.ts";

/** What an inbox stores of deliveries that failed. Nothing before the first failure; never a text. */

export function createDeliveryTables(sql: SqlStorage): void {
  sql.exec(`
    -- Without an epoch it says that everything was read.
    CREATE TABLE IF NOT EXISTS deliveries (
      receiver TEXT NOT NULL,
      conversation_id TEXT NOT NULL,
      id TEXT NOT NULL,
      epoch TEXT,
      after_rev INTEGER,
      expires_at INTEGER NOT NULL,
      attempts INTEGER NOT NULL,
      PRIMARY KEY (receiver, conversation_id)
    ) WITHOUT ROWID;
    -- Receivers that have failed or stopped.
    CREATE TABLE IF NOT EXISTS delivery_receivers (
      receiver TEXT PRIMARY KEY,
      failures INTEGER NOT NULL,
      retry_at INTEGER NOT NULL,
      rejecting INTEGER NOT NULL,
      stopped INTEGER NOT NULL
    ) WITHOUT ROWID;
  `);
}

/** Reads only. */
export function hasDeliveryTables(sql: SqlStorage): boolean {
  return (
    sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'delivery_receivers'").toArray().length > 0
  );
}

interface Row extends Record<string, SqlStorageValue> {
  receiver: string;
  conversation_id: string;
  id: string;
  epoch: string | null;
  after_rev: number | null;
  expires_at: number;
  attempts: number;
}

export function readDelivery(
  sql: SqlStorage,
  receiver: string,
  conversationId: string,
): PendingDelivery | undefined {
  const [row] = sql
    .exec<Row>(
      "SELECT * FROM deliveries WHERE receiver = ? AND conversation_id = ?",
      receiver,
      conversationId,
    )
    .toArray();
  if (!row) return undefined;
  return {
    receiver,
    conversationId,
    id: row.id,
    after: row.epoch === null ? undefined : { epoch: row.epoch, rev: row.after_rev ?? 0 },
    expiresAt: row.expires_at,
    attempts: row.attempts,
  };
}

/** The conversations of what is pending for a receiver: what has failed least comes first, then the oldest. */
export function pendingFor(sql: SqlStorage, receiver: string, limit: number): string[] {
  return sql
    .exec<{ conversation_id: string }>(
      `SELECT conversation_id FROM deliveries WHERE receiver = ?
       ORDER BY attempts, expires_at LIMIT ?`,
      receiver,
      limit,
    )
    .toArray()
    .map(({ conversation_id }) => conversation_id);
}

export function receiversWithPending(sql: SqlStorage): string[] {
  return sql
    .exec<{ receiver: string }>("SELECT DISTINCT receiver FROM deliveries")
    .toArray()
    .map(({ receiver }) => receiver);
}

export function putDelivery(sql: SqlStorage, delivery: PendingDelivery): void {
  sql.exec(
    `INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (receiver, conversation_id) DO UPDATE SET id = excluded.id, epoch = excluded.epoch,
       after_rev = excluded.after_rev, expires_at = excluded.expires_at, attempts = excluded.attempts`,
    delivery.receiver,
    delivery.conversationId,
    delivery.id,
    delivery.after?.epoch ?? null,
    delivery.after?.rev ?? null,
    delivery.expiresAt,
    delivery.attempts,
  );
}

export function deleteDelivery(sql: SqlStorage, receiver: string, conversationId: string): void {
  sql.exec(
    "DELETE FROM deliveries WHERE receiver = ? AND conversation_id = ?",
    receiver,
    conversationId,
  );
}

export function deleteDeliveriesTo(sql: SqlStorage, receiver: string): void {
  sql.exec("DELETE FROM deliveries WHERE receiver = ?", receiver);
}

/** How many there were. */
export function deleteExpired(sql: SqlStorage, now: number): number {
  return sql.exec("DELETE FROM deliveries WHERE expires_at <= ? RETURNING 1", now).toArray().length;
}

export function readReceivers(sql: SqlStorage): Map<string, ReceiverState> {
  return new Map(
    sql
      .exec<{
        receiver: string;
        failures: number;
        retry_at: number;
        rejecting: number;
        stopped: number;
      }>("SELECT * FROM delivery_receivers")
      .toArray()
      .map(({ receiver, failures, retry_at, rejecting, stopped }) => [
        receiver,
        {
          failures,
          retryAt: retry_at,
          isRejecting: rejecting === 1,
          isStopped: stopped === 1,
        },
      ]),
  );
}

export function putReceiver(sql: SqlStorage, receiver: string, state: ReceiverState): void {
  sql.exec(
    `INSERT INTO delivery_receivers VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (receiver) DO UPDATE SET failures = excluded.failures,
       retry_at = excluded.retry_at, rejecting = excluded.rejecting, stopped = excluded.stopped`,
    receiver,
    state.failures,
    state.retryAt,
    state.isRejecting ? 1 : 0,
    state.isStopped ? 1 : 0,
  );
}

export function deleteReceiver(sql: SqlStorage, receiver: string): void {
  sql.exec("DELETE FROM delivery_receivers WHERE receiver = ?", receiver);
}
