import { type Changed, weightOf } from "./changed.ts";

/** Changes, and files of theirs, that are kept at most (10 MB). */
const MAX_WEIGHT = 5_000;

/**
 * The changes that D1 does not have, as long as memory has them all: otherwise they are read from the
 * tables. Nothing is known after a wake.
 */
export class UnprojectedChanges {
  private known: { changes: Changed[]; weight: number; to: number } | undefined;

  /** A commit after `from` follows: where that is not what is known of, an earlier one is missing. */
  expect(from: number): void {
    if (this.known?.to !== from) this.known = undefined;
  }

  /** Adds the changes of a commit up to `to`. */
  add(changes: readonly Changed[], to: number): void {
    const { known } = this;
    if (!known) return;
    known.to = to;
    for (const change of changes) {
      known.changes.push(change);
      known.weight += weightOf(change);
    }
    if (known.weight > MAX_WEIGHT) this.known = undefined;
  }

  /** Takes all of them, up to `to`; `undefined`: some are missing. */
  take(to: number): Changed[] | undefined {
    const { known } = this;
    if (known?.to !== to) return undefined;
    this.startAt(to);
    return known.changes;
  }

  /** D1 is written everything up to `to`: what follows is added from now on. */
  startAt(to: number): void {
    this.known = { changes: [], weight: 0, to };
  }

  drop(): void {
    this.known = undefined;
  }
}
