import { z } from "zod";
import { MAX_NUMBER, parseConversationId } from "../domain/id.ts";
import type { Place } from "../domain/search-order.ts";
import { cursorIn, cursorOf } from "./cursor.ts";

/** The largest time that a `Date` can have, in milliseconds since the epoch. */
const MAX_TIME = 8.64e15;

/** Where a page of results ended. */
export interface SearchPosition {
  place: Place;
  /** Only conversations that were active then or later; `null`: all. */
  since: number | null;
  /** Whether this page, or one before it, has missed something. */
  incomplete: boolean;
}

const time = z.number().int().min(-MAX_TIME).max(MAX_TIME);
const stored = z
  .tuple([
    time,
    z.string().refine((id) => parseConversationId(id) === id),
    z.number().int().min(1).max(MAX_NUMBER),
    time.nullable(),
    z.boolean(),
  ])
  .transform(([createdAt, conversationId, number, since, incomplete]): SearchPosition => {
    return { place: { createdAt, conversationId, number }, since, incomplete };
  });

export function searchCursorOf({ place, since, incomplete }: SearchPosition): string {
  const { createdAt, conversationId, number } = place;
  return cursorOf([createdAt, conversationId, number, since, incomplete]);
}

/** Reads it; refuses what is none. */
export function searchPositionOf(cursor: string): SearchPosition {
  return cursorIn(stored, cursor);
}
