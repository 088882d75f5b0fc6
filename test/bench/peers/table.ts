/** Message rows in a table like Parley's, in an object of their own. */
const TABLE = `CREATE TABLE IF NOT EXISTS messages (number INTEGER PRIMARY KEY, rev INTEGER,
  created_rev INTEGER, sender_id TEXT, kind TEXT, content TEXT, reply_to INTEGER,
  created_at INTEGER, edited_at INTEGER, deleted_at INTEGER, client_message_id TEXT,
  metadata TEXT, attachments TEXT, reactions TEXT)`;

export function createTable(sql: SqlStorage): void {
  sql.exec(TABLE);
}

/** Adds messages 1…`count` to an empty table. */
export function fillTable(sql: SqlStorage, count: number): void {
  sql.exec(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO messages (number, rev, created_rev, sender_id, kind, content, created_at,
       client_message_id)
     SELECT i, i, i, 'member-' || (i % 20), 'text',
       'message number ' || i || ', of about the usual length', 1795000000000 + i, 'key-' || i
     FROM n`,
    count,
  );
}
