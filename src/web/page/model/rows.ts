import type { PendingMessage } from "../../../client/message.ts";
import type { WireMessage, WireRead } from "../../../client/received.ts";
import { dayOf, isSameDay } from "./time.ts";
import type { Failed } from "./unsent.ts";

/** Messages of one author are grouped unless they are further apart than this. */
const TOGETHER_MS = 5 * 60_000;

/** A row of the timeline; `key` is stable for the same subject. */
export type Row = { key: string } & (
  | { type: "day"; label: string }
  /** The rows below are unread. */
  | { type: "unread" }
  | { type: "system"; message: WireMessage }
  | { type: "message"; message: WireMessage; isFirst: boolean; isLast: boolean }
  | { type: "pending"; message: PendingMessage }
  | { type: "failed"; failed: Failed }
);

/** All rows of a conversation from top to bottom; `firstUnread` is a message number. */
export function rowsOf(
  messages: readonly WireMessage[],
  pending: readonly PendingMessage[],
  failed: readonly Failed[],
  firstUnread: number | undefined,
): Row[] {
  const rows: Row[] = [];
  for (const [index, message] of messages.entries()) {
    const [before, after] = [messages[index - 1], messages[index + 1]];
    const at = new Date(message.createdAt);
    if (!before || !isSameDay(new Date(before.createdAt), at)) {
      rows.push({ key: `day-${message.number}`, type: "day", label: dayOf(at) });
    }
    if (message.number === firstUnread) rows.push({ key: "unread", type: "unread" });
    if (message.senderId === null) {
      rows.push({ key: message.id, type: "system", message });
      continue;
    }
    const isFirst = !isTogether(before, message) || message.number === firstUnread;
    const isLast = !isTogether(message, after) || after?.number === firstUnread;
    rows.push({
      key: message.clientMessageId ?? message.id,
      type: "message",
      message,
      isFirst,
      isLast,
    });
  }
  for (const message of pending) {
    rows.push({ key: message.clientMessageId, type: "pending", message });
  }
  for (const one of failed) {
    rows.push({ key: one.message.clientMessageId, type: "failed", failed: one });
  }
  return rows;
}

function isTogether(one: WireMessage | undefined, next: WireMessage | undefined): boolean {
  if (!one || !next || one.senderId !== next.senderId) return false;
  const [first, second] = [new Date(one.createdAt), new Date(next.createdAt)];
  return isSameDay(first, second) && second.getTime() - first.getTime() < TOGETHER_MS;
}

/** By message number of the user's own messages: who has read up to it. */
export function seenBy(
  messages: readonly WireMessage[],
  reads: Iterable<WireRead>,
  me: string,
): Map<number, string[]> {
  const newest = new Map<string, number>();
  const mine = messages.filter((message) => message.senderId === me && message.deletedAt === null);
  for (const { userId, from, to } of reads) {
    if (userId === me) continue;
    const read = mine.findLast(({ number }) => number >= from && number <= to);
    if (read && read.number > (newest.get(userId) ?? 0)) newest.set(userId, read.number);
  }
  const seen = new Map<number, string[]>();
  for (const [userId, number] of newest) seen.set(number, [...(seen.get(number) ?? []), userId]);
  return seen;
}

/**
 * The first unread message of others, given that `unread` of them are unread. Counted from the end, because
 * read marks of older pages are not loaded.
 */
export function firstUnreadIn(
  messages: readonly WireMessage[],
  reads: Iterable<WireRead>,
  me: string,
  unread: number,
  hasOlder: boolean,
): number | undefined {
  const mine = [...reads].filter(({ userId }) => userId === me);
  const others = messages.filter(
    ({ number, senderId, deletedAt, hidden }) =>
      senderId !== null &&
      senderId !== me &&
      !hidden &&
      deletedAt === null &&
      !mine.some(({ from, to }) => from <= number && number <= to),
  );
  // It is in an older page that is not loaded yet.
  if (others.length < unread && hasOlder) return undefined;
  return others[Math.max(0, others.length - unread)]?.number;
}
