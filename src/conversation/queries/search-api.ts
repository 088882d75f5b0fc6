import type { Conversation } from "../../domain/conversation.ts";
import type { Found } from "../../domain/search.ts";

/** Hits of one answer at most. */
export const MAX_HITS = 50;
/** Rows that one request reads at most, in all conversations together. */
export const MAX_SEARCH_ROWS = 200_000;

/** The RPC by which a conversation is searched. */
export interface SearchQuestion {
  /** As it was typed: `parseQuery` reads it. */
  q: string;
  /** Only messages with a lower number, or created before this time (milliseconds since the epoch). */
  before?: { number: number } | { time: number };
  /** 1 to {@link MAX_HITS}. */
  limit: number;
  /** Rows to read at most; some more are read where a slice of work has begun. */
  maxRows: number;
}

export interface SearchHit {
  number: number;
  createdAt: number;
  /** The message as JSON, in the form that was asked for. */
  text: string;
  found: Found;
}

/** Hits, newest first: all there are of messages from `searchedBack` on and before the question's bound. */
export interface SearchAnswer {
  hits: SearchHit[];
  /** The oldest message that was looked at; `undefined`: nothing older is left. */
  searchedBack?: { number: number; createdAt: number };
  /** Rows that were read. */
  rows: number;
  /** Which conversation it is; an object of the previous version does not say. */
  conversation?: Pick<Conversation, "kind" | "title">;
}
