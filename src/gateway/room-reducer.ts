import { unreachable } from "../domain/error.ts";
import { isDeciding, markRemoved, pinned, sinceOf, supersede, without } from "./pending-joins.ts";
import {
  hold,
  type PendingJoin,
  type RoomEffect,
  type RoomEvent,
  type RoomState,
  revOf,
} from "./room-state.ts";

export interface Step {
  state: RoomState;
  /** In the order in which they are to be executed. */
  effects: RoomEffect[];
  /** Where `joined` leaves the client: the revision to answer with; absent where the answer is void. */
  answer?: number;
}

type Phase<Name extends RoomState["phase"]> = Extract<RoomState, { phase: Name }>;
type Happening<Type extends RoomEvent["type"]> = Extract<RoomEvent, { type: Type }>;
type InRoom = Phase<"live" | "catchingUp">;

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

function stay(state: RoomState): Step {
  return { state, effects: [] };
}

/** Outside, with nothing but the answers to joins outstanding. */
function leftOf(state: RoomState, joins = state.joins): RoomState {
  const rev = state.phase === "joining" ? state.resume?.rev : revOf(state);
  return { phase: "left", joins: supersede(joins, rev) };
}

function join(state: RoomState, { id, since }: Happening<"join">): Step {
  const joins = [...state.joins, { id, since, superseded: false, removedAt: undefined }];
  const next = { phase: "joining", joins, held: new Map() } as const;
  switch (state.phase) {
    case "left":
      return stay({ ...next, resume: undefined, target: 0 });
    case "joining":
      return stay({ ...next, resume: state.resume, target: state.target });
    case "answering":
    case "catchingUp":
      return stay({ ...next, resume: { rev: state.rev, target: state.target }, target: 0 });
    case "live":
      return stay({ ...next, resume: { rev: state.rev, target: state.rev }, target: 0 });
    default:
      return unreachable(state);
  }
}

function joinEnded(
  state: RoomState,
  pending: PendingJoin,
  event: Happening<"joined" | "joinRefused" | "joinFailed">,
): Step {
  const joins = without(state.joins, pending);
  const isOpen = state.phase === "joining" && !pending.superseded;
  if (event.type === "joinFailed")
    return isOpen ? joinFailed(state, event) : stay({ ...state, joins });
  const isVoid = event.type === "joinRefused" || event.rev < (pending.removedAt ?? 0);
  if (isVoid) {
    if (!isOpen) return stay({ ...state, joins });
    if (isDeciding(state.joins, pending)) return stay(leftOf(state, joins));
    return stay({ ...state, joins: pinned(joins, state.resume?.rev), resume: undefined });
  }
  const resume = state.phase === "joining" ? state.resume : undefined;
  const rev = Math.min(sinceOf(state.joins, pending, resume?.rev) ?? event.rev, event.rev);
  if (!isOpen) return { ...stay({ ...state, joins }), answer: rev };
  const target = Math.max(state.target, event.rev);
  const rest = supersede(joins, resume?.rev, event.id);
  if (!isDeciding(state.joins, pending)) {
    const next: RoomState = { ...state, joins: rest, resume: { rev, target }, target };
    return { ...stay(next), answer: rev };
  }
  const generation = event.id;
  return {
    state: { phase: "answering", joins: rest, generation, rev, target, held: state.held },
    effects: [{ type: "awaitAnswered", generation }],
    answer: rev,
  };
}

/** The connection is where it was, unless another join decides that. */
function joinFailed(state: Phase<"joining">, { id }: Happening<"joinFailed">): Step {
  const joins = state.joins.filter((join) => join.id !== id);
  if (joins.some(({ superseded }) => !superseded)) return stay({ ...state, joins });
  const { resume, held } = state;
  if (!resume) return stay(leftOf(state, joins));
  const target = Math.max(state.target, resume.target);
  return released({ phase: "answering", joins, generation: id, rev: resume.rev, target, held });
}

/** Inside, and free to send: what was held goes out, and what is missing is requested. */
function released({ joins, generation, rev, target, held }: Phase<"answering">): Step {
  const next = inRoomAt({ joins, generation }, rev, target);
  if (held.size === 0) return next;
  return {
    state: next.state,
    effects: [{ type: "sendEphemeral", events: [...held.values()] }, ...next.effects],
  };
}

/** A transition of the conversations that a connection is in; a call finds a join's answer sent. */
function whileIn(state: RoomState, transition: (room: InRoom) => Step): Step {
  if (state.phase === "left" || state.phase === "joining") return stay(state);
  if (state.phase !== "answering") return transition(state);
  const { effects, state: room } = released(state);
  const next = whileIn(room, transition);
  return { ...next, effects: [...effects, ...next.effects] };
}

function inRoomAt(
  { joins, generation }: Pick<InRoom, "joins" | "generation">,
  rev: number,
  target: number,
  known = rev,
): Step {
  if (rev >= target) return stay({ phase: "live", joins, generation, rev });
  return {
    state: { phase: "catchingUp", joins, generation, rev, target, known },
    effects: [{ type: "requestPage", generation, since: rev, known }],
  };
}

function batch(room: InRoom, { batch }: Happening<"batch">): Step {
  const { to, from } = batch;
  if (room.phase === "catchingUp") return stay({ ...room, target: Math.max(room.target, to) });
  if (from > room.rev) return inRoomAt(room, room.rev, to);
  if (to <= room.rev) return stay(room);
  return { state: { ...room, rev: to }, effects: [{ type: "send", batch, after: room.rev }] };
}

function removed(room: InRoom, { batch, removal }: Happening<"removed">): Step {
  // A late one: the person has been added again, and joined, since.
  if (batch.to <= (room.phase === "live" ? room.rev : room.target)) return stay(room);
  const follows = room.phase === "live" && batch.from <= room.rev;
  // What comes behind a gap is not sent, for the gap cannot be filled any more.
  const effect: RoomEffect =
    follows && removal !== undefined && removal > room.rev
      ? { type: "send", batch, after: room.rev }
      : { type: "sendExpelled", rev: Math.min(room.rev, removal ?? batch.to) };
  return { state: leftOf(room), effects: [effect] };
}

/** The client is sent it at once; whether a join came after it is shown by the revision of its answer. */
function removedWhileJoining(
  state: Phase<"joining">,
  { batch, removal }: Happening<"removed">,
): Step {
  if (batch.to <= state.target) return stay(state);
  const { joins, resume } = state;
  const last = joins.findLast(({ superseded }) => !superseded);
  const since = (last && sinceOf(joins, last, resume?.rev)) ?? Number.POSITIVE_INFINITY;
  return {
    state: {
      ...state,
      joins: markRemoved(joins, resume?.rev, batch.to),
      resume: undefined,
      target: batch.to,
    },
    effects: [{ type: "sendExpelled", rev: Math.min(since, removal ?? batch.to) }],
  };
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
