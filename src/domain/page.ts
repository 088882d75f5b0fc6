/** A page of a list; the first is 1. */
export interface PageOf {
  page: number;
  pageSize: number;
}

/** The offset of a page; page numbers beyond any bound give the largest safe integer. */
export function offsetOf({ page, pageSize }: PageOf): number {
  return Math.min((page - 1) * pageSize, Number.MAX_SAFE_INTEGER);
}
