import type { InboxAnswer } from "./inbox-api.ts";

/**
 * What an inbox is called for: every change of its row, because somebody watches it or nothing else is
 * known; new messages, of which it notifies its user; mentions alone, likewise; nothing.
 */
export type Interest = "rows" | "messages" | "mentions" | "none";

/**
 * What a conversation knows of the inbox of an armed member, and when it calls it next. Members who are
 * not armed rest: their inbox knows that it has to ask. Pure: every function returns a new value.
 */
export interface Attention {
  /** Counts how often the member was armed: an answer to a call from before that does not rest them. */
  readonly armings: number;
  /** The interest in their row (`tables/armed.ts`); `undefined`: there is no row. */
  readonly stored: Interest | undefined;
  /** Armed for one call: unless the inbox wants more, the member rests again. */
  readonly isOnce: boolean;
  /** The inbox was called since the object woke. Before that it may have missed a commit. */
  readonly isKnown: boolean;
  readonly interest: Interest;
  /** The unread count that the inbox was told last; `undefined`: not known since the object woke. */
  readonly toldUnread: number | undefined;
  /** When the inbox was called last, in milliseconds since the epoch; 0: not since the object woke. */
  readonly calledAt: number;
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

/** An inbox that only notifies is called for more unread messages so often at most: it does not notify sooner. */
export const NOTIFY_EVERY_MS = 30_000;

/** A member who is armed from now on. */
export const NEWLY_ARMED: Attention = {
  armings: 0,
  stored: undefined,
  isOnce: false,
  isKnown: false,
  interest: "rows",
  toldUnread: undefined,
  calledAt: 0,
  calling: undefined,
  dueAt: undefined,
  failures: 0,
};

/** A member who rests and is to be told of something nevertheless. */
export const CALLED_ONCE: Attention = { ...NEWLY_ARMED, isOnce: true };

/** A member who was armed before the object woke. */
export function restored(interest: Interest): Attention {
  return { ...NEWLY_ARMED, interest, stored: interest };
}

/** Somebody may have connected to the inbox: the answer to a call under way does not rest the member. */
export function rearmed(attention: Attention): Attention {
  return { ...attention, armings: attention.armings + 1, interest: "rows", isOnce: false };
}

/** Nothing; a message that came or went; a message that mentions the member. Each is more than the one before. */
export type News = "none" | "message" | "mention";

/** Something that changed a member's row. */
export interface RowChange {
  now: number;
  /** The member is connected to the conversation itself. */
  isHere: boolean;
  /** What the member did, on one of their devices; the others are to show it at once. */
  own: "read" | "membership or flag" | undefined;
  /** What of it the member may be notified of. */
  news: News;
}

/**
 * Something changed for the member. Those who are connected to the conversation itself get it there; their
 * inbox is called with the latest state when the alarm fires, or at once where it shows messages as unread
 * that were read now. A retry is not brought forward.
 */
export function changed(attention: Attention, change: RowChange): Attention {
  const { interest, dueAt: planned, failures } = attention;
  if (change.own === undefined && isIrrelevant(interest, change.news)) return attention;
  const dueAt = timeOf(attention, change);
  if (planned === undefined) return { ...attention, dueAt };
  if (failures > 0) return attention;
  return { ...attention, dueAt: Math.min(planned, dueAt) };
}

/** Whether news are less than an inbox is called for. */
function isIrrelevant(interest: Interest, news: News): boolean {
  return interest === "mentions" ? news !== "mention" : interest === "messages" && news === "none";
}

function timeOf(
  { interest, toldUnread, calledAt }: Attention,
  { now, isHere, own }: RowChange,
): number {
  const isTold = (toldUnread ?? 0) > 0;
  const isUrgent = own === "read" ? isTold : own !== undefined;
  if (isUrgent) return now;
  const isSpaced = interest === "messages" && own === undefined && isTold;
  const next = isSpaced ? calledAt + NOTIFY_EVERY_MS : now;
  if (next > now) return next;
  return isHere ? WITH_ALARM : now;
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
 * Whether a call can be left out: nobody is connected to the inbox, and there is neither anything that the
 * member would have to be told of, nor anything that the inbox was told of and that has been read since.
 */
export function isNeedless({ interest, toldUnread }: Attention, unread: number): boolean {
  if (unread > 0 || interest === "rows") return false;
  return interest === "none" || toldUnread === 0;
}

/** There was nothing to call for. */
export function skipped(attention: Attention): Attention {
  return { ...attention, dueAt: undefined, isKnown: true };
}

/** A call begins, which tells the inbox of so many unread messages. */
export function called(attention: Attention, unread: number, now: number): Attention {
  return {
    ...attention,
    ...{ calling: attention.armings, dueAt: undefined, toldUnread: unread, calledAt: now },
  };
}

/** The inbox answered. `rest`: the member is no longer armed. */
export function answered(
  attention: Attention,
  answer: InboxAnswer,
  unread: number,
): Attention | "rest" {
  const isCurrent = attention.calling === attention.armings;
  if (isCurrent && answer === "away" && (unread > 0 || attention.isOnce)) return "rest";
  return {
    ...attention,
    ...{ calling: undefined, failures: 0, isKnown: true, isOnce: false },
    // An inbox of a newer version may answer something else.
    interest: (isCurrent && INTERESTS[answer]) || "rows",
  };
}

const INTERESTS: Readonly<Record<InboxAnswer, Interest>> = {
  watching: "rows",
  away: "none",
  "notify of messages": "messages",
  "notify of mentions": "mentions",
};

/** A call failed, and is to be repeated at `retryAt`. */
export function failed(attention: Attention, retryAt: number): Attention {
  const { failures } = attention;
  return { ...attention, calling: undefined, failures: failures + 1, dueAt: retryAt };
}
