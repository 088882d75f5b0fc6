import type { Directory } from "../../directory/directory.ts";
import { setSwept, unsweptExports } from "../../directory/exported.ts";
import { log } from "../../logging.ts";
import { archiveKey } from "./upload.ts";

/** How long an archive is kept, from the end of its job. */
export const ARCHIVE_KEPT_MS = 7 * 24 * 60 * 60_000;
/** Archives of one run at most: R2 deletes so many in one call. */
const MAX_SWEPT = 1_000;

/**
 * Removes archives whose jobs ended seven days ago, and whatever failed and cancelled ones may have left. At most
 * 1,000 in one run, with two statements and one call of R2; the next run goes on. Resolves to how many jobs it was.
 */
export async function sweepArchives(
  directory: Directory,
  bucket: R2Bucket,
  now: number,
): Promise<number> {
  const ids = await unsweptExports(directory, now - ARCHIVE_KEPT_MS, MAX_SWEPT);
  if (ids.length === 0) return 0;
  const keys = ids.map(archiveKey);
  try {
    await bucket.delete(keys);
  } catch (error) {
    log("sweep_failed", { keys, error });
    return 0;
  }
  await setSwept(directory, ids, now);
  return ids.length;
}
