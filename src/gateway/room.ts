import type { ServerEvent } from "../live/events.ts";

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
  held: HeldEvents | undefined;
  /** The person was removed, in this revision or before it: an answer to a join that is older is void. */
  over?: number;
}

/** Events that are held at most: of each person in a conversation that is not large, two. */
const MAX_HELD = 400;

/** Events without a revision that wait: the last of each type about each person. */
export class HeldEvents {
  private readonly events = new Map<string, ServerEvent>();

  add(event: ServerEvent): void {
    const { events } = this;
    const key = `${event.type} ${"userId" in event ? event.userId : ""}`;
    events.delete(key);
    const [oldest] = events.keys();
    if (events.size >= MAX_HELD && oldest !== undefined) events.delete(oldest);
    events.set(key, event);
  }

  /** What is held, in order. */
  all(): ServerEvent[] {
    return [...this.events.values()];
  }
}

/** A room that the client was in, told up to a revision. */
export function roomAt(rev: number): Room {
  return { rev, since: undefined, target: rev, busy: false, held: undefined };
}

/** A room that is being joined; `before`: as it was until then. */
export function joining(since: number | undefined, before: Room | undefined): Room {
  return {
    ...{ rev: UNPLACED, since: since ?? placeOf(before), target: 0 },
    ...{ busy: true, held: new HeldEvents() },
  };
}

/** Up to where the client of a room was told; `undefined` where nothing is known of that. */
export function placeOf(room: Room | undefined): number | undefined {
  return room?.rev === UNPLACED ? room.since : room?.rev;
}
