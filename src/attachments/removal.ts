import type { Directory } from "../directory/directory.ts";
import { deleteUploads } from "../directory/uploads.ts";

export interface Removable {
  key: string;
  /** Of a multipart upload that may be under way. */
  r2UploadId: string | null;
}

/**
 * Removes files from R2, whole or in parts, and only then their rows: whatever cuts this off leaves a row
 * to find the rest by.
 */
export async function removeFiles(
  bucket: R2Bucket,
  directory: Directory,
  files: readonly Removable[],
): Promise<void> {
  if (files.length === 0) return;
  for (const { key, r2UploadId } of files) {
    if (r2UploadId === null) continue;
    await bucket.resumeMultipartUpload(key, r2UploadId).abort().catch(ignoreMissing);
  }
  const keys = files.map(({ key }) => key);
  // Those that were put together as well: a completed upload is none any more, but an object.
  await bucket.delete(keys);
  await deleteUploads(directory, keys);
}

/** R2 no longer knows a multipart upload that was completed or aborted (error 10024). */
function ignoreMissing(error: unknown): void {
  if (!String(error).includes("10024")) throw error;
}
