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

/** What was not sent within this time is swept. */
export const UNSENT_MS = 24 * 60 * 60_000;
/** Uploads that one step looks at, and steps of one run: the next run goes on where this one ended. */
const BATCH = 100;
const STEPS = 50;

export interface SweepOptions {
  bucket: R2Bucket;
  directory: Directory;
  now: number;
  voidClaim: ClaimRequest["voidClaim"];
}

/**
 * Removes uploads that were never sent, finished or not, and the files of deleted messages. Each is
 * condemned first, so that nobody sends it meanwhile, and removed from R2 before its row, so that a run
 * that is cut off leaves a row to find it by. What fails is left to the next run. Resolves to how many
 * were removed.
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
  const condemned = await markForRemoval(directory, keys, now);
  let removed = 0;
  // Together, but for those whose parts R2 has to be asked about one by one.
  const [whole, parted] = [condemned.filter(isWhole), condemned.filter((row) => !isWhole(row))];
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

/** One that a send has claimed goes only once its conversation says that it was not used. */
async function isRemovable(
  { key, deletedAt, claim, claimedBy }: UploadRow,
  directory: Directory,
  forfeit: SweepOptions["voidClaim"],
): Promise<boolean> {
  if (deletedAt !== null || claim === null || claimedBy === null) return true;
  try {
    if (!(await forfeit(claimedBy, claim))) return false;
    await releaseClaim(directory, claim);
    return true;
  } catch (error) {
    log("sweep_failed", { keys: [key], error });
    return false;
  }
}
