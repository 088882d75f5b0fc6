import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Attachment } from "../domain/attachment.ts";
import { isShownInline } from "../domain/attachment.ts";

/** The path of files. */
export const FILES_PATH = "/uploads/chat/";

/** The minimum validity of a link. */
const VALID_MS = 24 * 60 * 60_000;
/** Links made within the same hour are equal, so that caches can reuse the file. */
const ROUND_MS = 60 * 60_000;

/** Signatures kept, of about 100 characters each with its key. */
const MAX_SIGNATURES = 2_000;

/** The hour in which links are equal, as a number: links of a file made in another one differ. */
export function linkPeriod(now: number): number {
  return Math.floor(now / ROUND_MS);
}

export type Disposition = "inline" | "attachment";

/** Signs links to files with the first secret; any of them verifies. */
export class Links {
  private readonly signatures: Signatures;
  private readonly baseUrl: string;

  constructor(secrets: readonly string[], baseUrl: string) {
    this.signatures = signaturesBy(secrets);
    this.baseUrl = baseUrl;
  }

  /** An absolute link to a file, valid without a token. */
  linkTo({ key, mimeType }: Pick<Attachment, "key" | "mimeType">, now: number): string {
    const expires = (linkPeriod(now) + 1) * ROUND_MS + VALID_MS;
    const disposition: Disposition = isShownInline(mimeType) ? "inline" : "attachment";
    const seconds = String(expires / 1_000);
    const signature = this.signatures.of(key, seconds, disposition);
    const query = `expires=${seconds}&disposition=${disposition}&signature=${signature}`;
    return `${this.baseUrl}${FILES_PATH}${key}?${query}`;
  }
}

/** The disposition of a valid link; `undefined` if it is malformed, altered or expired. */
export function verifiedLink(
  secrets: readonly string[],
  key: string,
  query: URLSearchParams,
  now: number,
): Disposition | undefined {
  const expires = query.get("expires") ?? "";
  const disposition = query.get("disposition") ?? "";
  const signature = Buffer.from(query.get("signature") ?? "");
  if (disposition !== "inline" && disposition !== "attachment") return undefined;
  if (!/^\d{1,12}$/.test(expires) || Number(expires) * 1_000 <= now) return undefined;
  const good = secrets.some((secret) => {
    const expected = Buffer.from(sign(secret, key, expires, disposition));
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  });
  return good ? disposition : undefined;
}

/** The key in a link to a file, on any origin; the query is ignored. */
export function keyIn(link: string): string | undefined {
  const path = URL.canParse(link) ? new URL(link).pathname : link.split("?")[0];
  if (!path?.startsWith(FILES_PATH)) return undefined;
  const key = path.slice(FILES_PATH.length);
  return isKey(key) ? key : undefined;
}

export function isKey(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[a-z0-9]{1,10}$/.test(text);
}

/**
 * Signatures with the first secret. Those of links that expire at the same time are kept, at most
 * {@link MAX_SIGNATURES} of them.
 */
class Signatures {
  private readonly secret: string;
  private readonly known = new Map<string, string>();
  private expires = "";

  constructor(secret: string) {
    this.secret = secret;
  }

  of(key: string, expires: string, disposition: Disposition): string {
    const name = `${key} ${disposition}`;
    const known = this.expires === expires ? this.known.get(name) : undefined;
    if (known !== undefined) return known;
    if (this.expires !== expires || this.known.size >= MAX_SIGNATURES) this.known.clear();
    this.expires = expires;
    const signature = sign(this.secret, key, expires, disposition);
    this.known.set(name, signature);
    return signature;
  }
}

const signatures = new WeakMap<readonly string[], Signatures>();

/** The signature cache of a set of secrets, shared by all requests and conversations of the isolate. */
function signaturesBy(secrets: readonly string[]): Signatures {
  let known = signatures.get(secrets);
  if (!known) {
    known = new Signatures(secrets[0] ?? "");
    signatures.set(secrets, known);
  }
  return known;
}

function sign(secret: string, key: string, expires: string, disposition: string): string {
  return createHmac("sha256", secret)
    .update(`${key}\n${expires}\n${disposition}`)
    .digest("base64url");
}
