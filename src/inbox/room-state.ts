import type { Page } from "../conversation/outbound/sockets/view.ts";
import type { Batch } from "../conversation/outbound/subscribers/gateway-api.ts";
import { CLOSE } from "../live/version.ts";

/**
 * One conversation that is open over one inbox socket, as plain data: what happens to it, and what follows.
 * Whatever is lost, late or repeated on the way, the client is sent each revision once and in order.
 */
export type RoomState = {
  /** What came while the client is not sent events, in order. */
  held: readonly Batch[];
  /** Likewise the last presence event of each person. */
  presence: ReadonlyMap<string, string>;
  /** The highest revision that is known of. */
  target: number;
  /** The conversation's revision when it was opened: a removal up to it is of an earlier membership. */
  openedAt: number;
} & (
  | { phase: "opening" }
  /** `rev`: the client was sent everything up to it. */
  | { phase: "live"; rev: number }
  /** The client has to request the next page. */
  | { phase: "paging"; rev: number }
  /** Something was missed, and a page with it is requested. */
  | { phase: "missing"; rev: number }
);

export type RoomEffect =
  /** Send events. */
  | { type: "send"; lines: readonly string[] }
  /** Request what came after a revision. */
  | { type: "fetch"; since: number }
  /** The conversation is not open any more; nothing follows. */
  | { type: "close"; code: number; reason: string };

export interface Step {
  state: RoomState;
  effects: RoomEffect[];
}

/** Batches that are held at most, and UTF-16 units of them; beyond that they are requested again. */
const MAX_HELD = { batches: 64, units: 256 * 1024 };
/** People whose presence is held at most. */
const MAX_PRESENCE = 400;

const NOTHING = { held: [], presence: new Map<string, string>(), target: 0, openedAt: 0 };

export const OPENING: RoomState = { phase: "opening", ...NOTHING };

/** A conversation that was open before the object hibernated. */
export function storedRoom(phase: "live" | "paging", rev: number): RoomState {
  return { ...NOTHING, phase, rev, target: rev, openedAt: rev };
}

/** The conversation was opened at revision `rev`. */
export function opened(state: RoomState, hello: string, page: Page, rev: number): Step {
  if (state.phase !== "opening") return stay(state);
  return arrived({ ...state, phase: "missing", rev: page.to, openedAt: rev }, page, [hello]);
}

/** A page came that the client requested, or that was missing. */
export function paged(state: RoomState, page: Page): Step {
  if (state.phase === "opening") return stay(state);
  if (state.phase !== "live") return arrived(state, page);
  return {
    state: { ...state, rev: Math.max(state.rev, page.to) },
    effects: [{ type: "send", lines: [page.frame] }],
  };
}

/** A page came that was missing after `since`; the client may have requested it meanwhile. */
export function fetched(state: RoomState, since: number, page: Page): Step {
  return isMissing(state, since) ? arrived(state, page) : stay(state);
}

/** The conversation refused such a page: its person was removed. */
export function refused(state: RoomState, since: number): Step {
  if (!isMissing(state, since)) return stay(state);
  const { held, ...room } = state;
  const { effects } = held.reduce(followedBy, stay({ ...room, phase: "live", held: [] }));
  const sent = effects.filter(({ type }) => type === "send");
  return { state, effects: [...sent, REMOVED] };
}

/** Whether the answer to a command may be sent: behind all events up to a revision, where they are sent. */
export function mayAnswer(state: RoomState, after: number): boolean {
  return state.phase === "paging" || (state.phase === "live" && state.rev >= after);
}

/** Events are missing up to a revision. */
export function missed(state: RoomState, target: number): Step {
  if (state.phase !== "live" || state.rev >= target) return stay(state);
  return fetch(state, target);
}

/** The events of a commit came. */
export function delivered(state: RoomState, batch: Batch): Step {
  switch (state.phase) {
    case "opening":
    case "missing":
      return stay(hold(state, batch));
    case "paging":
      if (batch.last && batch.to > state.openedAt) {
        return { state, effects: [endOf(batch)] };
      }
      return stay(hold(state, batch));
    case "live":
      return batch.last ? removed(state, batch) : sent(state, batch);
  }
}

