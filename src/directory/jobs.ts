import { and, desc, eq, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { Act } from "../domain/act.ts";
import type { JobKind, JobOrder, JobState, JobView } from "../domain/job.ts";
import { rowOf } from "./audit.ts";
import type { Directory } from "./directory.ts";
import { audit, isUnfinishedJob, jobs } from "./schema.ts";

/** Jobs in D1: what was asked for, and how far each was when its object last said so. */

/** Unfinished jobs at a time; those that spread a legal hold are not counted, and wait for no others. */
export const MAX_UNFINISHED_JOBS = 20;
/** How long a job is listed, from its beginning. */
const LISTED_MS = 90 * 24 * 3_600_000;
/** Rows that one sweep deletes at most. */
const MAX_SWEPT = 500;

/**
 * Adds a job and the act of whoever started it, together. Whether it was added: `running`: there is an unfinished
 * one of its kind and target; `many`: there are too many.
 */
export async function addJob(
  directory: Directory,
  { id, kind, target, params, createdBy, createdRole, createdAt }: JobOrder,
  act?: Act,
): Promise<"added" | "running" | "many"> {
  const same = sql`SELECT 1 FROM ${jobs} WHERE ${isUnfinishedJob(jobs)}
    AND ${jobs.kind} = ${kind} AND ${jobs.target} IS ${target}`;
  const unfinished = sql`SELECT count(*) FROM ${jobs} WHERE ${isUnfinishedJob(jobs)}
    AND ${jobs.kind} <> 'legal-hold'`;
  const insert = sql`INSERT INTO ${jobs}
      (id, kind, target, state, params, done, created_by, created_role, created_at, changed_at)
    SELECT ${id}, ${kind}, ${target}, 'running', ${JSON.stringify(params)}, 0, ${createdBy},
      ${createdRole}, ${createdAt}, ${createdAt}
    WHERE NOT EXISTS (${same})
      AND (${kind} = 'legal-hold' OR (${unfinished}) < ${MAX_UNFINISHED_JOBS})`;
  const record = sql`INSERT INTO ${audit} SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
      value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9
    FROM json_each(${JSON.stringify(act ? [rowOf(act)] : [])})
    WHERE EXISTS (SELECT 1 FROM ${jobs} WHERE ${jobs.id} = ${id})`;
  const [added] = await directory.$client.batch([
    statementOf(directory, insert),
    statementOf(directory, record),
  ]);
  if (added && added.meta.changes > 0) return "added";
  return (await directory.all(same)).length > 0 ? "running" : "many";
}

/** A statement that is not carried out yet. */
function statementOf(directory: Directory, query: SQL): D1PreparedStatement {
  const { sql: text, params } = directory.run(query).getQuery();
  return directory.$client.prepare(text).bind(...params);
}

/** Whether anybody is being erased. */
export async function isErasing(directory: Directory): Promise<boolean> {
  const erasing = sql`SELECT 1 FROM ${jobs} WHERE ${isUnfinishedJob(jobs)}
    AND ${jobs.kind} = 'erase-user' LIMIT 1`;
  return (await directory.all(erasing)).length > 0;
}

/**
 * Stores how far a job is. An older state changes nothing, and nothing changes a final one. A row that was lost is
 * written anew.
 */
export async function reportJob(
  directory: Directory,
  view: JobView,
  { params, createdRole }: JobOrder,
): Promise<void> {
  const { id, kind, target, createdBy, createdAt } = view;
  const { state, done, total, changedAt, finishedAt, error } = view;
  const result = view.result && JSON.stringify(view.result);
  await directory.run(sql`
    INSERT INTO ${jobs}
      (id, kind, target, state, params, done, total, result, error, created_by, created_role,
       created_at, changed_at, finished_at)
    VALUES (${id}, ${kind}, ${target}, ${state}, ${JSON.stringify(params)}, ${done}, ${total},
      ${result}, ${error}, ${createdBy}, ${createdRole}, ${createdAt}, ${changedAt}, ${finishedAt})
    ON CONFLICT (id) DO UPDATE SET
      state = excluded.state, done = excluded.done, total = excluded.total,
      result = excluded.result, error = excluded.error,
      changed_at = excluded.changed_at, finished_at = excluded.finished_at
    WHERE ${isUnfinishedJob(jobs)} AND excluded.changed_at >= ${jobs.changedAt}`);
}

/** Stores how a job has ended, of which its object knows no more, where D1 still shows it as unfinished. */
export async function finishReportedJob(directory: Directory, view: JobView): Promise<void> {
  const { id, state, done, total, error, changedAt, finishedAt } = view;
  const result = view.result && JSON.stringify(view.result);
  await directory
    .update(jobs)
    .set({ ...{ state, done, total, result, error, changedAt, finishedAt } })
    .where(and(eq(jobs.id, id), isUnfinishedJob(jobs)));
}

/** A job as D1 has it. */
export interface ListedJob {
  order: JobOrder;
  view: JobView;
}

export async function jobById(directory: Directory, id: string): Promise<ListedJob | undefined> {
  const [row] = await directory.select().from(jobs).where(eq(jobs.id, id));
  return row && fromRow(row);
}

/** The job of a kind that was started last, of those that are or were carried out. */
export async function latestJob(
  directory: Directory,
  kind: JobKind,
): Promise<ListedJob | undefined> {
  const [row] = await directory
    .select()
    .from(jobs)
    .where(and(sql`${jobs.kind} = ${kind}`, inArray(jobs.state, ["running", "done"])))
    .orderBy(desc(jobs.createdAt), desc(jobs.id))
    .limit(1);
  return row && fromRow(row);
}

/** Where a page of jobs ends. */
export interface JobPlace {
  createdAt: number;
  id: string;
}

/** Jobs that fit a filter, the newest first. */
export async function jobsThat(
  directory: Directory,
  filter: { state?: JobState | undefined; kind?: string | undefined; target?: string | undefined },
  { behind, limit }: { behind: JobPlace | undefined; limit: number },
): Promise<JobView[]> {
  const { state, kind, target } = filter;
  const rows = await directory
    .select()
    .from(jobs)
    .where(
      and(
        state && eq(jobs.state, state),
        kind === undefined ? undefined : sql`${jobs.kind} = ${kind}`,
        target === undefined ? undefined : eq(jobs.target, target),
        behind && sql`(${jobs.createdAt}, ${jobs.id}) < (${behind.createdAt}, ${behind.id})`,
      ),
    )
    .orderBy(desc(jobs.createdAt), desc(jobs.id))
    .limit(limit);
  return rows.map((row) => fromRow(row).view);
}

/** Unfinished jobs of which D1 has heard nothing since a time. */
export async function silentJobs(directory: Directory, before: number): Promise<ListedJob[]> {
  const rows = await directory
    .select()
    .from(jobs)
    .where(and(isUnfinishedJob(jobs), lt(jobs.changedAt, before)))
    .limit(MAX_UNFINISHED_JOBS);
  return rows.map(fromRow);
}

/** Deletes some of the jobs that began long ago; not while an archive of theirs is in R2. */
export async function deleteOldJobs(directory: Directory, now: number): Promise<void> {
  const hasArchive = sql`${jobs.kind} IN ('export-conversation', 'export-user')
    AND ${jobs.state} = 'done' AND ${jobs.sweptAt} IS NULL`;
  const old = directory
    .select({ id: jobs.id })
    .from(jobs)
    .where(
      and(
        lt(jobs.createdAt, now - LISTED_MS),
        sql`NOT (${isUnfinishedJob(jobs)})`,
        sql`NOT (${hasArchive})`,
      ),
    )
    .orderBy(jobs.createdAt)
    .limit(MAX_SWEPT);
  await directory.delete(jobs).where(inArray(jobs.id, old));
}

function fromRow(row: typeof jobs.$inferSelect): ListedJob {
  const { id, kind, target, createdBy, createdRole, createdAt } = row;
  const { state, done, total, error, changedAt, finishedAt } = row;
  const order = { id, kind, target, createdBy, createdAt };
  const result = row.result === null ? null : JSON.parse(row.result);
  return {
    order: { ...order, createdRole, params: JSON.parse(row.params) },
    view: { ...order, state, done, total, result, error, changedAt, finishedAt },
  };
}
