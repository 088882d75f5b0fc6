/** Messages that one statement looks through. */
const WINDOW = 10_000;

/**
 * Adds the files of the messages in a list to those of the archive, of the next lines behind `after`. The key of
 * the last line; `undefined`: there are no more.
 */
export function collectAttachments(
  sql: SqlStorage,
  list: string,
  after: string,
): string | undefined {
  const window =
    "SELECT key, line FROM export_lines WHERE list = ? AND key > ? ORDER BY key LIMIT ?";
  const { last } = sql
    .exec<{ last: string | null }>(`SELECT max(key) AS last FROM (${window})`, list, after, WINDOW)
    .one();
  if (last === null) return undefined;
  sql.exec(
    `INSERT OR IGNORE INTO export_files (key, name, mime_type, size)
     SELECT value ->> 'key', value ->> 'name', value ->> 'mimeType', value ->> 'size'
     FROM (${window}) AS some CROSS JOIN json_each(some.line, '$.attachments')`,
    ...[list, after, WINDOW],
  );
  return last;
}
