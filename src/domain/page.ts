/** A page of a list; the first is 1. */
export interface PageOf {
  page: number;
  pageSize: number;
}

/** Where a page begins; one past every end begins at the last number there is. */
export function offsetOf({ page, pageSize }: PageOf): number {
  return Math.min((page - 1) * pageSize, Number.MAX_SAFE_INTEGER);
}
