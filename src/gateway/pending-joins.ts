import type { PendingJoin } from "./room-state.ts";

/**
 * Joins that a client made without waiting for the answers. They are usually answered in order; where they
 * are not, the answer to a later one supersedes those before it.
 */

/** Whether no later join is outstanding that decides instead. */
export function isDeciding(joins: readonly PendingJoin[], { id }: PendingJoin): boolean {
  return joins.findLast(({ superseded }) => !superseded)?.id === id;
}

export function without(joins: readonly PendingJoin[], { id }: PendingJoin): PendingJoin[] {
  return joins.filter((join) => join.id !== id);
}

/**
 * The revision that the client of a join has: as it says, else as an outstanding join before it says, else
 * `rev`, where the connection is.
 */
export function sinceOf(
  joins: readonly PendingJoin[],
  join: PendingJoin,
  rev: number | undefined,
): number | undefined {
  if (join.since !== undefined || join.superseded) return join.since;
  if (join.removedAt !== undefined) return rev;
  const earlier = joins.findLast(
    (one) => one.id < join.id && one.since !== undefined && !isDetached(one),
  );
  return earlier?.since ?? rev;
}

/** The joins, each with the revision that its client has by now. `rev`: where the connection is. */
export function pinned(joins: readonly PendingJoin[], rev: number | undefined): PendingJoin[] {
  return joins.map((join) => ({ ...join, since: sinceOf(joins, join, rev) }));
}

/** The joins with those before `id`, or all of them, superseded. `rev`: as above. */
export function supersede(
  joins: readonly PendingJoin[],
  rev: number | undefined,
  id = Number.POSITIVE_INFINITY,
): PendingJoin[] {
  const earlier = joins.filter((join) => join.id < id);
  const superseded = pinned(earlier, rev).map((join) => ({ ...join, superseded: true }));
  return [...superseded, ...joins.slice(earlier.length)];
}

/** The joins that decide, marked with a removal that they were overtaken by. `rev`: as above. */
export function markRemoved(
  joins: readonly PendingJoin[],
  rev: number | undefined,
  removedAt: number,
): PendingJoin[] {
  return pinned(joins, rev).map((join) => (join.superseded ? join : { ...join, removedAt }));
}

/** No join after it continues from its `since`. */
function isDetached({ superseded, removedAt }: PendingJoin): boolean {
  return superseded || removedAt !== undefined;
}
