import { z } from "@hono/zod-openapi";
import { wholeNumber } from "../schemas.ts";

/** What a list gives that the reference does not page. */
const UNPAGED = 500;

export const unpaged = z.object({
  page: wholeNumber(1, 1, 1_000_000),
  pageSize: wholeNumber(UNPAGED, 1, UNPAGED),
});

/** A page as the directory takes it. */
export function slice({ page, pageSize }: { page: number; pageSize: number }) {
  return { limit: pageSize, offset: (page - 1) * pageSize };
}

export const pathId = z.object({ id: z.string() });
