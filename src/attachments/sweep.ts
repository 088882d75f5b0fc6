import type { Directory } from "../directory/directory.ts";
import {
  abandonedUploads,
  forgetUpload,
  releaseClaim,
  type UploadRow,
} from "../directory/uploads.ts";
import type { ClaimRequest } from "./claims.ts";

/** What was not sent within this time is swept. */
export const UNSENT_MS = 24 * 60 * 60_000;
/** Uploads that one step looks at, and steps of one run: the next run goes on where this one ended. */
const BATCH = 100;
const STEPS = 50;

export interface SweepOptions {
  bucket: R2Bucket;
  directory: Directory;
  now: number;
  forfeit: ClaimRequest["forfeit"];
}

/**
 * Removes uploads that were never sent, finished or not, and the files of deleted messages. Each is
 * removed from R2 before its row, so that a run that is cut off leaves a row to find it by. Resolves to
 * how many were removed.
 */
export async function sweep({ bucket, directory, now, forfeit }: SweepOptions): Promise<number> {
  let removed = 0;
  for (let step = 0; step < STEPS; step++) {
    const rows = await abandonedUploads(directory, now - UNSENT_MS, BATCH);
    let progress = 0;
    for (const row of rows) {
      if (!(await mayGo(row, directory, forfeit))) continue;
      if (row.r2UploadId !== null) {
        // One that was completed or aborted before cannot be aborted, and is no matter then.
        await bucket
          .resumeMultipartUpload(row.key, row.r2UploadId)
          .abort()
          .catch(() => undefined);
      }
      await bucket.delete(row.key);
      await forgetUpload(directory, row.key);
      progress++;
    }
    removed += progress;
    if (rows.length < BATCH || progress === 0) break;
  }
  return removed;
}

/** One that a send has claimed goes only once its conversation says that it was not used. */
async function mayGo(
  row: UploadRow,
  directory: Directory,
  forfeit: SweepOptions["forfeit"],
): Promise<boolean> {
  if (row.deletedAt !== null || row.claim === null || row.claimedBy === null) return true;
  if (!(await forfeit(row.claimedBy, row.claim))) return false;
  await releaseClaim(directory, row.claim);
  return true;
}
