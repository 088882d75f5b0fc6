import { fail, ok, type Result } from "./error.ts";
import type { Message } from "./message.ts";

/** Characters (code points) of a query at most. */
export const MAX_QUERY_LENGTH = 256;
/** Words, phrases, exclusions and filters of a query at most, together. */
export const MAX_QUERY_TERMS = 10;

/** A word or a phrase, folded as texts are. */
export interface Term {
  text: string;
  /** Whether a word may go on after it. */
  isPrefix: boolean;
}

export type Has = "file" | "image" | "link";

/** What a query asks for. */
export interface SearchQuery {
  /** Each must be found: in the content, or in the name of a file. */
  terms: readonly Term[];
  /** None may be found. */
  excluded: readonly Term[];
  /** One of these must be the sender, by id or name; `me`: who searches. Folded. Empty: anybody. */
  from: readonly string[];
  /** One of these must be the conversation, by id or title. Folded. Empty: any. */
  in: readonly string[];
  /** Each must be there. */
  has: readonly Has[];
  /** Whether it must mention who searches. */
  mentionsMe: boolean;
  /** Sent before this time, and not before that one: milliseconds since the epoch. */
  before?: number;
  after?: number;
}

/** Who searches, and what of the conversation a query may name. */
export interface SearchContext {
  userId: string;
  /** The name of a user in the conversation; `null`: not known. */
  nameOf(userId: string): string | null;
}

/** A part of a text, in UTF-16 code units: `start` ≤ i < `end`. */
export interface TextRange {
  start: number;
  end: number;
}

/** Where a query was found in a message. Ranges are in ascending order and do not overlap. */
export interface Found {
  /** In the content. */
  matches: TextRange[];
  /** The part of the content that is worth showing first. */
  snippet: TextRange;
  /** In names of files, by the place of the file. */
  files: { index: number; matches: TextRange[] }[];
}

/** What a text asks for, or `invalid_query`. */
export function parseQuery(text: string): Result<SearchQuery> {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0 || words.length > MAX_QUERY_TERMS) return fail("invalid_query");
  const terms = words.map((word, index) => ({ text: word, isPrefix: index === words.length - 1 }));
  return ok({ terms, excluded: [], from: [], in: [], has: [], mentionsMe: false });
}

/**
 * Whether a message is a result: this is the definition of one. Never a deleted message, one of the system, or one
 * that is hidden from its reader ({@link shownTo}). `in` is not looked at.
 */
export function matches(
  { terms }: SearchQuery,
  message: Message,
  _context: SearchContext,
): boolean {
  if (message.senderId === null || message.deletedAt !== null || message.hidden) return false;
  const texts = [message.content, ...message.attachments.map(({ name }) => name)];
  return terms.every(({ text }) => texts.some((one) => one.toLowerCase().includes(text)));
}

/** Whether a conversation is one of those that a query names with `in:`; true where it names none. */
export function isIn(
  query: Pick<SearchQuery, "in">,
  conversation: { id: string; title: string | null },
): boolean {
  if (query.in.length === 0) return true;
  return query.in.some((name) => name === conversation.id || name === conversation.title);
}

/** Where a message that matches does so. */
export function foundIn(_query: SearchQuery, message: Message): Found {
  return { matches: [], snippet: { start: 0, end: message.content.length }, files: [] };
}
