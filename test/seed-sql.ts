/** Statements that write a large conversation directly into its object's storage. */

const SEEDED_ID = "'seed-' || substr('00000' || i, -6)";

/** Marks everything as projected to D1, so that no projection is counted. */
const PROJECTED = "UPDATE counters SET projected_rev = rev";

function numbers(count: number): string {
  return `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
}

/** Adds members to a conversation without reads. */
export function membersSql(count: number): string[] {
  return [
    `${numbers(count)}
    INSERT INTO members (user_id, role, joined_at, archived, read_up_to, read_beyond, rev)
    SELECT ${SEEDED_ID}, 'member', i, 0, 0, 0, (SELECT rev FROM counters) + i FROM n`,
    `UPDATE counters SET rev = rev + ${count}, member_count = member_count + ${count}`,
    PROJECTED,
  ];
}

/** Adds messages of one sender to a conversation without messages. */
export function messagesSql(count: number, by: string): string[] {
  return [
    `${numbers(count)}
    INSERT INTO messages (number, rev, created_rev, sender_id, kind, content, created_at)
    SELECT i, rev + i, rev + i, '${by}', 'text', 'm' || i, i FROM n, counters`,
    `UPDATE counters SET rev = rev + ${count}, last_number = ${count}, counted = ${count},
       last_counted = ${count}`,
    // For their sender they are read.
    `UPDATE members SET read_beyond = ${count} WHERE user_id = '${by}'`,
    PROJECTED,
  ];
}

/** Bytes of a statement: SQLite in objects takes 100 KB. */
const MAX_STATEMENT_BYTES = 60_000;

/** Adds messages with these texts, of one sender, to a conversation without messages; one second apart. */
export function textsSql(texts: readonly string[], by: string): string[] {
  const statements: string[] = [];
  let rows: [number, string][] = [];
  let bytes = 0;
  const end = () => {
    const json = JSON.stringify(rows).replaceAll("'", "''");
    statements.push(`INSERT INTO messages (number, rev, created_rev, sender_id, kind, content, created_at)
      SELECT value ->> 0, rev + (value ->> 0), rev + (value ->> 0), '${by}', 'text', value ->> 1,
        1790000000000 + 1000 * (value ->> 0) FROM json_each('${json}'), counters`);
    rows = [];
    bytes = 0;
  };
  for (const [index, text] of texts.entries()) {
    rows.push([index + 1, text]);
    bytes += new TextEncoder().encode(text).length + 16;
    if (bytes > MAX_STATEMENT_BYTES) end();
  }
  if (rows.length > 0) end();
  const count = texts.length;
  return [
    ...statements,
    `UPDATE counters SET rev = rev + ${count}, last_number = ${count}, counted = ${count},
       last_counted = ${count}`,
    `UPDATE members SET read_beyond = ${count} WHERE user_id = '${by}'`,
    PROJECTED,
  ];
}

/** Marks the first messages as deleted; none of them is by a member who has read anything. */
export function uncountedSql(upTo: number): string[] {
  return [
    `UPDATE messages SET content = '', deleted_at = 1 WHERE number <= ${upTo}`,
    `INSERT INTO uncounted SELECT number FROM messages WHERE number <= ${upTo}`,
    `UPDATE members SET read_beyond = max(0, read_beyond - ${upTo})`,
    `UPDATE counters SET counted = max(0, counted - ${upTo}),
       last_counted = iif(last_counted > ${upTo}, last_counted, 0)`,
  ];
}

/**
 * Marks message 1 as read by the seeded members, in an order that is neither that of their ids nor
 * that of revisions: member `i` at second `i * 7919 % count`.
 */
export function readersSql(count: number): string[] {
  return [
    `${numbers(count)}
    INSERT INTO reads (rev, user_id, from_number, to_number, read_at, ahead)
    SELECT rev + i, ${SEEDED_ID}, 1, 1, (i * 7919 % ${count}) * 1000, 0 FROM n, counters`,
    "UPDATE members SET read_up_to = 1 WHERE user_id LIKE 'seed-%'",
    `UPDATE counters SET rev = rev + ${count}`,
    PROJECTED,
  ];
}

/** Marks every second message of many as read by one member, each separately. */
export function scatteredReadsSql(by: string, upTo: number): string[] {
  const count = Math.floor(upTo / 2);
  return [
    `${numbers(count)}
    INSERT INTO reads (rev, user_id, from_number, to_number, read_at, ahead)
    SELECT rev + i, '${by}', i * 2, i * 2, i, 1 FROM n, counters`,
    `UPDATE members SET read_beyond = ${count} WHERE user_id = '${by}'`,
    `UPDATE counters SET rev = rev + ${count}`,
    PROJECTED,
  ];
}
