import { z } from "zod";
import type { Figures } from "../../domain/read-ranges.ts";
import { parsed } from "../../domain/stored.ts";

/**
 * Figures that members' rows do not have yet. They are stored with the counters, which every commit
 * writes: a send and a read mark would otherwise write the member's row as well.
 */
export interface PendingFigures extends Figures {
  /**
   * The figures in the member's row. Where the row has others, the version before has written it, and the
   * pending ones do not count: own messages since then are unread until the member reads.
   */
  base: Figures;
}

/** Members with pending figures at most; more are written to the members' rows. */
export const MAX_PENDING = 16;

const stored = z.array(
  z
    .tuple([z.string(), z.number(), z.number(), z.number(), z.number()])
    .transform(([userId, readUpTo, readBeyond, baseUpTo, baseBeyond]) => {
      const base = { readUpTo: baseUpTo, readBeyond: baseBeyond };
      return [userId, { readUpTo, readBeyond, base }] as const;
    }),
);

export function readPendingFigures(sql: SqlStorage): Map<string, PendingFigures> {
  const { figures } = sql.exec<{ figures: string | null }>("SELECT figures FROM counters").one();
  if (figures === null) return new Map();
  return new Map(stored.safeParse(parsed(figures)).data);
}

/** The column that {@link readPendingFigures} reads. */
export function storedFigures(pending: ReadonlyMap<string, PendingFigures>): string | null {
  if (pending.size === 0) return null;
  return JSON.stringify(
    Array.from(pending, ([userId, { readUpTo, readBeyond, base }]) => [
      ...[userId, readUpTo, readBeyond, base.readUpTo, base.readBeyond],
    ]),
  );
}

/** A member's figures: the pending ones, where they were based on the row's. */
export function currentFigures(row: Figures, pending: PendingFigures | undefined): Figures {
  const isBase =
    pending?.base.readUpTo === row.readUpTo && pending.base.readBeyond === row.readBeyond;
  const { readUpTo, readBeyond } = isBase ? pending : row;
  return { readUpTo, readBeyond };
}
