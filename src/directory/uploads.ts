import { and, eq, inArray, isNotNull, isNull, lt, not, or, type SQL, sql } from "drizzle-orm";
import type { Attachment } from "../domain/attachment.ts";
import type { Directory } from "./directory.ts";
import { uploadIsHeld } from "./legal-holds.ts";
import { uploads } from "./schema.ts";

/** The row of an upload. */
export type UploadRow = typeof uploads.$inferSelect;

/** Inserts the row of a file, before any of it is in R2. */
export async function beginUpload(
  directory: Directory,
  attachment: Attachment,
  ownerId: string,
  r2UploadId: string | null,
  now: number,
): Promise<void> {
  const { key, name, mimeType, width, height } = attachment;
  await directory.insert(uploads).values({
    key,
    ownerId,
    name,
    mimeType,
    width: width ?? null,
    height: height ?? null,
    r2UploadId,
    createdAt: now,
  });
}

/** Marks a file as completely stored in R2. False: its row was removed meanwhile. */
export async function finishUpload(
  directory: Directory,
  { key, size }: Attachment,
  now: number,
): Promise<boolean> {
  const rows = await directory
    .update(uploads)
    .set({ size, storedAt: now, r2UploadId: null })
    .where(eq(uploads.key, key))
    .returning({ key: uploads.key });
  return rows.length > 0;
}

export async function deleteUploads(directory: Directory, keys: readonly string[]): Promise<void> {
  await directory.delete(uploads).where(inArray(uploads.key, listed(keys)));
}

export async function uploadOf(directory: Directory, key: string): Promise<UploadRow | undefined> {
  const [row] = await directory.select().from(uploads).where(eq(uploads.key, key));
  return row;
}

export function uploadsOf(directory: Directory, keys: readonly string[]): Promise<UploadRow[]> {
  return directory
    .select()
    .from(uploads)
    .where(inArray(uploads.key, listed(keys)));
}

export interface Claim {
  claim: string;
  conversationId: string;
  ownerId: string;
  keys: readonly string[];
  now: number;
}

/**
 * Reserves stored, unsent files of one owner for one send, in one conditional update. `void` claims
 * are known never to be used. Resolves to the number of files reserved.
 */
export async function claimUploads(
  directory: Directory,
  { claim, conversationId, ownerId, keys, now }: Claim,
  voided: readonly string[],
): Promise<number> {
  const result = await directory
    .update(uploads)
    .set({ claim, claimedBy: conversationId, claimedAt: now })
    .where(
      and(
        inArray(uploads.key, listed(keys)),
        eq(uploads.ownerId, ownerId),
        isNotNull(uploads.storedAt),
        isNull(uploads.sentTo),
        isNull(uploads.deletedAt),
        or(isNull(uploads.claim), inArray(uploads.claim, listed(voided))),
      ),
    );
  return result.meta.changes;
}

/** Releases the files of a claim whose send was refused. */
export async function releaseClaim(directory: Directory, claim: string): Promise<void> {
  await directory
    .update(uploads)
    .set({ claim: null, claimedBy: null, claimedAt: null })
    .where(and(eq(uploads.claim, claim), isNull(uploads.sentTo)));
}

/** Unsent uploads and those of deleted messages, oldest first, after a given one; none that a legal hold keeps. */
export function abandonedUploads(
  directory: Directory,
  before: number,
  limit: number,
  after: Pick<UploadRow, "createdAt" | "key"> | undefined,
): Promise<UploadRow[]> {
  return directory
    .select()
    .from(uploads)
    .where(
      and(
        or(
          isNotNull(uploads.deletedAt),
          and(isNull(uploads.sentTo), lt(uploads.createdAt, before)),
        ),
        not(uploadIsHeld(uploads)),
        after && sql`(${uploads.createdAt}, ${uploads.key}) > (${after.createdAt}, ${after.key})`,
      ),
    )
    .orderBy(uploads.createdAt, uploads.key)
    .limit(limit);
}

/**
 * Marks uploads for removal, so that they can no longer be sent or served: those that no send has
 * reserved meanwhile, and those of deleted messages. Resolves to the marked ones.
 */
export function markForRemoval(
  directory: Directory,
  keys: readonly string[],
  now: number,
): Promise<UploadRow[]> {
  return directory
    .update(uploads)
    .set({ deletedAt: sql`coalesce(${uploads.deletedAt}, ${now})` })
    .where(
      and(
        inArray(uploads.key, listed(keys)),
        or(isNotNull(uploads.deletedAt), and(isNull(uploads.sentTo), isNull(uploads.claim))),
        not(uploadIsHeld(uploads)),
      ),
    )
    .returning();
}

function listed(values: readonly string[]): SQL {
  return sql`(SELECT value FROM json_each(${JSON.stringify(values)}))`;
}
