import { z } from "zod";
import type { BlockChange } from "../../directory/blocks.ts";
import { parsed } from "../../domain/stored.ts";

/** What an inbox stores of its user's blocks. Nothing before the user blocks somebody. */

export function createBlockTables(sql: SqlStorage): void {
  sql.exec(`
    -- A block that was lifted stays until everybody has it; progress: null once that is so.
    CREATE TABLE IF NOT EXISTS blocks (
      blocked_id TEXT PRIMARY KEY,
      blocked INTEGER NOT NULL,
      version INTEGER NOT NULL,
      at INTEGER NOT NULL,
      progress TEXT
    ) WITHOUT ROWID;
    -- The version of the last change.
    CREATE TABLE IF NOT EXISTS block_version (
      only INTEGER PRIMARY KEY CHECK (only = 1),
      version INTEGER NOT NULL
    );
  `);
}

/** Reads only. */
export function hasBlockTables(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'blocks'").toArray().length > 0;
}

/**
 * How far a change has got. `directory`: D1 does not have it. `conversations`: the shared conversations up to
 * `after` were called. `unreached`: those that could not be called, and are to be called again.
 */
const progress = z.discriminatedUnion("stage", [
  z.object({ stage: z.literal("directory") }),
  z.object({
    stage: z.literal("conversations"),
    after: z.string(),
    unreached: z.array(z.string()),
  }),
  z.object({ stage: z.literal("unreached"), unreached: z.array(z.string()) }),
]);
export type Progress = z.infer<typeof progress>;

/** Each step may be done twice. */
export const FROM_THE_START: Progress = { stage: "directory" };

/** A block, or one that was lifted; without `progress`, everybody has it. */
export interface StoredBlock extends BlockChange {
  progress: Progress | undefined;
}

export function readBlocks(sql: SqlStorage): StoredBlock[] {
  return sql
    .exec<{
      blocked_id: string;
      blocked: number;
      version: number;
      at: number;
      progress: string | null;
    }>("SELECT * FROM blocks ORDER BY version")
    .toArray()
    .map((row) => ({
      blockedId: row.blocked_id,
      blocked: row.blocked === 1,
      version: row.version,
      at: row.at,
      progress:
        row.progress === null
          ? undefined
          : progress.catch(FROM_THE_START).parse(parsed(row.progress)),
    }));
}

export function putBlock(sql: SqlStorage, block: StoredBlock): void {
  sql.exec(
    "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?)",
    block.blockedId,
    block.blocked ? 1 : 0,
    block.version,
    block.at,
    block.progress === undefined ? null : JSON.stringify(block.progress),
  );
}

export function deleteBlock(sql: SqlStorage, blockedId: string): void {
  sql.exec("DELETE FROM blocks WHERE blocked_id = ?", blockedId);
}

/** Higher than all before, also where the storage was restored to an earlier state. */
export function nextBlockVersion(sql: SqlStorage, now: number): number {
  return sql
    .exec<{ version: number }>(
      `INSERT INTO block_version VALUES (1, ?1)
       ON CONFLICT (only) DO UPDATE SET version = max(version + 1, ?1) RETURNING version`,
      now,
    )
    .one().version;
}
