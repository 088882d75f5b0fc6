import { DurableObject } from "cloudflare:workers";

/** Message rows in a table like Parley's, read by one SELECT and serialized as JSON. */
export class Rows extends DurableObject {
  /** Fills the table with `count` messages. */
  fill(count: number): void {
    this.ctx.storage.sql.exec(`CREATE TABLE messages (number INTEGER PRIMARY KEY, rev INTEGER,
      created_rev INTEGER, sender_id TEXT, kind TEXT, content TEXT, reply_to INTEGER,
      created_at INTEGER, edited_at INTEGER, deleted_at INTEGER, client_message_id TEXT,
      metadata TEXT, attachments TEXT, reactions TEXT)`);
    this.ctx.storage.sql.exec(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       INSERT INTO messages (number, rev, created_rev, sender_id, kind, content, created_at,
         client_message_id)
       SELECT i, i, i, 'member-' || (i % 20), 'text', 'message number ' || i, i,
         'key-' || i FROM n`,
      count,
    );
  }

  read(): string {
    return JSON.stringify(this.ctx.storage.sql.exec("SELECT * FROM messages").toArray());
  }
}
