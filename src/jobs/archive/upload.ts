import { bytesBetween, type Sources } from "./bytes.ts";

/** Parts of a multipart upload at most: a limit of R2. */
const MAX_PARTS = 10_000;
/** R2 wants parts of equal size, except the last, of at least 5 MiB. */
const MIN_PART_BYTES = 8 * 1024 * 1024;
/** A step holds one part. */
const MAX_PART_BYTES = 16 * 1024 * 1024;
const MEBIBYTE = 1024 * 1024;

/** Bytes of an archive at most: 156 GiB. */
export const MAX_ARCHIVE_BYTES = MAX_PARTS * MAX_PART_BYTES;

/** Where an archive is in R2. */
export function archiveKey(jobId: string): string {
  return `exports/${jobId}.tar`;
}

/** Bytes of a job's archive; `undefined`: there is none, or not yet, or not any more. */
export async function archiveSize(bucket: R2Bucket, jobId: string): Promise<number | undefined> {
  return (await bucket.head(archiveKey(jobId)))?.size;
}

/** Bytes of each part of an archive but the last. */
export function partBytesOf(size: number): number {
  const even = Math.ceil(size / MAX_PARTS / MEBIBYTE) * MEBIBYTE;
  return Math.max(MIN_PART_BYTES, even);
}

/** The id of the upload that was begun; `undefined`: none is known. */
export function uploadIdOf(sql: SqlStorage): string | undefined {
  return sql.exec<{ etag: string }>("SELECT etag FROM export_parts WHERE number = 0").toArray()[0]
    ?.etag;
}

/** Begins an upload, and aborts an earlier one; its id is stored, so that it can be aborted whatever happens. */
export async function beginUpload(sql: SqlStorage, bucket: R2Bucket, key: string): Promise<string> {
  await abortUpload(sql, bucket, key);
  const { uploadId } = await bucket.createMultipartUpload(key, {
    httpMetadata: { contentType: "application/x-tar" },
  });
  sql.exec("INSERT OR REPLACE INTO export_parts (number, etag) VALUES (0, ?)", uploadId);
  return uploadId;
}

/** What is to be uploaded. */
export interface Upload {
  key: string;
  uploadId: string;
  size: number;
  partBytes: number;
}

/**
 * Uploads part `number`, from 1 on. Throws `FileGone` where a file of it is no longer there. The part is held:
 * a stream that breaks off half-way cannot be told from one that has lost R2.
 */
export async function uploadPart(
  sources: Sources,
  { key, uploadId, size, partBytes }: Upload,
  number: number,
): Promise<void> {
  const from = (number - 1) * partBytes;
  const part = new Uint8Array(Math.min(size, from + partBytes) - from);
  let length = 0;
  for await (const chunk of bytesBetween(sources, from, from + part.length)) {
    part.set(chunk, length);
    length += chunk.length;
  }
  if (length !== part.length) throw new Error("an archive is shorter than it was planned");
  const upload = sources.bucket.resumeMultipartUpload(key, uploadId);
  const { etag } = await upload.uploadPart(number, part);
  sources.sql.exec(
    "INSERT OR REPLACE INTO export_parts (number, etag) VALUES (?, ?)",
    ...[number, etag],
  );
}

/** Completes the upload; may be called again once it is complete. */
export async function completeUpload(
  { sql, bucket }: Sources,
  { key, uploadId, size }: Upload,
): Promise<void> {
  if ((await bucket.head(key))?.size === size) return;
  const parts = sql
    .exec<{ number: number; etag: string }>(
      "SELECT number, etag FROM export_parts WHERE number > 0 ORDER BY number",
    )
    .toArray()
    .map(({ number, etag }) => ({ partNumber: number, etag }));
  await bucket.resumeMultipartUpload(key, uploadId).complete(parts);
}

/** Removes whatever R2 has of an archive, finished or not; may be called again. */
export async function removeUpload(sql: SqlStorage, bucket: R2Bucket, key: string): Promise<void> {
  await abortUpload(sql, bucket, key);
  await bucket.delete(key);
}

async function abortUpload(sql: SqlStorage, bucket: R2Bucket, key: string): Promise<void> {
  const uploadId = uploadIdOf(sql);
  if (uploadId === undefined) return;
  const upload = bucket.resumeMultipartUpload(key, uploadId);
  // One that is complete, or was aborted before, cannot be aborted.
  await upload.abort().catch((error: unknown) => {
    if (!isUnknownUpload(error)) throw error;
  });
}

function isUnknownUpload(error: unknown): boolean {
  // R2's code 10024: there is no such upload.
  return error instanceof Error && /10024|does not exist/i.test(error.message);
}
