import type { Message } from "./message.ts";
import type { SearchContext, SearchQuery } from "./search.ts";

/**
 * The tokens of a message for a full-text index: of its content and the names of its files, and one for each of
 * the properties that a query may name. They hold no spaces.
 */
export function tokensOf(message: Message): string[] {
  return message.content.toLowerCase().split(/\s+/);
}

/** A token that a message must have; `isPrefix`: or one that begins so. */
export interface WantedToken {
  token: string;
  isPrefix: boolean;
}

/**
 * Tokens that every message has which matches a query: any of each inner list, all of the outer one. Empty: the
 * index cannot help.
 */
export function wantedTokens(query: SearchQuery, _context: SearchContext): WantedToken[][] {
  return query.terms.map(({ text, isPrefix }) => [{ token: text, isPrefix }]);
}
