import type { PendingMessage } from "../../../client/message.ts";
import type { WireMessage, WireRead } from "../../../client/received.ts";
import { dayOf, isSameDay } from "./time.ts";
import type { Failed } from "./unsent.ts";

/** Messages of one person stand together unless so much time lies between them. */
const TOGETHER_MS = 5 * 60_000;

/** A line of the timeline; `key` is the same as long as it is about the same. */
export type Row = { key: string } & (
  | { type: "day"; label: string }
  /** What follows has not been read. */
  | { type: "unread" }
  | { type: "system"; message: WireMessage }
  | { type: "message"; message: WireMessage; isFirst: boolean; isLast: boolean }
  | { type: "pending"; message: PendingMessage }
  | { type: "failed"; failed: Failed }
);

/** Everything of a conversation from top to bottom; `firstUnread` is a message's number. */
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

/** Who has read up to which of one's own messages: by the message's number. */
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
 * The first of others' messages that somebody has not read, if `unread` of them are not: told from the
 * end, because of messages that were loaded later nobody says who has read them.
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
    ({ number, senderId, deletedAt }) =>
      senderId !== null &&
      senderId !== me &&
      deletedAt === null &&
      !mine.some(({ from, to }) => from <= number && number <= to),
  );
  // Not among these: it is found once those before them are loaded.
  if (others.length < unread && hasOlder) return undefined;
  return others[Math.max(0, others.length - unread)]?.number;
}
