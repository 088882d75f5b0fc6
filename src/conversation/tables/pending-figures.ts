import { z } from "zod";
import { type Figures, withPurged } from "../../domain/read-ranges.ts";
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
  return readFigures(sql).pending;
}

/** What members' figures are read with. */
export interface KnownFigures {
  pending: ReadonlyMap<string, PendingFigures>;
  /** Up to this message everything is gone, or pinned, and counts as read. */
  purgedTo: number;
}

/** Both are in one row. */
export function readFigures(sql: SqlStorage): KnownFigures & {
  pending: Map<string, PendingFigures>;
} {
  const { figures, purged_to: purgedTo } = sql
    .exec<{ figures: string | null; purged_to: number }>("SELECT figures, purged_to FROM counters")
    .one();
  const pending = figures === null ? [] : stored.safeParse(parsed(figures)).data;
  return { pending: new Map(pending), purgedTo };
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

/**
 * A member's figures: the pending ones, where they were based on the row's. What is gone up to `purgedTo` counts as
 * read in all of them: both may have been stored before it was.
 */
export function currentFigures(
  row: Figures,
  pending: PendingFigures | undefined,
  purgedTo = 0,
): Figures {
  const stored = withPurged(row, purgedTo);
  const base = pending && withPurged(pending.base, purgedTo);
  const isBase = base?.readUpTo === stored.readUpTo && base.readBeyond === stored.readBeyond;
  const { readUpTo, readBeyond } = isBase ? withPurged(pending ?? stored, purgedTo) : stored;
  return { readUpTo, readBeyond };
}
