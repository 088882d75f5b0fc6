import type { Batch } from "../conversation/outbound/subscribers/gateway-api.ts";
import { unreachable } from "../domain/error.ts";
import { join, joinEnded, removedWhileJoining } from "./room-joins.ts";
import { hold, type RoomEffect, type RoomEvent, type RoomState } from "./room-state.ts";
import {
  type Happening,
  type InRoom,
  inRoomAt,
  leftOf,
  type Phase,
  released,
  type Step,
  stay,
} from "./room-steps.ts";

/**
 * What follows for a conversation on a connection when something happens. Whatever the order of events, the
 * client is sent each revision at most once and in order, and in the end all of them.
 */
export function reduce(state: RoomState, event: RoomEvent): Step {
  switch (event.type) {
    case "join":
      return join(state, event);
    case "joined":
    case "joinRefused":
    case "joinFailed": {
      const pending = state.joins.find(({ id }) => id === event.id);
      return pending ? joinEnded(state, pending, event) : stay(state);
    }
    case "answered":
      return state.phase === "answering" && state.generation === event.generation
        ? released(state)
        : stay(state);
    case "leave":
      return stay(leftOf(state));
    case "ephemeral":
      if (state.phase === "joining") {
        return stay({ ...state, held: hold(state.held, event.event) });
      }
      return whileIn(state, (room) => ({
        state: room,
        effects: [{ type: "sendEphemeral", events: [event.event] }],
      }));
    case "batch":
      if (state.phase === "joining") {
        return stay({ ...state, target: Math.max(state.target, event.batch.to) });
      }
      return whileIn(state, (room) => batch(room, event));
    case "removed":
      if (state.phase === "joining") return removedWhileJoining(state, event);
      return whileIn(state, (room) => removed(room, event));
    case "page":
    case "pageRefused":
    case "pageFailed":
      return state.phase === "catchingUp" && state.generation === event.generation
        ? pageEnded(state, event)
        : stay(state);
    default:
      return unreachable(event);
  }
}

/** A transition of the conversations that a connection is in; a call finds a join's answer sent. */
function whileIn(state: RoomState, transition: (room: InRoom) => Step): Step {
  if (state.phase === "left" || state.phase === "joining") return stay(state);
  if (state.phase !== "answering") return transition(state);
  const { effects, state: room } = released(state);
  const next = whileIn(room, transition);
  return { ...next, effects: [...effects, ...next.effects] };
}

function batch(room: InRoom, { batch }: Happening<"batch">): Step {
  const { to, from } = batch;
  if (isForeign(room, batch)) return { state: room, effects: [{ type: "disconnect" }] };
  if (room.phase === "catchingUp") return stay({ ...room, target: Math.max(room.target, to) });
  if (from > room.rev) return inRoomAt(room, room.rev, to);
  if (to <= room.rev) return stay(room);
  return { state: { ...room, rev: to }, effects: [{ type: "send", batch, after: room.rev }] };
}

/**
 * Whether what the client has is of an earlier epoch than a batch. No event takes it from one to the other: it
 * reconnects, and is told when it joins.
 */
function isForeign({ rev }: InRoom, { beganAt = 0 }: Batch): boolean {
  return rev < beganAt;
}

function removed(room: InRoom, { batch, removal }: Happening<"removed">): Step {
  // A late one: the person has been added again, and joined, since.
  if (batch.to <= room.subscribedAt) return stay(room);
  const follows = room.phase === "live" && batch.from <= room.rev;
  // What comes behind a gap is not sent, for the gap cannot be filled any more.
  const effect: RoomEffect =
    follows && removal !== undefined && removal > room.rev
      ? { type: "send", batch, after: room.rev }
      : { type: "sendExpelled", rev: Math.min(room.rev, removal ?? batch.to) };
  return { state: leftOf(room), effects: [effect] };
}

function pageEnded(
  state: Phase<"catchingUp">,
  event: Happening<"page" | "pageRefused" | "pageFailed">,
): Step {
  switch (event.type) {
    case "pageFailed":
      return { state, effects: [{ type: "disconnect" }] };
    case "pageRefused":
      return { state: leftOf(state), effects: [{ type: "sendExpelled", rev: state.rev }] };
    case "page": {
      const { to } = event.batch;
      if (isForeign(state, event.batch)) return { state, effects: [{ type: "disconnect" }] };
      // Nothing follows: the target was of the conversation before it was restored.
      const target = to <= state.rev ? to : state.target;
      const next = inRoomAt(state, to, target, state.known);
      const send = { type: "send", batch: event.batch, after: state.rev } as const;
      return { state: next.state, effects: [send, ...next.effects] };
    }
    default:
      return unreachable(event);
  }
}
