/**
 * The numbers of uncounted messages: deleted ones and system messages. A second table has the count
 * of each block of {@link BLOCK} numbers, so that counting reads at most one block and one row for
 * each other block, however many messages were deleted.
 */

/** Numbers of a block, as in `uncounted_blocks` (schema.ts). */
const BLOCK = 256;

const blockOf = (number: number) => Math.floor(number / BLOCK);

/** Stores a number. Idempotent; a trigger updates the count of its block. */
export function insertUncounted(sql: SqlStorage, number: number): void {
  sql.exec("INSERT INTO uncounted (number) VALUES (?) ON CONFLICT DO NOTHING", number);
}

export function isUncounted(sql: SqlStorage, number: number): boolean {
  return sql.exec("SELECT 1 FROM uncounted WHERE number = ?", number).toArray().length > 0;
}

/** Uncounted numbers within `from`…`to`, ascending. */
export function uncountedWithin(sql: SqlStorage, from: number, to: number): number[] {
  return sql
    .exec<{ number: number }>(
      "SELECT number FROM uncounted WHERE number BETWEEN ? AND ? ORDER BY number",
      from,
      to,
    )
    .toArray()
    .map((row) => row.number);
}

/** How many uncounted numbers there are within `from`…`to`. */
export function uncountedAmong(sql: SqlStorage, from: number, to: number): number {
  if (to - from < BLOCK) return uncountedWithin(sql, from, to).length;
  // Whole blocks, and the numbers before and after them.
  const first = Math.ceil(from / BLOCK);
  const last = Math.max(first, blockOf(to + 1));
  return sql
    .exec<{ count: number }>(
      `SELECT (SELECT count(*) FROM uncounted WHERE number BETWEEN ?1 AND min(?2, ?3 * ${BLOCK} - 1))
         + (SELECT coalesce(sum(count), 0) FROM uncounted_blocks WHERE block >= ?3 AND block < ?4)
         + (SELECT count(*) FROM uncounted WHERE number BETWEEN ?4 * ${BLOCK} AND ?2) AS count`,
      from,
      to,
      first,
      last,
    )
    .one().count;
}

/** How many uncounted numbers are greater than `number`. */
export function uncountedAfter(sql: SqlStorage, number: number): number {
  const first = blockOf(number) + 1;
  return sql
    .exec<{ count: number }>(
      `SELECT (SELECT count(*) FROM uncounted WHERE number > ?1 AND number < ?2 * ${BLOCK})
         + (SELECT coalesce(sum(count), 0) FROM uncounted_blocks WHERE block >= ?2) AS count`,
      number,
      first,
    )
    .one().count;
}

/** The same for many numbers: each block is read at most once. */
export function uncountedAfterEach(
  sql: SqlStorage,
  numbers: Iterable<number>,
): Map<number, number> {
  const asked = Array.from(new Set(numbers)).sort((a, b) => b - a);
  const lowest = asked.at(-1);
  if (lowest === undefined) return new Map();
  const blocks = sql
    .exec<{ block: number; count: number }>(
      "SELECT block, count FROM uncounted_blocks WHERE block >= ? ORDER BY block DESC",
      blockOf(lowest),
    )
    .toArray();
  const after = new Map<number, number>();
  let total = 0;
  let next = 0;
  for (const { block, count } of blocks) {
    // The remaining numbers lie in later blocks.
    for (; next < asked.length && blockOf(asked[next] ?? 0) > block; next++) {
      after.set(asked[next] ?? 0, total);
    }
    const within: number[] = [];
    while (next + within.length < asked.length) {
      const number = asked[next + within.length] ?? 0;
      if (blockOf(number) < block) break;
      within.push(number);
    }
    next += within.length;
    const low = within.at(-1);
    const there = low === undefined ? [] : uncountedWithin(sql, low + 1, (block + 1) * BLOCK - 1);
    for (const number of within) {
      after.set(number, total + there.filter((other) => other > number).length);
    }
    total += count;
  }
  for (const number of asked.slice(next)) after.set(number, total);
  return after;
}

/** The newest counted number below `number`; 0 for none. */
export function countedBefore(sql: SqlStorage, number: number): number {
  const found = newestCounted(sql, blockOf(number - 1), number - 1);
  if (found !== undefined) return found;
  let block = blockOf(number - 1) - 1;
  const blocks = sql.exec<{ block: number; count: number }>(
    "SELECT block, count FROM uncounted_blocks WHERE block <= ? ORDER BY block DESC",
    block,
  );
  for (const row of blocks) {
    if (row.block !== block || row.count < sizeOf(block)) break;
    block--;
  }
  return newestCounted(sql, block, (block + 1) * BLOCK - 1) ?? 0;
}

/** The newest counted number of a block, up to `upTo`. */
function newestCounted(sql: SqlStorage, block: number, upTo: number): number | undefined {
  const from = Math.max(1, block * BLOCK);
  const rows = sql.exec<{ number: number }>(
    "SELECT number FROM uncounted WHERE number BETWEEN ? AND ? ORDER BY number DESC",
    from,
    upTo,
  );
  let newest = upTo;
  for (const row of rows) {
    if (row.number !== newest) break;
    newest--;
  }
  return newest >= from ? newest : undefined;
}

/** Messages are numbered from 1. */
function sizeOf(block: number): number {
  return block === 0 ? BLOCK - 1 : BLOCK;
}
