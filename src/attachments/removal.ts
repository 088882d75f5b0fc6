import type { Directory } from "../directory/directory.ts";
import { deleteUploads } from "../directory/uploads.ts";

export interface Removable {
  key: string;
  /** Of a multipart upload that may be in progress. */
  r2UploadId: string | null;
}

/**
 * Removes files from R2, complete or multipart, and then their rows, so that an interrupted removal
 * can be repeated.
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
  // Including completed multipart uploads, which are objects now.
  await bucket.delete(keys);
  await deleteUploads(directory, keys);
}

/** Ignores R2's error 10024: the multipart upload was completed or aborted before. */
function ignoreMissing(error: unknown): void {
  if (!String(error).includes("10024")) throw error;
}
