import type { Message } from "../../domain/message.ts";
import { REMOVED_AT_ONCE } from "./purge.ts";

/** Legal holds on a conversation, and what messages were that changed while one stood. */

/** The subject that is the conversation itself; no user id is empty. */
export const WHOLE = "";

export function putHold(sql: SqlStorage, subject: string, at: number): void {
  sql.exec(
    "INSERT INTO holds (subject, held_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
    subject,
    at,
  );
}

export function deleteHold(sql: SqlStorage, subject: string): void {
  sql.exec("DELETE FROM holds WHERE subject = ?", subject);
}

export function hasHold(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM holds LIMIT 1").toArray().length > 0;
}

/** Whether a hold on this subject stands. */
export function isHeldFor(sql: SqlStorage, subject: string): boolean {
  return sql.exec("SELECT 1 FROM holds WHERE subject = ?", subject).toArray().length > 0;
}

/** What a message was before revision `rev` changed it. Shown by nothing but exports that ask for it. */
export function insertFormer(sql: SqlStorage, rev: number, message: Message): void {
  sql.exec(
    "INSERT INTO held (number, rev, message) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    message.number,
    rev,
    JSON.stringify(message),
  );
}

/** Whether there is anything that {@link removeFormer} would remove. */
export function hasFormer(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM held LIMIT 1").toArray().length > 0;
}

/** Removes former states, at most {@link REMOVED_AT_ONCE}; whether there may be more. */
export function removeFormer(sql: SqlStorage): boolean {
  const { rowsWritten } = sql.exec(
    `DELETE FROM held WHERE (number, rev) IN (SELECT number, rev FROM held LIMIT ${REMOVED_AT_ONCE})`,
  );
  return rowsWritten >= REMOVED_AT_ONCE;
}

/** Whether a legal hold stands, read when it is first asked for. */
export class Holds {
  private readonly sql: SqlStorage;
  private known: boolean | undefined;

  constructor(sql: SqlStorage) {
    this.sql = sql;
  }

  get isHeld(): boolean {
    this.known ??= hasHold(this.sql);
    return this.known;
  }

  /** What a commit has made of it. */
  set(isHeld: boolean): void {
    this.known = isHeld;
  }
}
