/**
 * The order of results of several conversations: newest first, at the same time by the id of the conversation,
 * within one by falling number.
 */

/** The place of a message in that order. */
export interface Place {
  /** Milliseconds since the epoch. */
  createdAt: number;
  conversationId: string;
  number: number;
}

/** Messages of a conversation with a lower number, or created before a time (milliseconds since the epoch). */
export type SearchBound = { number: number } | { time: number };

/** Negative: the first place comes before the second. */
export function comparePlaces(one: Place, other: Place): number {
  if (one.createdAt !== other.createdAt) return other.createdAt - one.createdAt;
  if (one.conversationId === other.conversationId) return other.number - one.number;
  return one.conversationId < other.conversationId ? -1 : 1;
}

/** The messages of a conversation that come behind a place: creation times never fall as numbers rise. */
export function boundBehind(
  place: Place | undefined,
  conversationId: string,
): SearchBound | undefined {
  if (!place) return undefined;
  const { createdAt, number } = place;
  if (conversationId === place.conversationId) return { number };
  return { time: conversationId > place.conversationId ? createdAt + 1 : createdAt };
}
