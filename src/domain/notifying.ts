import type { Kind } from "./conversation.ts";
import { NOTIFICATION_TTL_MS } from "./notification.ts";

/**
 * When a user is notified of one conversation. Pure: every function returns a new state. Times are
 * milliseconds since the epoch.
 */
export interface Notifying {
  readonly conversationId: string;
  readonly kind: Kind;
  /** The revision up to which the conversation was asked, in its epoch; 0: never. */
  readonly epoch: string;
  readonly rev: number;
  /** When the conversation is asked what there is to notify of; `undefined`: there is nothing. */
  readonly dueAt: number | undefined;
  /** The id of the notification that comes of it: the same after a crash. */
  readonly id: string | undefined;
  /** When the user was notified last. */
  readonly sentAt: number | undefined;
  /** They were notified of something that they have not read. */
  readonly isShown: boolean;
  /** When they had read all that they were notified of, until their devices are told. */
  readonly readAt: number | undefined;
  /** When the host application is told that. */
  readonly withdrawAt: number | undefined;
}

/** Somebody who is connected is notified of what they have not read so long after it was sent. */
export const GRACE_MS = 10_000;
/** A user is notified of one conversation so often at most. */
export const COLLAPSE_MS = 30_000;
/** A connection counts while it was heard of within this time. */
export const CONNECTED_MS = 75_000;
/** A notification that nobody has read is remembered for so long, so that it can be withdrawn. */
const SHOWN_MS = 30 * NOTIFICATION_TTL_MS;
/** The lists in D1, which totals are read from, have a read mark by then. */
const LISTED_MS = 1_000;

export interface Circumstances {
  now: number;
  /** The user is connected, from any device. */
  isConnected: boolean;
  /** Until when they are not to be disturbed. */
  quietUntil: number | undefined;
}

export function nothingNotified(conversationId: string, kind: Kind): Notifying {
  return {
    ...{ conversationId, kind, epoch: "", rev: 0, dueAt: undefined, id: undefined },
    ...{ sentAt: undefined, isShown: false, readAt: undefined, withdrawAt: undefined },
  };
}

/** When the user is notified of a message that was sent at `sentAt`. */
export function dueTime(
  { sentAt }: Pick<Notifying, "sentAt">,
  messageAt: number,
  { now, isConnected, quietUntil }: Circumstances,
): number {
  // The conversation's clock may be ahead of this one's.
  const waits = isConnected ? Math.min(messageAt, now) + GRACE_MS : now;
  const collapsed = sentAt === undefined ? 0 : sentAt + COLLAPSE_MS;
  return Math.max(now, waits, collapsed, quietUntil ?? 0);
}

/** Something may have to be notified of; what is due already carries it along. */
export function due(
  state: Notifying,
  messageAt: number,
  id: string,
  circumstances: Circumstances,
): Notifying {
  if (state.dueAt !== undefined) return state;
  const dueAt = dueTime(state, messageAt, circumstances);
  return { ...state, dueAt, id: state.id ?? id };
}

/** The last connection has ended: nothing waits for the user to read it there. */
export function broughtForward(state: Notifying, circumstances: Circumstances): Notifying {
  if (state.dueAt === undefined) return state;
  const dueAt = dueTime(state, 0, { ...circumstances, isConnected: false });
  return dueAt < state.dueAt ? { ...state, dueAt } : state;
}

/** The circumstances have changed otherwise: what is due waits as if its message were sent now. */
export function rescheduled(state: Notifying, circumstances: Circumstances): Notifying {
  if (state.dueAt === undefined) return state;
  const dueAt = dueTime(state, circumstances.now, circumstances);
  return dueAt === state.dueAt ? state : { ...state, dueAt };
}

/** Everything that was due has been read; something else is due at a later time, if it is not read until then. */
export function renewed(state: Notifying, at: number, id: string): Notifying {
  return { ...state, dueAt: Math.min(state.dueAt ?? Number.POSITIVE_INFINITY, at), id };
}

/** What is due waits until a later time. */
export function postponed(state: Notifying, until: number): Notifying {
  return { ...state, dueAt: Math.max(state.dueAt ?? 0, until) };
}

/** Nothing is due: there is nothing any more, or the user wants none. */
export function cleared(state: Notifying): Notifying {
  if (state.dueAt === undefined && state.id === undefined) return state;
  return { ...state, dueAt: undefined, id: undefined };
}

/** The conversation was asked at a revision; there is nothing before it. */
export function asked(state: Notifying, { epoch, rev }: Pick<Notifying, "epoch" | "rev">) {
  return { ...state, epoch, rev };
}

/** The user was notified; `nextId`: of what may have become due meanwhile, which waits for as long again. */
export function sent(state: Notifying, now: number, nextId: string): Notifying {
  const done = { sentAt: now, isShown: true, readAt: undefined, withdrawAt: undefined };
  if (state.dueAt === undefined) return { ...state, ...done, id: undefined };
  const dueAt = Math.max(state.dueAt, now + COLLAPSE_MS);
  return { ...state, ...done, id: nextId, dueAt };
}

/** The user has read everything, or is no longer in the conversation. */
export function read(state: Notifying, now: number): Notifying {
  const next = cleared(state);
  if (!next.isShown) return next;
  return { ...next, isShown: false, readAt: now, withdrawAt: now + LISTED_MS };
}

/** The host application was told that everything is read. */
export function withdrawn(state: Notifying): Notifying {
  return { ...state, withdrawAt: undefined };
}

/** The user's devices were told. */
export function closed(state: Notifying): Notifying {
  return { ...state, readAt: undefined };
}

/** Whether nothing of a state matters any more. */
export function isOver(state: Notifying, now: number): boolean {
  const { dueAt, sentAt, isShown, readAt, withdrawAt } = state;
  if (dueAt !== undefined || withdrawAt !== undefined) return false;
  if (isShown && now < (sentAt ?? now) + SHOWN_MS) return false;
  if (readAt !== undefined && now < readAt + NOTIFICATION_TTL_MS) return false;
  return sentAt === undefined || now >= sentAt + COLLAPSE_MS;
}
