import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";

/** Links to archives: whoever has one may download it, for a day. */

/** The path of archives. */
export const ARCHIVES_PATH = "/api/exports/";

const VALID_MS = 24 * 60 * 60_000;
/** What is signed begins with it, so that no signature of a file is one of an archive. */
const PURPOSE = "parley archive";

export interface ArchiveLink {
  url: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** A link to the archive of a job, signed with the first secret. */
export function archiveLink(
  secrets: readonly string[],
  baseUrl: string,
  jobId: string,
  now: number,
): ArchiveLink {
  const expires = String(Math.floor((now + VALID_MS) / 1_000));
  const signature = sign(secrets[0] ?? "", jobId, expires);
  const url = `${baseUrl}${ARCHIVES_PATH}${jobId}?expires=${expires}&signature=${signature}`;
  return { url, expiresAt: Number(expires) * 1_000 };
}

/** Whether a link to the archive of a job is valid: neither altered nor expired. */
export function isValidLink(
  secrets: readonly string[],
  jobId: string,
  query: URLSearchParams,
  now: number,
): boolean {
  const expires = query.get("expires") ?? "";
  const signature = Buffer.from(query.get("signature") ?? "");
  if (!/^\d{1,12}$/.test(expires) || Number(expires) * 1_000 <= now) return false;
  return secrets.some((secret) => {
    const expected = Buffer.from(sign(secret, jobId, expires));
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  });
}

function sign(secret: string, jobId: string, expires: string): string {
  return createHmac("sha256", secret)
    .update(`${PURPOSE}\n${jobId}\n${expires}`)
    .digest("base64url");
}
