import { supersede } from "./pending-joins.ts";
import { type RoomEffect, type RoomEvent, type RoomState, revOf } from "./room-state.ts";

/** Parts that the transitions of a room share. */

export interface Step {
  state: RoomState;
  /** In the order in which they are to be executed. */
  effects: RoomEffect[];
  /** Where `joined` leaves the client: the revision to answer with; absent where the answer is void. */
  answer?: number;
  /** What its client has is of an earlier epoch: it has to load the conversation anew. */
  isReset?: true;
}

export type Phase<Name extends RoomState["phase"]> = Extract<RoomState, { phase: Name }>;
export type Happening<Type extends RoomEvent["type"]> = Extract<RoomEvent, { type: Type }>;
export type InRoom = Phase<"live" | "catchingUp">;

export function stay(state: RoomState): Step {
  return { state, effects: [] };
}

/** Outside, with nothing but the answers to joins outstanding. */
export function leftOf(state: RoomState, joins = state.joins): RoomState {
  const rev = state.phase === "joining" ? state.resume?.rev : revOf(state);
  return { phase: "left", joins: supersede(joins, rev) };
}

/** Inside, and free to send: what was held goes out, and what is missing is requested. */
export function released(state: Phase<"answering">): Step {
  const { rev, target, held } = state;
  const next = inRoomAt(state, rev, target);
  if (held.size === 0) return next;
  return {
    state: next.state,
    effects: [{ type: "sendEphemeral", events: [...held.values()] }, ...next.effects],
  };
}

export function inRoomAt(
  { joins, generation, subscribedAt }: InRoom | Phase<"answering">,
  rev: number,
  target: number,
  known = rev,
): Step {
  const common = { joins, generation, subscribedAt, rev };
  if (rev >= target) return stay({ phase: "live", ...common });
  return {
    state: { phase: "catchingUp", ...common, target, known },
    effects: [{ type: "requestPage", generation, since: rev, known }],
  };
}
