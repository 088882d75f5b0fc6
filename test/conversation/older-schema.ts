/** What undoes each step of the schema. */
const UNDO: Readonly<Record<number, readonly string[]>> = {
  14: [
    "ALTER TABLE conversation DROP COLUMN retention_days",
    "ALTER TABLE conversation DROP COLUMN retention_by_admin",
    "ALTER TABLE counters DROP COLUMN purged_to",
    "ALTER TABLE conversation DROP COLUMN epoch_rev",
    "ALTER TABLE conversation DROP COLUMN epoch_by",
    "ALTER TABLE conversation DROP COLUMN unswept",
    "ALTER TABLE conversation DROP COLUMN erased_at",
    "ALTER TABLE conversation DROP COLUMN fence",
    ...["DROP TABLE holds", "DROP TABLE held"],
  ],
  13: ["ALTER TABLE listeners DROP COLUMN visible"],
  12: ["DROP INDEX requests", "ALTER TABLE members DROP COLUMN request"],
  11: [
    "ALTER TABLE messages DROP COLUMN deleted_by",
    "ALTER TABLE conversation DROP COLUMN slow_mode",
    "ALTER TABLE conversation DROP COLUMN locked",
    "ALTER TABLE conversation DROP COLUMN pins",
    "ALTER TABLE members DROP COLUMN muted_until",
    ...["DROP TABLE bans", "DROP TABLE paced", "DROP TABLE audit"],
  ],
  10: ["DROP TABLE blocks"],
  9: [
    "ALTER TABLE messages DROP COLUMN silent",
    "ALTER TABLE mentions DROP COLUMN rev",
    "ALTER TABLE armed DROP COLUMN interest",
  ],
  8: ["ALTER TABLE messages DROP COLUMN mentions", "DROP TABLE mentions", "DROP TABLE unmentioned"],
  7: ["DROP TABLE armed"],
  6: ["ALTER TABLE counters DROP COLUMN figures"],
  5: ["DROP TRIGGER uncounted_added"],
  4: ["DROP TABLE uncounted_blocks", "ALTER TABLE messages DROP COLUMN clock_at"],
};

/** Leaves a conversation's tables as the version left them whose last step was `step`. */
export function backToStep(sql: SqlStorage, step: number): void {
  const done = sql.exec<{ done: number }>("SELECT max(step) AS done FROM schema_steps").one().done;
  for (let undone = done; undone > step; undone--) {
    const statements = UNDO[undone];
    if (!statements) throw new Error(`nothing undoes step ${undone}`);
    for (const statement of statements) sql.exec(statement);
  }
  sql.exec("DELETE FROM schema_steps WHERE step > ?", step);
}
