import type { Batch } from "../conversation/outbound/subscribers/gateway-api.ts";
import type { EncodedEvent } from "./event-encoder.ts";

/**
 * One conversation on one connection as plain data: its states, what happens to it, and the effects that
 * follow. {@link reduce} in room-reducer.ts has the transitions.
 */

/** A join that the conversation has not answered yet. */
export interface PendingJoin {
  id: number;
  /** The revision that the client has; `undefined`: as far as the connection knows it. */
  since: number | undefined;
  /** Something later decides whether the connection is in the conversation: only the client waits for it. */
  superseded: boolean;
  /** The revision in which the person was removed meanwhile: an answer of an earlier revision is void. */
  removedAt: number | undefined;
}

export interface Position {
  /** The client was sent everything up to it. */
  rev: number;
  /** The newest revision that is known of; where it is higher than `rev`, something is missing. */
  target: number;
  /**
   * The conversation's revision when it subscribed the connection: a removal up to it is of an earlier
   * membership. `rev` does not show that: a page may end after a removal of this one.
   */
  subscribedAt: number;
}

/** Events without a revision that wait for the answer to a join, by type and person; see {@link hold}. */
export type HeldEvents = ReadonlyMap<string, EncodedEvent>;

/**
 * `generation`: the join that the state began with, 0 for one that was stored. An answer to a call that was
 * made in another generation is ignored.
 */
export type RoomState = { joins: readonly PendingJoin[] } & (
  | { phase: "left" }
  | {
      phase: "joining";
      /** Where the connection is if the join fails; `undefined`: it was not in the conversation. */
      resume: Position | undefined;
      target: number;
      held: HeldEvents;
    }
  /** A join was answered, and the client has not been sent the answer yet. */
  | ({ phase: "answering"; generation: number; held: HeldEvents } & Position)
  | ({ phase: "live"; generation: number } & Omit<Position, "target">)
  /** A page is requested. `known`: the revision at which catching up began. */
  | ({ phase: "catchingUp"; generation: number; known: number } & Position)
);

export type RoomEvent =
  /** The client joins; `id` is higher than that of every join before. */
  | { type: "join"; id: number; since: number | undefined }
  /** `beganAt`: as of a {@link Batch}. */
  | { type: "joined"; id: number; rev: number; beganAt?: number | undefined }
  /** The conversation refused: the connection is not subscribed to it. */
  | { type: "joinRefused"; id: number }
  /** There was no answer. */
  | { type: "joinFailed"; id: number }
  /** The client has been sent the answer to a join. */
  | { type: "answered"; generation: number }
  | { type: "leave" }
  | { type: "batch"; batch: Batch }
  /** The last batch of a person who was removed. `removal`: the revision of its last event, if it has any. */
  | { type: "removed"; batch: Batch; removal: number | undefined }
  | { type: "ephemeral"; event: EncodedEvent }
  | { type: "page"; generation: number; batch: Batch }
  /** The person is not a member any more. */
  | { type: "pageRefused"; generation: number }
  | { type: "pageFailed"; generation: number };

export type RoomEffect =
  /** Send the events of a batch that come after a revision. */
  | { type: "send"; batch: Batch; after: number }
  | { type: "sendEphemeral"; events: readonly EncodedEvent[] }
  /** Send that the person is not a member any more; the client can rejoin from `rev`. */
  | { type: "sendExpelled"; rev: number }
  /** Report `answered` once the client has been sent the answer to the join. */
  | { type: "awaitAnswered"; generation: number }
  | { type: "requestPage"; generation: number; since: number; known: number }
  /** Revisions are missing and cannot be fetched: end the connection, so that the client reconnects. */
  | { type: "disconnect" };

export const LEFT: RoomState = { phase: "left", joins: [] };

/** A conversation that the connection was in before it hibernated. */
export function storedRoom(rev: number): RoomState {
  return { phase: "live", joins: [], generation: 0, rev, subscribedAt: rev };
}

/** Up to where the client was sent everything; `undefined` outside of a conversation, and while joining. */
export function revOf(state: RoomState): number | undefined {
  return state.phase === "left" || state.phase === "joining" ? undefined : state.rev;
}

/** Events that are held at most: of each person in a conversation that is not large, two. */
const MAX_HELD = 400;

/** Holds an event: the last of each type about each person, and beyond {@link MAX_HELD} the newest. */
export function hold(held: HeldEvents, encoded: EncodedEvent): HeldEvents {
  const { event } = encoded;
  const key = `${event.type} ${"userId" in event ? event.userId : ""}`;
  const events = new Map(held);
  events.delete(key);
  const [oldest] = events.keys();
  if (events.size >= MAX_HELD && oldest !== undefined) events.delete(oldest);
  return events.set(key, encoded);
}
