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
  /** The person was removed, in this revision or before it: an answer to a join that is older is void. */
  over?: number;
  /** Was joined, by an answer to this join or to one before it. */
  joined: boolean;
}

/** A room that the client was in, told up to a revision. */
export function roomAt(rev: number): Room {
  return { rev, since: undefined, target: rev, busy: false, held: undefined, joined: true };
}

/** A room that is being joined; `before`: as it was until then. */
export function joining(since: number | undefined, before: Room | undefined): Room {
  const joined = before?.joined ?? false;
  return {
    ...{ rev: UNPLACED, since: since ?? placeOf(before), target: 0 },
    ...{ busy: true, held: [], joined },
  };
}

/** Up to where the client of a room was told; `undefined` where nothing is known of that. */
export function placeOf(room: Room | undefined): number | undefined {
  return room?.rev === UNPLACED ? room.since : room?.rev;
}
