/** Conversations that have stopped calling this inbox: it asks them once somebody is connected. */

export function createPending(sql: SqlStorage): void {
  sql.exec("CREATE TABLE IF NOT EXISTS pending (conversation_id TEXT PRIMARY KEY) WITHOUT ROWID");
}

/** Whether anything was ever stored here. Reads only. */
export function hasPendingTable(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'pending'").toArray().length > 0;
}

export function insertPending(sql: SqlStorage, conversationId: string): void {
  sql.exec(
    "INSERT INTO pending (conversation_id) VALUES (?) ON CONFLICT DO NOTHING",
    conversationId,
  );
}

export function deletePending(sql: SqlStorage, conversationId: string): void {
  sql.exec("DELETE FROM pending WHERE conversation_id = ?", conversationId);
}

export function pendingConversations(sql: SqlStorage): string[] {
  return sql
    .exec<{ conversation_id: string }>("SELECT conversation_id FROM pending")
    .toArray()
    .map(({ conversation_id }) => conversation_id);
}
