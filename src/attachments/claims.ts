import type { Directory } from "../directory/directory.ts";
import { claimUploads, releaseClaim, type UploadRow, uploadsOf } from "../directory/uploads.ts";
import type { Attachment } from "../domain/attachment.ts";
import { fail, ok, type Result } from "../domain/error.ts";

/** A younger claim belongs to a send in progress; an older one may be left over from a crash. */
const IN_FLIGHT_MS = 10_000;

export interface ClaimRequest {
  directory: Directory;
  ownerId: string;
  conversationId: string;
  keys: readonly string[];
  now: number;
  /** The claim to make: a new one. */
  claim: string;
  /** Claims of earlier attempts of this send, which are over: they are voided however young they are. */
  earlierClaims?: readonly string[];
  /**
   * Asks a conversation to void a claim: true if no message has its files and none ever will, false
   * if one has.
   */
  voidClaim(conversationId: string, claim: string): Promise<boolean>;
}

/** Files reserved for one send. */
export interface Claimed {
  claim: string;
  attachments: Attachment[];
}

/**
 * Reserves uploads for one send: only their owner's, completely stored and never sent. An old
 * claim, which a crash may have left, is first voided by the conversation that it was made for. So
 * neither the file nor the right to send it is lost, and no file is sent twice.
 */
export async function claimFiles(request: ClaimRequest): Promise<Result<Claimed>> {
  const { directory, ownerId, conversationId, now, claim, earlierClaims = [] } = request;
  const keys = [...new Set(request.keys)];
  const rows = new Map((await uploadsOf(directory, keys)).map((row) => [row.key, row]));
  const found = keys.flatMap((key) => rows.get(key) ?? []);
  const sendable = found.filter((row) => isSendable(row, ownerId));
  if (sendable.length < request.keys.length) return fail("unknown_attachments");

  const voided = new Set<string>();
  for (const { claim: other, claimedBy, claimedAt } of sendable) {
    if (other === null || claimedBy === null || voided.has(other)) continue;
    const isOver = earlierClaims.includes(other) || now - (claimedAt ?? 0) >= IN_FLIGHT_MS;
    if (!isOver) return fail("attachments_busy");
    if (!(await request.voidClaim(claimedBy, other))) return fail("unknown_attachments");
    voided.add(other);
  }
  const got = await claimUploads(directory, { claim, conversationId, ownerId, keys, now }, [
    ...voided,
  ]);
  if (got < keys.length) {
    if (got > 0) await releaseClaim(directory, claim);
    return fail("attachments_busy");
  }
  return ok({ claim, attachments: sendable.map(attachmentOf) });
}

function isSendable(row: UploadRow, ownerId: string): boolean {
  return (
    row.ownerId === ownerId &&
    row.storedAt !== null &&
    row.sentTo === null &&
    row.deletedAt === null
  );
}

/** The attachment of an upload. */
export function attachmentOf(row: UploadRow): Attachment {
  return {
    key: row.key,
    name: row.name,
    mimeType: row.mimeType,
    size: row.size ?? 0,
    ...(row.width !== null && row.height !== null && { width: row.width, height: row.height }),
  };
}
