import { unreachable } from "../domain/error.ts";
import { isDeciding, markRemoved, pinned, sinceOf, supersede, without } from "./pending-joins.ts";
import type { PendingJoin, RoomState } from "./room-state.ts";
import { type Happening, leftOf, type Phase, released, type Step, stay } from "./room-steps.ts";

/** The transitions of joining a conversation. */

export function join(state: RoomState, { id, since }: Happening<"join">): Step {
  const joins = [...state.joins, { id, since, superseded: false, removedAt: undefined }];
  const next = { phase: "joining", joins, held: new Map() } as const;
  switch (state.phase) {
    case "left":
      return stay({ ...next, resume: undefined, target: 0 });
    case "joining":
      return stay({ ...next, resume: state.resume, target: state.target });
    case "answering":
    case "live":
    case "catchingUp": {
      const { rev, subscribedAt } = state;
      const target = state.phase === "live" ? rev : state.target;
      return stay({ ...next, resume: { rev, target, subscribedAt }, target: 0 });
    }
    default:
      return unreachable(state);
  }
}

export function joinEnded(
  state: RoomState,
  pending: PendingJoin,
  event: Happening<"joined" | "joinRefused" | "joinFailed">,
): Step {
  const joins = without(state.joins, pending);
  const isOpen = state.phase === "joining" && !pending.superseded;
  if (event.type === "joinFailed")
    return isOpen ? joinFailed(state, pending) : stay({ ...state, joins });
  const isVoid = event.type === "joinRefused" || event.rev < (pending.removedAt ?? 0);
  if (isVoid) {
    if (!isOpen) return stay({ ...state, joins });
    if (isDeciding(state.joins, pending)) return stay(leftOf(state, joins));
    return stay({ ...state, joins: othersPinned(state, pending), resume: undefined });
  }
  const resume = state.phase === "joining" ? state.resume : undefined;
  const since = sinceOf(state.joins, pending, resume?.rev) ?? event.rev;
  const isReset = since < (event.beganAt ?? 0);
  const rev = isReset ? event.rev : Math.min(since, event.rev);
  const answer = { answer: rev, ...(isReset && { isReset }) };
  if (!isOpen) return { ...stay({ ...state, joins }), ...answer };
  const target = Math.max(state.target, event.rev);
  const rest = supersede(joins, resume?.rev, event.id);
  const position = { rev, target, subscribedAt: event.rev };
  if (!isDeciding(state.joins, pending)) {
    const next: RoomState = { ...state, joins: rest, resume: position, target };
    return { ...stay(next), ...answer };
  }
  const generation = event.id;
  return {
    state: { phase: "answering", joins: rest, generation, ...position, held: state.held },
    effects: [{ type: "awaitAnswered", generation }],
    ...answer,
  };
}

/** The connection is where it was, unless another join decides that. */
function joinFailed(state: Phase<"joining">, pending: PendingJoin): Step {
  const joins = othersPinned(state, pending);
  if (joins.some(({ superseded }) => !superseded)) return stay({ ...state, joins });
  const { resume, held } = state;
  if (!resume) return stay(leftOf(state, joins));
  const target = Math.max(state.target, resume.target);
  return released({ phase: "answering", joins, generation: pending.id, ...resume, target, held });
}

/** The other joins, each with the revision that its client has, which this one may have said. */
function othersPinned({ joins, resume }: Phase<"joining">, pending: PendingJoin): PendingJoin[] {
  return without(pinned(joins, resume?.rev), pending);
}

/** The client is sent it at once; whether a join came after it is shown by the revision of its answer. */
export function removedWhileJoining(
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
