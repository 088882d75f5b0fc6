/** The `rev` of a room whose join has not been answered. */
export const UNPLACED = Number.MAX_SAFE_INTEGER;

/** A conversation that a connection listens to. */
export interface Room {
  /** Up to where the client was told. */
  rev: number;
  /** While a join waits for its answer: where the client is, as far as it says or is known. */
  since: number | undefined;
  /** A revision that there is: as long as `rev` has not come there, something is missed. */
  target: number;
  /** Is being joined or caught up with; batches that come meanwhile only move the target. */
  busy: boolean;
  /** Until the answer to a join has gone out: what was passed on since, and is newer than it. */
  held: string[] | undefined;
  /** The person is not a member any more. */
  over?: true;
}

/** A room that the client was in, told up to a revision. */
export function roomAt(rev: number): Room {
  return { rev, since: undefined, target: rev, busy: false, held: undefined };
}

/** A room that is being joined. */
export function joining(since: number | undefined): Room {
  return { rev: UNPLACED, since, target: 0, busy: true, held: [] };
}

/** Up to where the client of a room was told; `undefined` where nothing is known of that. */
export function placeOf(room: Room | undefined): number | undefined {
  return room?.rev === UNPLACED ? room.since : room?.rev;
}
