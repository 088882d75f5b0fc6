import { create as contentDisposition } from "content-disposition";
import { type Attachment, isShownInline } from "../domain/attachment.ts";
import type { Disposition } from "./links.ts";

/** A file in R2. */
export type StoredFile = Pick<Attachment, "key" | "name" | "mimeType"> & { size: number | null };

/**
 * Serves a stored file: whole, one range, or 304. Streamed from R2, never buffered. The headers
 * keep browsers from executing it.
 */
export async function serveFile(
  bucket: R2Bucket,
  row: StoredFile,
  request: Request,
  disposition: Disposition,
): Promise<Response | undefined> {
  const size = row.size ?? 0;
  const head = await bucket.head(row.key);
  if (!head) return undefined;
  const headers = headersOf(row, head, disposition);
  if (matches(request.headers.get("If-None-Match"), head.httpEtag)) {
    return new Response(null, { status: 304, headers });
  }
  const range = rangeOf(request, head.httpEtag, size);
  if (range === "unsatisfiable") {
    headers.set("Content-Range", `bytes */${size}`);
    return new Response(null, { status: 416, headers });
  }
  headers.set("Content-Length", String(range ? range.length : size));
  if (range) {
    const last = range.offset + range.length - 1;
    headers.set("Content-Range", `bytes ${range.offset}-${last}/${size}`);
  }
  const status = range ? 206 : 200;
  if (request.method === "HEAD") return new Response(null, { status, headers });
  const object = await bucket.get(row.key, range ? { range } : {});
  return object ? new Response(object.body, { status, headers }) : undefined;
}

function headersOf(row: StoredFile, head: R2Object, disposition: Disposition): Headers {
  const shown = disposition === "inline" && isShownInline(row.mimeType);
  const text = row.mimeType.startsWith("text/");
  return new Headers({
    "Content-Type": text ? `${row.mimeType}; charset=utf-8` : row.mimeType,
    "Content-Disposition": contentDisposition(row.name, { type: shown ? "inline" : "attachment" }),
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Accept-Ranges": "bytes",
    // A range of an encoded file would contain other bytes.
    "Cache-Control": "private, max-age=3600, no-transform",
    ETag: head.httpEtag,
    "Last-Modified": head.uploaded.toUTCString(),
  });
}

/** Whether an entity tag is in an `If-None-Match` (RFC 9110, 13.1.2: weak comparison). */
export function matches(header: string | null, etag: string): boolean {
  if (header === null) return false;
  const tags = header.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etag);
}

/** The requested range; several ranges, or an invalid one, are answered with the whole file. */
function rangeOf(
  request: Request,
  etag: string,
  size: number,
): { offset: number; length: number } | "unsatisfiable" | undefined {
  // Ranges apply to GET only (RFC 9110, 14.2).
  const header = request.method === "GET" ? request.headers.get("Range") : null;
  // Only an unchanged file is resumed: a different tag, or a date, requests all of it.
  const condition = request.headers.get("If-Range");
  if (header === null || (condition !== null && condition !== etag)) return undefined;
  const parsed = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim());
  const [, from = "", to = ""] = parsed ?? [];
  if (!parsed || (from === "" && to === "")) return undefined;
  if (from === "") {
    const length = Math.min(Number(to), size);
    return length > 0 ? { offset: size - length, length } : "unsatisfiable";
  }
  const offset = Number(from);
  const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== "" && Number(to) < offset) return undefined;
  return offset < size ? { offset, length: last - offset + 1 } : "unsatisfiable";
}
