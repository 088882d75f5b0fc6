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
  /** Armed for one call: unless somebody watches the inbox, the member rests again. */
  readonly isOnce: boolean;
  /** The inbox was called since the object woke. Before that it may have missed a commit. */
  readonly isKnown: boolean;
  /** Nobody was connected to the inbox when it answered last. */
  readonly isAway: boolean;
  /** The unread count that the inbox was told last; `undefined`: not known since the object woke. */
  readonly toldUnread: number | undefined;
  /** A call is under way, for the state that `armings` had when it began. */
  readonly calling: number | undefined;
  /**
   * When the inbox is to be called, in milliseconds since the epoch, or {@link WITH_ALARM}; `undefined`: it
   * has everything.
   */
  readonly dueAt: number | undefined;
  readonly failures: number;
}

/** A time of calls that are made when the alarm fires which every commit has anyway. */
export const WITH_ALARM = Number.POSITIVE_INFINITY;

/** A member who is armed from now on. */
export const NEWLY_ARMED: Attention = {
  armings: 0,
  isStored: false,
  isOnce: false,
  isKnown: false,
  isAway: false,
  toldUnread: undefined,
  calling: undefined,
  dueAt: undefined,
  failures: 0,
};

/** A member who was armed before the object woke. */
export const RESTORED: Attention = { ...NEWLY_ARMED, isStored: true };

/** A member who rests and is to be told of something nevertheless. */
export const CALLED_ONCE: Attention = { ...NEWLY_ARMED, isOnce: true };

/** Somebody may have connected to the inbox: the answer to a call under way does not rest the member. */
export function rearmed(attention: Attention): Attention {
  return { ...attention, armings: attention.armings + 1, isAway: false, isOnce: false };
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
 * inbox is called with the latest state when the alarm fires, or at once where it shows messages as unread
 * that were read now. A retry is not brought forward.
 */
export function changed(attention: Attention, { now, isHere, own }: RowChange): Attention {
  const isUrgent = own === "read" ? (attention.toldUnread ?? 0) > 0 : own !== undefined;
  const dueAt = isHere && !isUrgent ? WITH_ALARM : now;
  if (attention.dueAt === undefined) return { ...attention, dueAt };
  if (attention.failures > 0) return attention;
  return { ...attention, dueAt: Math.min(attention.dueAt, dueAt) };
}

/** The alarm fires. */
export function withAlarm(attention: Attention, now: number): Attention {
  return attention.dueAt === WITH_ALARM ? { ...attention, dueAt: now } : attention;
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

/** A call begins, which tells the inbox of so many unread messages. */
export function called(attention: Attention, unread: number): Attention {
  return { ...attention, calling: attention.armings, dueAt: undefined, toldUnread: unread };
}

/** The inbox answered. `rest`: the member is no longer armed. */
export function answered(
  attention: Attention,
  answer: InboxAnswer,
  unread: number,
): Attention | "rest" {
  const isCurrent = attention.calling === attention.armings;
  const isAway = answer === "away" && isCurrent;
  if (isAway && (unread > 0 || attention.isOnce)) return "rest";
  const idle = { calling: undefined, failures: 0 };
  return { ...attention, ...idle, isAway, isKnown: true, isOnce: false };
}

/** A call failed, and is to be repeated at `retryAt`. */
export function failed(attention: Attention, retryAt: number): Attention {
  const { failures } = attention;
  return { ...attention, calling: undefined, failures: failures + 1, dueAt: retryAt };
}
