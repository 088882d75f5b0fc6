import { NOTIFICATION_TTL_MS } from "./notification.ts";

/** When what a receiver did not take is sent again. */

/** The pause after a first failure. */
const MIN_BACKOFF_MS = 5_000;
/** The longest pause, unless the receiver asks for a longer one. */
const MAX_BACKOFF_MS = 15 * 60_000;
/** The share of a pause that is added at random, so that users of one service do not return together. */
const JITTER = 0.2;

/** What is known of a receiver. All of its deliveries share it. */
export interface ReceiverState {
  /** Failures in a row. */
  failures: number;
  /** With failures: nothing is sent before, in milliseconds since the epoch. */
  retryAt: number;
  /** The last failure was a rejection: what is new may be accepted, and gets its first attempt at once. */
  isRejecting: boolean;
  /** It wants no more, until the user comes back. */
  isStopped: boolean;
}

export const HEALTHY: ReceiverState = {
  failures: 0,
  retryAt: 0,
  isRejecting: false,
  isStopped: false,
};

/** A delivery to one receiver that has not been accepted; one for each conversation. */
export interface PendingDelivery {
  receiver: string;
  conversationId: string;
  /** The same for every attempt. */
  id: string;
  /** A notification: its messages are newer than this. `undefined`: it says that everything was read. */
  after: { epoch: string; rev: number } | undefined;
  /** When it stops being worth an attempt, in milliseconds since the epoch. */
  expiresAt: number;
  /** Attempts that have failed. */
  attempts: number;
}

/**
 * How long to wait after so many failures in a row, at least one: 5 s at first, doubled up to 15 min, and up
 * to a fifth more. `random` is in [0, 1).
 */
export function retryDelayMs(failures: number, random: number): number {
  const pause = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** (failures - 1));
  return Math.round(pause * (1 + JITTER * random));
}

/**
 * The state after a failure. Failures of attempts that were made at the same time count as one. A wish to
 * be left alone (`retryAfterMs`) is respected for as long as a notification is worth anything.
 */
export function afterFailure(
  state: ReceiverState,
  failure: { now: number; retryAfterMs: number | undefined; isRejected: boolean; random: number },
): ReceiverState {
  const { now, random, isRejected } = failure;
  const asked = now + Math.min(failure.retryAfterMs ?? 0, NOTIFICATION_TTL_MS);
  if (state.failures > 0 && now < state.retryAt) {
    const isRejecting = state.isRejecting && isRejected;
    return { ...state, retryAt: Math.max(state.retryAt, asked), isRejecting };
  }
  const failures = state.failures + 1;
  const retryAt = Math.max(now + retryDelayMs(failures, random), asked);
  return { failures, retryAt, isRejecting: isRejected, isStopped: false };
}

/**
 * What is still to be delivered of a conversation when something newer is. A notification takes in an older
 * one: its messages are those of both.
 */
export function replaced(
  older: PendingDelivery | undefined,
  newer: PendingDelivery,
): PendingDelivery {
  return older?.after && newer.after ? { ...newer, after: older.after } : newer;
}
