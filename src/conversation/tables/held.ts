/** What a message was before it was changed while there was a legal hold: JSON, as it was stored. */
export interface HeldMessage {
  number: number;
  rev: number;
  message: string;
}

/** Characters of one page at most, behind its first row. */
const MAX_LENGTH = 1_000_000;

/** Rows of `held` in order, behind one of them: at most `limit`, and a million characters. */
export function heldAfter(
  sql: SqlStorage,
  [number, rev]: readonly [number: number, rev: number],
  limit: number,
): { held: HeldMessage[]; more: boolean } {
  const rows = sql.exec<{ number: number; rev: number; message: string }>(
    "SELECT * FROM held WHERE (number, rev) > (?, ?) ORDER BY number, rev LIMIT ?",
    ...[number, rev, limit],
  );
  const held: HeldMessage[] = [];
  let length = 0;
  for (const row of rows) {
    length += row.message.length;
    if (length > MAX_LENGTH && held.length > 0) return { held, more: true };
    held.push(row);
  }
  return { held, more: held.length === limit };
}
