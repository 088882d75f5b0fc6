import { normalizedUserId } from "./person.ts";

/** People that one message mentions at most, besides everybody. */
export const MAX_MENTIONS = 50;
/**
 * Unread mentions are counted among the newest so many of a member and of everybody, which bounds what
 * counting reads. Clients show this count and higher ones as "99+".
 */
export const MENTIONS_COUNTED = 100;
/** Stands for all members where a user id is stored; no user id is empty. */
export const EVERYBODY = "";

/** Whom a message mentions; absent fields: nobody. */
export interface Mentions {
  /** User ids, in the order of the sender. Never empty. */
  mentions?: string[];
  mentionsAll?: true;
}

/** Mentions as a client asks for them. */
export interface AskedMentions {
  mentions?: readonly string[] | undefined;
  mentionsAll?: boolean | undefined;
}

/** Mentions in their stored and compared form; what is not asked for is as it was before. */
export function mentionsOf(asked: AskedMentions, before: Mentions = {}): Mentions {
  const mentions = asked.mentions?.map(normalizedUserId) ?? before.mentions ?? [];
  const all = asked.mentionsAll ?? before.mentionsAll ?? false;
  return { ...(mentions.length > 0 && { mentions }), ...(all && { mentionsAll: true as const }) };
}

/** Mentions as one list: the user ids, and {@link EVERYBODY}. */
export function mentionList({ mentions = [], mentionsAll }: Mentions): string[] {
  return mentionsAll ? [EVERYBODY, ...mentions] : mentions;
}

/** The same of a list. */
export function mentionsInList(list: readonly string[]): Mentions {
  const mentions = list.filter((userId) => userId !== EVERYBODY);
  return mentionsOf({ mentions, mentionsAll: list.includes(EVERYBODY) });
}

/** Whose unread mentions a message counts in: {@link EVERYBODY} alone, or single people, never its sender. */
export function mentionedBy(message: Mentions & { senderId: string | null }): string[] {
  if (message.mentionsAll) return [EVERYBODY];
  return (message.mentions ?? []).filter((userId) => userId !== message.senderId);
}
