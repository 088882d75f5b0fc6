import { Buffer } from "node:buffer";

/** Bytes of rows that one batch to D1 carries at most; the platform takes 2 MB for one parameter. */
export const MAX_BATCH_BYTES = 1_000_000;

/** What a conversation's rows are for. */
export type List = "members" | "uncounted" | "sent" | "deleted";

/** Rows of one batch, each as JSON. */
export type Page = Record<List, string[]>;

/**
 * Rows in pages, in order: at least one page, and on each at most `maxBytes`, beyond a single row. On the
 * first page, `taken` bytes are taken already.
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
  return { members: [], uncounted: [], sent: [], deleted: [] };
}
