import { type Conversation, KINDS, type Kind } from "./conversation.ts";
import { contains, type Range } from "./read-ranges.ts";

/** How long messages are kept. */

/** Days of retention at most: a hundred years. */
export const MAX_RETENTION_DAYS = 36_500;
const DAY_MS = 24 * 60 * 60_000;

/** Days by kind of conversation, as the setting `RETENTION_DAYS` says; of a kind without any, messages stay. */
export type RetentionDays = Partial<Record<Kind, number>>;

/** Whether a message is gone, or will be with the next run because it was unpinned. */
export function isGone(
  { purgedTo = 0, pins = [] }: Pick<Conversation, "purgedTo" | "pins">,
  number: number,
): boolean {
  return number <= purgedTo && !pins.some((pin) => pin.number === number);
}

/** What a conversation has of its own. */
export interface OwnRetention {
  retentionDays?: number | undefined;
  retentionByAdmin?: true | undefined;
}

/**
 * The days that messages of a conversation are kept; `undefined`: they stay. What an admin has set for it holds,
 * whatever the setting of its kind is; what its owner has set may only shorten that.
 */
export function effectiveDays(own: OwnRetention, setting: number | undefined): number | undefined {
  const { retentionDays, retentionByAdmin } = own;
  if (retentionDays === undefined || retentionByAdmin) return retentionDays ?? setting;
  return Math.min(retentionDays, setting ?? Infinity);
}

/** Messages that were created at this time or before are not kept any more; in milliseconds since the epoch. */
export function keptSince(days: number, now: number): number {
  return now - days * DAY_MS;
}

/** From when on a message is not kept any more. */
export function goneAt(createdAt: number, days: number): number {
  return createdAt + days * DAY_MS;
}

/** A message that may be removed. */
export interface Counted {
  number: number;
  senderId: string | null;
  isDeleted: boolean;
}

/**
 * How many of some messages, which come to count as read by a member, had counted so before: their own, those that
 * a block hides from them, and those that a range of theirs covers; of those behind what they have read up to.
 */
export function readAmong(
  messages: readonly Counted[],
  member: { userId: string; readUpTo: number; upTo: number },
  covered: readonly Range[],
  isHidden: (senderId: string, number: number) => boolean,
): number {
  let read = 0;
  for (const { number, senderId, isDeleted } of messages) {
    if (number <= member.readUpTo || number > member.upTo) continue;
    if (senderId === null || isDeleted) continue;
    const isOwn = senderId === member.userId;
    if (isOwn || contains(covered, number) || isHidden(senderId, number)) read++;
  }
  return read;
}

/** A setting as text: the same for settings that are the same. */
export function retentionText(days: RetentionDays): string {
  return KINDS.flatMap((kind) => (days[kind] === undefined ? [] : `${kind}=${days[kind]}`)).join();
}