/** An event without a revision came; `presenceOf`: whose presence it is, if it is presence. */
export function ephemeral(
  state: RoomState,
  line: string,
  presenceOf: (line: string) => string | undefined,
): Step {
  if (state.phase === "live") return { state, effects: [{ type: "send", lines: [line] }] };
  const userId = presenceOf(line);
  if (userId === undefined) return stay(state);
  const presence = new Map(state.presence);
  presence.delete(userId);
  const [oldest] = presence.keys();
  if (presence.size >= MAX_PRESENCE && oldest !== undefined) presence.delete(oldest);
  return stay({ ...state, presence: presence.set(userId, line) });
}

const REMOVED: RoomEffect = {
  type: "close",
  code: CLOSE.notAMember,
  reason: "no longer a member",
};

const DELETED: RoomEffect = {
  type: "close",
  code: CLOSE.notFound,
  reason: "the conversation was deleted",
};

/** How a conversation ends with its last batch. */
function endOf({ deleted }: Batch): RoomEffect {
  return deleted ? DELETED : REMOVED;
}

type Placed = Exclude<RoomState, { phase: "opening" }>;
type Live = Extract<RoomState, { phase: "live" }>;

function isMissing(
  state: RoomState,
  since: number,
): state is Extract<RoomState, { phase: "missing" }> {
  return state.phase === "missing" && state.rev === since;
}

function stay(state: RoomState): Step {
  return { state, effects: [] };
}

/** A page follows on what the client has; with the last one, the events begin. */
function arrived(state: Placed, { frame, to, more }: Page, before: readonly string[] = []): Step {
  const { held, presence, ...room } = state;
  const lines = [...before, frame];
  const rev = Math.max(state.rev, to);
  if (more) {
    const paging: RoomState = { ...state, phase: "paging", rev };
    return { state: paging, effects: [{ type: "send", lines }] };
  }
  const send: RoomEffect = { type: "send", lines: [...lines, ...presence.values()] };
  const live: RoomState = { ...room, phase: "live", rev, held: [], presence: new Map() };
  const { state: next, effects } = held.reduce(followedBy, stay(live));
  const rest = missed(next, next.target);
  return { state: rest.state, effects: [send, ...effects, ...rest.effects] };
}

function followedBy({ state, effects }: Step, batch: Batch): Step {
  if (effects.some(({ type }) => type === "close")) return { state, effects };
  const next = delivered(state, batch);
  return { state: next.state, effects: [...effects, ...next.effects] };
}

function sent(state: Live, batch: Batch): Step {
  const { from, to } = batch;
  if (from > state.rev) return fetch(hold(state, batch), to);
  if (to <= state.rev) return stay(state);
  const target = Math.max(state.target, to);
  return { state: { ...state, rev: to, target }, effects: sending(batch, state.rev) };
}

/** Behind a gap, which cannot be filled any more, events of a removal are not sent. */
function removed(state: Live, batch: Batch): Step {
  if (batch.to <= state.openedAt) return stay(state);
  const follows = batch.from <= state.rev;
  return { state, effects: [...(follows ? sending(batch, state.rev) : []), endOf(batch)] };
}

function fetch(state: Live, target: number): Step {
  return {
    state: { ...state, phase: "missing", target: Math.max(state.target, target) },
    effects: [{ type: "fetch", since: state.rev }],
  };
}

function hold<State extends RoomState>(state: State, batch: Batch): State {
  const all = [...state.held, batch];
  const units = all.reduce((sum, { lines }) => sum + unitsOf(lines), 0);
  const isTooMuch = all.length > MAX_HELD.batches || units > MAX_HELD.units;
  return { ...state, held: isTooMuch ? [] : all, target: Math.max(state.target, batch.to) };
}

/** The events of a batch that come after a revision. */
function sending({ lines, from }: Batch, after: number): RoomEffect[] {
  const rest = from === after ? lines : lines.filter((line) => revOf(line) > after);
  return rest.length > 0 ? [{ type: "send", lines: rest }] : [];
}

/** The revision of an event as its conversation wrote it. */
function revOf(line: string): number {
  const event: { rev: number } = JSON.parse(line);
  return event.rev;
}

function unitsOf(lines: readonly string[]): number {
  return lines.reduce((units, line) => units + line.length, 0);
}
