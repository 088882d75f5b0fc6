import { sql } from "drizzle-orm";
import type { Directory } from "./directory.ts";

/** The newest file in `migrations/` (a test compares them). */
export const NEWEST_MIGRATION = "0006_administration.sql";

export interface DirectoryHealth {
  /** D1's clock, in milliseconds since the epoch. */
  time: number;
  /** The newest migration that was applied; null where no table of wrangler's says so. */
  appliedMigration: string | null;
}

/** Reads D1's clock, and which migrations it has. */
export async function directoryHealth(directory: Directory): Promise<DirectoryHealth> {
  const [state] = await directory.all<{ time: number; hasList: number }>(sql`
    SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS time,
      (SELECT count(*) FROM sqlite_master WHERE name = 'd1_migrations') AS hasList`);
  if (!state) throw new Error("D1 answers without a row");
  if (state.hasList === 0) return { time: state.time, appliedMigration: null };
  const [newest] = await directory.all<{ name: string | null }>(
    sql`SELECT max(name) AS name FROM d1_migrations`,
  );
  return { time: state.time, appliedMigration: newest?.name ?? null };
}
