/** Statements that write a large conversation into its object's storage, as a long life would have. */

const SEEDED_ID = "'seed-' || substr('00000' || i, -6)";

/** D1 is taken to have it all, so that nothing of a seed is counted as work. */
const PROJECTED = "UPDATE counters SET projected_rev = rev";

function numbers(count: number): string {
  return `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
}

/** Adds members to a conversation in which nobody has read anything yet. */
export function membersSql(count: number): string[] {
  return [
    `${numbers(count)}
    INSERT INTO members (user_id, role, joined_at, archived, read_up_to, read_beyond, rev)
    SELECT ${SEEDED_ID}, 'member', i, 0, 0, 0, (SELECT rev FROM counters) + i FROM n`,
    `UPDATE counters SET rev = rev + ${count}, member_count = member_count + ${count}`,
    PROJECTED,
  ];
}

/** Adds messages of one sender to a conversation that has none. */
export function messagesSql(count: number, by: string): string[] {
  return [
    `${numbers(count)}
    INSERT INTO messages (number, rev, created_rev, sender_id, kind, content, created_at)
    SELECT i, rev + i, rev + i, '${by}', 'text', 'm' || i, i FROM n, counters`,
    `UPDATE counters SET rev = rev + ${count}, last_number = ${count}, counted = ${count},
       last_counted = ${count}`,
    // To whoever sent them, they are read.
    `UPDATE members SET read_beyond = ${count} WHERE user_id = '${by}'`,
    PROJECTED,
  ];
}

/** Has the first messages deleted, all of them another's than those who have read anything. */
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
 * Has the seeded members read message 1, in an order that is neither that of their ids nor that of
 * revisions: member `i` at second `i * 7919 % count`.
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

/** Has one member read every other message of many, each by itself. */
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
