import { ok, type Result } from "./error.ts";
import type { Message } from "./message.ts";
import {
  FILTER_KEYS,
  type Filters,
  has,
  isNamed,
  ME,
  NO_FILTERS,
  refusedQuery,
  withFilter,
} from "./search-filters.ts";
import { folded } from "./search-folding.ts";
import { partsOf, type QueryPart } from "./search-parser.ts";
import { rangesOf, type TextRange } from "./search-ranges.ts";
import { snippetOf } from "./search-snippet.ts";
import { isFound, type Term } from "./search-words.ts";
import { codePoints } from "./text.ts";

/** Characters (code points) of a query at most. */
export const MAX_QUERY_LENGTH = 256;
/** Words, phrases, exclusions and filters of a query at most, together. */
export const MAX_QUERY_TERMS = 10;

/** What a query asks for. */
export interface SearchQuery extends Filters {
  /** Each must be found: in the content, or in the name of a file. */
  terms: readonly Term[];
  /** None may be found. */
  excluded: readonly Term[];
}

/** Who searches, and what of the conversation a query may name. */
export interface SearchContext {
  userId: string;
  /** The name of a user in the conversation; `null`: not known. */
  nameOf(userId: string): string | null;
  /**
   * The ids of all users of the conversation whose name a value of `from:` means (`isNamed`). With it an index
   * can be asked for them; it must agree with `nameOf`.
   */
  usersNamed?(wanted: string): readonly string[];
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

/** What a text asks for, or `invalid_query` with what is wrong. docs/search.md has the syntax. */
export function parseQuery(text: string): Result<SearchQuery> {
  const trimmed = text.trim();
  if (trimmed.length > MAX_QUERY_LENGTH && codePoints(trimmed) > MAX_QUERY_LENGTH) {
    return refusedQuery(`Search for at most ${MAX_QUERY_LENGTH} characters.`);
  }
  const parts = partsOf(trimmed.toWellFormed(), FILTER_KEYS);
  const last = parts.findLast((part) => !part.isExcluded && !part.key && !part.quotes);
  const terms: Term[] = [];
  const excluded: Term[] = [];
  let filters = NO_FILTERS;
  let count = 0;
  for (const part of parts) {
    if (part.key === undefined) {
      const term = termOf(part, part === last);
      if (term.text === "") continue;
      (part.isExcluded ? excluded : terms).push(term);
    } else {
      if (part.isExcluded)
        return refusedQuery(`Only words and phrases are excluded: not ${part.key}:.`);
      const more = withFilter(filters, part.key, part.text);
      if (!more.ok) return more;
      filters = more.value;
    }
    count++;
  }
  if (count > MAX_QUERY_TERMS) {
    return refusedQuery(`Search for at most ${MAX_QUERY_TERMS} words, phrases and filters.`);
  }
  if (count === excluded.length) {
    return refusedQuery("Search for a word, a phrase or a filter that is not excluded.");
  }
  return ok({ ...filters, terms, excluded });
}

/** The last word is a prefix, and a phrase that is still being typed. */
function termOf({ text, quotes, isExcluded }: QueryPart, isLastWord: boolean): Term {
  return { text: folded(text), isPrefix: isLastWord || (quotes === "open" && !isExcluded) };
}

/**
 * Whether a message is a result: this is the definition of one. Never a deleted message, one of the system, or one
 * that is hidden from its reader (`shownTo`). `in` is not looked at.
 */
export function matches(query: SearchQuery, message: Message, context: SearchContext): boolean {
  const { senderId, createdAt } = message;
  if (senderId === null || message.deletedAt !== null || message.hidden) return false;
  if (query.before !== undefined && createdAt >= query.before) return false;
  if (query.after !== undefined && createdAt < query.after) return false;
  if (!query.has.every((what) => has(message, what))) return false;
  if (query.mentionsMe && !mentions(message, context.userId)) return false;
  return textMatches(query, message) && isFrom(query, senderId, context);
}

/** By somebody else, or with everybody. */
function mentions(message: Message, userId: string): boolean {
  if (message.senderId === userId) return false;
  return message.mentionsAll === true || (message.mentions ?? []).includes(userId);
}

function textMatches({ terms, excluded }: SearchQuery, message: Message): boolean {
  if (terms.length + excluded.length === 0) return true;
  const texts = [message.content, ...message.attachments.map(({ name }) => name)].map(folded);
  const isThere = (term: Term) => texts.some((text) => isFound(term, text));
  return terms.every(isThere) && !excluded.some(isThere);
}

function isFrom({ from }: SearchQuery, senderId: string, context: SearchContext): boolean {
  if (from.length === 0) return true;
  if (from.includes(ME) && senderId === context.userId) return true;
  // Nobody is found by the id or the name "me" but who searches.
  const names = from.filter((wanted) => wanted !== ME);
  if (names.includes(folded(senderId))) return true;
  const name = names.length === 0 ? null : context.nameOf(senderId);
  return name !== null && names.some((wanted) => isNamed(name, wanted));
}

/** Whether a conversation is one of those that a query names with `in:`; true where it names none. */
export function isIn(
  query: Pick<SearchQuery, "in">,
  { id, title }: { id: string; title: string | null },
): boolean {
  if (query.in.length === 0) return true;
  return query.in.some(
    (wanted) => wanted === folded(id) || (title !== null && isNamed(title, wanted)),
  );
}

/** Where a message that matches does so: at most `MAX_RANGES` ranges in each text. */
export function foundIn({ terms }: SearchQuery, message: Message): Found {
  const inContent = rangesOf(terms, message.content);
  const files = message.attachments.map(({ name }, index) => ({
    index,
    matches: rangesOf(terms, name),
  }));
  return {
    matches: inContent,
    snippet: snippetOf(message.content, inContent[0]?.start ?? 0),
    files: files.filter(({ matches }) => matches.length > 0),
  };
}
