import type { Directory } from "../directory/directory.ts";
import {
  abandonedUploads,
  markForRemoval,
  releaseClaim,
  type UploadRow,
} from "../directory/uploads.ts";
import { log } from "../logging.ts";
import type { ClaimRequest } from "./claims.ts";
import { removeFiles } from "./removal.ts";

/** Uploads not sent within this time are swept. */
export const UNSENT_MS = 24 * 60 * 60_000;
/** Uploads of one step, and steps of one run; the next run continues. */
const BATCH = 100;
const STEPS = 50;

export interface SweepOptions {
  bucket: R2Bucket;
  directory: Directory;
  now: number;
  voidClaim: ClaimRequest["voidClaim"];
}

/**
 * Removes unsent uploads, finished or not, and the files of deleted messages. Each is first marked,
 * so that it can no longer be sent, and removed from R2 before its row, so that an interrupted run
 * can be repeated. Failures are left to the next run. Resolves to the number of removed files.
 */
export async function sweep(options: SweepOptions): Promise<number> {
  const { directory, now } = options;
  let removed = 0;
  let last: UploadRow | undefined;
  for (let step = 0; step < STEPS; step++) {
    const rows = await abandonedUploads(directory, now - UNSENT_MS, BATCH, last);
    removed += await sweepBatch(rows, options);
    last = rows.at(-1);
    if (rows.length < BATCH) break;
  }
  return removed;
}

async function sweepBatch(
  rows: readonly UploadRow[],
  { bucket, directory, now, voidClaim }: SweepOptions,
): Promise<number> {
  const keys: string[] = [];
  for (const row of rows) {
    if (await isRemovable(row, directory, voidClaim)) keys.push(row.key);
  }
  const marked = await markForRemoval(directory, keys, now);
  let removed = 0;
  // In one call, except multipart uploads, which R2 aborts one by one.
  const [whole, parted] = [marked.filter(isWhole), marked.filter((row) => !isWhole(row))];
  for (const files of [whole, ...parted.map((row) => [row])]) {
    try {
      await removeFiles(bucket, directory, files);
      removed += files.length;
    } catch (error) {
      log("sweep_failed", { keys: files.map(({ key }) => key), error });
    }
  }
  return removed;
}

function isWhole(row: UploadRow): boolean {
  return row.r2UploadId === null;
}

/** A claimed upload is removable only after its conversation has voided the claim. */
async function isRemovable(
  { key, deletedAt, claim, claimedBy }: UploadRow,
  directory: Directory,
  voidClaim: SweepOptions["voidClaim"],
): Promise<boolean> {
  if (deletedAt !== null || claim === null || claimedBy === null) return true;
  try {
    if (!(await voidClaim(claimedBy, claim))) return false;
    await releaseClaim(directory, claim);
    return true;
  } catch (error) {
    log("sweep_failed", { keys: [key], error });
    return false;
  }
}
