import { Buffer } from "node:buffer";

/** Bytes of rows in one batch to D1 at most; the platform allows 2 MB per parameter. */
export const MAX_BATCH_BYTES = 1_000_000;

/** The kinds of rows of a conversation. */
export const LISTS = [
  ...(["members", "uncounted", "sent", "deleted"] as const),
  ...(["mentions", "unmentioned", "mentionsRead", "acts"] as const),
] as const;
export type List = (typeof LISTS)[number];

/** The rows of one batch, each as JSON. */
export type Page = Record<List, string[]>;

/**
 * Rows in pages, in order: at least one page, each of at most `maxBytes` unless a single row is
 * larger. `taken` bytes of the first page are already used.
 */
export function pagesOf(
  rows: Iterable<readonly [List, unknown]>,
  taken: number,
  maxBytes: number = MAX_BATCH_BYTES,
): [Page, ...Page[]] {
  let page = emptyPage();
  const pages: [Page, ...Page[]] = [page];
  let bytes = taken;
  for (const [list, row] of rows) {
    const json = JSON.stringify(row);
    const size = Buffer.byteLength(json) + 1;
    if (bytes > 0 && bytes + size > maxBytes) {
      page = emptyPage();
      pages.push(page);
      bytes = 0;
    }
    bytes += size;
    page[list].push(json);
  }
  return pages;
}

function emptyPage(): Page {
  return {
    ...{ members: [], uncounted: [], sent: [], deleted: [] },
    ...{ mentions: [], unmentioned: [], mentionsRead: [], acts: [] },
  };
}
