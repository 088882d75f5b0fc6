import { and, asc, inArray, isNull, lt, sql } from "drizzle-orm";
import type { Directory } from "../../directory/directory.ts";
import { jobs } from "../../directory/schema.ts";
import { log } from "../../logging.ts";
import { archiveKey } from "./upload.ts";

/** How long an archive is kept, from the end of its job. */
export const ARCHIVE_KEPT_MS = 7 * 24 * 60 * 60_000;
/** Archives of one run at most: R2 deletes so many in one call. */
const MAX_SWEPT = 1_000;

/**
 * Removes archives whose jobs ended seven days ago, and what cancelled and failed ones may have left, of which
 * nothing is known to be there. At most 1,000 in one run, with two statements and one call; the next run goes on.
 * Resolves to how many were removed.
 */
export async function sweepArchives(
  directory: Directory,
  bucket: R2Bucket,
  now: number,
): Promise<number> {
  const old = await directory
    .select({ id: jobs.id })
    .from(jobs)
    .where(and(isUnswept(), lt(jobs.finishedAt, now - ARCHIVE_KEPT_MS)))
    .orderBy(asc(jobs.finishedAt))
    .limit(MAX_SWEPT);
  if (old.length === 0) return 0;
  const ids = old.map(({ id }) => id);
  try {
    await bucket.delete(ids.map(archiveKey));
  } catch (error) {
    log("sweep_failed", { keys: ids.map(archiveKey), error });
    return 0;
  }
  await directory
    .update(jobs)
    .set({ sweptAt: now })
    .where(inArray(jobs.id, sql`(SELECT value FROM json_each(${JSON.stringify(ids)}))`));
  return ids.length;
}

/** Literals rather than parameters, so that SQLite uses the index `jobs_unswept`. */
function isUnswept() {
  return and(sql`${jobs.kind} IN ('export-conversation', 'export-user')`, isNull(jobs.sweptAt));
}
