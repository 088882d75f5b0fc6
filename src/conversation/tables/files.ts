import { messageAt } from "./messages.ts";

/** Stores the files of a message, and its claim as used. */
export function insertFiles(
  sql: SqlStorage,
  claim: string,
  number: number,
  keys: readonly string[],
): void {
  sql.exec("INSERT INTO claims (claim, number) VALUES (?, ?)", claim, number);
  for (const key of keys) {
    sql.exec("INSERT INTO files (number, key) VALUES (?, ?)", number, key);
  }
}

/** The files that a message carries, or carried before it was deleted. */
export function filesOf(sql: SqlStorage, number: number): string[] {
  return sql
    .exec<{ key: string }>("SELECT key FROM files WHERE number = ?", number)
    .toArray()
    .map((row) => row.key);
}

/**
 * The outcome of a claim: the number of its message, `null` if it was voided, `undefined` if
 * unknown.
 */
export function claimOutcome(sql: SqlStorage, claim: string): number | null | undefined {
  const [row] = sql
    .exec<{ number: number | null }>("SELECT number FROM claims WHERE claim = ?", claim)
    .toArray();
  return row?.number;
}

/**
 * Voids a claim unless a message carries its files: true when no message does and none ever will, false
 * when one does.
 */
export function voidUnlessUsed(sql: SqlStorage, claim: string): boolean {
  const outcome = claimOutcome(sql, claim);
  if (outcome === undefined) {
    sql.exec("INSERT INTO claims (claim, number) VALUES (?, NULL)", claim);
  }
  return outcome === undefined || outcome === null;
}

/**
 * A file as D1 knows it: the number of its message, or the claim of a send that D1 does not have
 * yet.
 */
export interface FileReference {
  key: string;
  number: number | null;
  claim: string | null;
}

/** Whether a message carries the file, carried it until it was deleted, or never did. */
export type FileState = "carried" | "deleted" | "unsent";

export function fileState(sql: SqlStorage, { key, number, claim }: FileReference): FileState {
  const sentAs = number ?? (claim === null ? null : claimOutcome(sql, claim));
  if (sentAs === null || sentAs === undefined) return "unsent";
  const carried = messageAt(sql, sentAs)?.attachments.some((attachment) => attachment.key === key);
  return carried ? "carried" : "deleted";
}
