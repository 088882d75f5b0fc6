import { z } from "zod";
import { KINDS } from "../domain/conversation.ts";
import type { Notifying } from "../domain/notifying.ts";

/** What an inbox stores of the notifications of its user: a row for each conversation that it is about. */

export function createNotifying(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS notifying (
      conversation_id TEXT PRIMARY KEY,
      kind TEXT NOT NULL,
      epoch TEXT NOT NULL,
      rev INTEGER NOT NULL,
      due_at INTEGER,
      id TEXT,
      sent_at INTEGER,
      is_shown INTEGER NOT NULL,
      read_at INTEGER,
      withdraw_at INTEGER
    ) WITHOUT ROWID;
  `);
}

/** Reads only. */
export function hasNotifying(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'notifying'").toArray().length > 0;
}

const time = z.number().nullable();
const row = z.object({
  conversation_id: z.string(),
  // Of a newer version: the level of the conversations that notify most.
  kind: z.enum(KINDS).catch("direct"),
  epoch: z.string(),
  rev: z.number(),
  due_at: time,
  id: z.string().nullable(),
  sent_at: time,
  is_shown: z.number(),
  read_at: time,
  withdraw_at: time,
});

export function readNotifying(sql: SqlStorage): Notifying[] {
  return z
    .array(row)
    .parse(sql.exec("SELECT * FROM notifying").toArray())
    .map((stored) => ({
      conversationId: stored.conversation_id,
      kind: stored.kind,
      epoch: stored.epoch,
      rev: stored.rev,
      dueAt: stored.due_at ?? undefined,
      id: stored.id ?? undefined,
      sentAt: stored.sent_at ?? undefined,
      isShown: stored.is_shown === 1,
      readAt: stored.read_at ?? undefined,
      withdrawAt: stored.withdraw_at ?? undefined,
    }));
}

export function putNotifying(sql: SqlStorage, state: Notifying): void {
  sql.exec(
    "INSERT OR REPLACE INTO notifying VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    state.conversationId,
    state.kind,
    state.epoch,
    state.rev,
    state.dueAt ?? null,
    state.id ?? null,
    state.sentAt ?? null,
    state.isShown ? 1 : 0,
    state.readAt ?? null,
    state.withdrawAt ?? null,
  );
}

export function deleteNotifying(sql: SqlStorage, conversationId: string): void {
  sql.exec("DELETE FROM notifying WHERE conversation_id = ?", conversationId);
}
