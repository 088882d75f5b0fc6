import { z } from "zod";
import { ERRORS, type ErrorCode } from "../domain/error.ts";
import { JOB_STATES, type JobOrder } from "../domain/job.ts";
import { PLATFORM_ROLES } from "../domain/policy.ts";
import type { Progress } from "./progress.ts";

/** The one row of a job's object: what was asked for, and how far it is. */
export interface StoredJob {
  order: JobOrder;
  progress: Progress;
  /** `changedAt` of the newest progress that D1 is known to have; 0: of none. */
  reported: number;
  /** D1 has the final state, and what is not needed any more was removed: `params` and tables of the kind. */
  isTrimmed: boolean;
}

const order: z.ZodType<JobOrder> = z.object({
  id: z.string(),
  kind: z.string(),
  target: z.string().nullable(),
  params: z.unknown(),
  createdBy: z.string(),
  createdRole: z.enum(PLATFORM_ROLES),
  createdAt: z.number(),
});

const progress: z.ZodType<Progress> = z.object({
  state: z.enum(JOB_STATES),
  step: z.object({ state: z.unknown() }).nullable(),
  done: z.number(),
  total: z.number().nullable(),
  result: z.record(z.string(), z.unknown()).nullable(),
  // A code of a later version is shown as `internal`.
  error: z
    .string()
    .transform((code): ErrorCode => (code in ERRORS ? (code as ErrorCode) : "internal"))
    .nullable(),
  failures: z.number(),
  failingSince: z.number().nullable(),
  changedAt: z.number(),
  finishedAt: z.number().nullable(),
});

/** Its table. The tables of a kind have other names. */
export class JobTable {
  private readonly storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.storage = storage;
  }

  /** `undefined`: there is no job here. Stores nothing. */
  read(): StoredJob | undefined {
    const { sql } = this.storage;
    const exists = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'job'").toArray().length > 0;
    if (!exists) return undefined;
    const [row] = sql
      .exec<{ ordered: string; progress: string; reported: number; trimmed: number }>(
        "SELECT ordered, progress, reported, trimmed FROM job",
      )
      .toArray();
    if (!row) return undefined;
    return {
      order: order.parse(JSON.parse(row.ordered)),
      progress: progress.parse(JSON.parse(row.progress)),
      reported: row.reported,
      isTrimmed: row.trimmed === 1,
    };
  }

  create(ordered: JobOrder, first: Progress): void {
    this.storage.transactionSync(() => {
      this.storage.sql.exec(
        `CREATE TABLE job (
           only INTEGER PRIMARY KEY CHECK (only = 1),
           ordered TEXT NOT NULL,
           progress TEXT NOT NULL,
           reported INTEGER NOT NULL,
           trimmed INTEGER NOT NULL
         )`,
      );
      this.storage.sql.exec(
        "INSERT INTO job VALUES (1, ?, ?, 0, 0)",
        JSON.stringify(ordered),
        JSON.stringify(first),
      );
    });
  }

  setProgress(to: Progress): void {
    this.storage.sql.exec("UPDATE job SET progress = ?", JSON.stringify(to));
  }

  setReported(changedAt: number): void {
    this.storage.sql.exec("UPDATE job SET reported = ?", changedAt);
  }

  /** Removes what a job that has ended does not need: whom it concerns, and the tables of its kind. */
  trim({ order: ordered }: StoredJob): void {
    const { sql } = this.storage;
    this.storage.transactionSync(() => {
      const rest = { ...ordered, target: null, params: null, createdBy: "" };
      sql.exec("UPDATE job SET ordered = ?, trimmed = 1", JSON.stringify(rest));
      const tables = sql
        .exec<{ name: string }>(
          `SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'job'
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_%' ESCAPE '\\'`,
        )
        .toArray();
      for (const { name } of tables) sql.exec(`DROP TABLE IF EXISTS "${name}"`);
    });
  }
}
