import { CHECK_AFTER_MS } from "../alarms.ts";
import type { InboxAnswer } from "./inbox-api.ts";

/**
 * What a conversation knows of the inbox of an armed member, and when it calls it next. Members who are
 * not armed rest: their inbox knows that it has to ask. Pure: every function returns a new value.
 */
export interface Attention {
  /** Counts how often the member was armed: an answer to a call from before that does not rest them. */
  readonly armings: number;
  /** Whether there is a row of it (`tables/armed.ts`). */
  readonly isStored: boolean;
  /** The inbox was called since the object woke. Before that it may have missed a commit. */
  readonly isKnown: boolean;
  /** Nobody was connected to the inbox when it answered last. */
  readonly isAway: boolean;
  /** The unread count that the inbox was last told; `undefined`: not known since the object woke. */
  readonly toldUnread: number | undefined;
  /** A call is under way, for the state that `armings` had when it began. */
  readonly calling: number | undefined;
  /** When the inbox is to be called, in milliseconds since the epoch; `undefined`: it has everything. */
  readonly dueAt: number | undefined;
  readonly failures: number;
}

/**
 * How long the inbox of a member who is connected to the conversation itself is not called. The alarm that
 * a commit sets anyway fires then.
 */
export const READING_ALONG_MS = CHECK_AFTER_MS;

/** A member who is armed from now on. */
export const NEWLY_ARMED: Attention = {
  armings: 0,
  isStored: false,
  isKnown: false,
  isAway: false,
  toldUnread: undefined,
  calling: undefined,
  dueAt: undefined,
  failures: 0,
};

/** A member who was armed before the object woke. */
export const RESTORED: Attention = { ...NEWLY_ARMED, isStored: true };

/** Somebody may have connected to the inbox: the answer to a call under way does not rest the member. */
export function rearmed(attention: Attention): Attention {
  return { ...attention, armings: attention.armings + 1, isAway: false };
}

/** Something that changed a member's row. */
export interface RowChange {
  now: number;
  /** The member is connected to the conversation itself. */
  isHere: boolean;
  /** What the member did, on one of their devices; the others are to show it at once. */
  own: "read" | "membership or flag" | undefined;
}

/**
 * Something changed for the member. Those who are connected to the conversation itself get it there; their
 * inbox is called after {@link READING_ALONG_MS}, with the latest state, or at once where it shows messages
 * as unread that were read now. A retry is not brought forward.
 */
export function changed(attention: Attention, { now, isHere, own }: RowChange): Attention {
  const isUrgent = own === "read" ? (attention.toldUnread ?? 0) > 0 : own !== undefined;
  const dueAt = now + (isHere && !isUrgent ? READING_ALONG_MS : 0);
  if (attention.dueAt === undefined) return { ...attention, dueAt };
  if (attention.failures > 0) return attention;
  return { ...attention, dueAt: Math.min(attention.dueAt, dueAt) };
}

/** Whether the inbox is to be called now. */
export function isDue({ calling, dueAt }: Attention, now: number): boolean {
  return calling === undefined && dueAt !== undefined && dueAt <= now;
}

/**
 * Whether a call can be left out: nobody was connected to the inbox, which has stored that it has to ask,
 * and there is nothing that the member would have to be told of.
 */
export function isNeedless({ isAway }: Attention, unread: number): boolean {
  return isAway && unread === 0;
}

/** There was nothing to call for. */
export function skipped(attention: Attention): Attention {
  return { ...attention, dueAt: undefined, isKnown: true };
}

/** A call begins. */
export function called(attention: Attention): Attention {
  return { ...attention, calling: attention.armings, dueAt: undefined };
}

/** The inbox answered. `rest`: the member is no longer armed. */
export function answered(
  attention: Attention,
  answer: InboxAnswer,
  unread: number,
): Attention | "rest" {
  const isCurrent = attention.calling === attention.armings;
  const isAway = answer === "away" && isCurrent;
  if (isAway && unread > 0) return "rest";
  const told = { isKnown: true, toldUnread: unread };
  return { ...attention, ...told, isAway, calling: undefined, failures: 0 };
}

/** A call failed, and is to be repeated at `retryAt`. */
export function failed(attention: Attention, retryAt: number): Attention {
  const { failures } = attention;
  return { ...attention, calling: undefined, failures: failures + 1, dueAt: retryAt };
}
