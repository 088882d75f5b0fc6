import { type Failure, fail, ok, type Result } from "./error.ts";
import type { Message } from "./message.ts";
import { spanOf } from "./search-dates.ts";
import { folded } from "./search-folding.ts";
import { isFound } from "./search-words.ts";

const HAS = ["file", "image", "link"] as const;
export type Has = (typeof HAS)[number];

/** Behind `from:` and `mentions:` it stands for who searches. */
export const ME = "me";

/** What a query may ask of a message besides its text. */
export interface Filters {
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

export const NO_FILTERS: Filters = { from: [], in: [], has: [], mentionsMe: false };

/** The words before a colon that make a filter. */
export const FILTER_KEYS: ReadonlySet<string> = new Set([
  "from",
  "in",
  "has",
  "mentions",
  "before",
  "after",
]);

/** Filters with one more, of one of {@link FILTER_KEYS}; or why it is none, for `invalid_query`. */
export function withFilter(filters: Filters, key: string, text: string): Result<Filters> {
  const value = folded(text);
  if (value === "") return refusedQuery(`Write a value behind ${key}:, without a space.`);
  switch (key) {
    case "from":
      return ok({ ...filters, from: [...filters.from, value] });
    case "in":
      return ok({ ...filters, in: [...filters.in, value] });
    case "has": {
      const has = HAS.find((one) => one === value);
      if (!has) return refusedQuery("Behind has: stands file, image or link.");
      return ok({ ...filters, has: [...filters.has, has] });
    }
    case "mentions":
      if (value !== ME) return refusedQuery("Behind mentions: stands me.");
      return ok({ ...filters, mentionsMe: true });
    default:
      return withTime(filters, key, value.toUpperCase());
  }
}

/** Of several the narrowest counts. A day is excluded on both sides. */
function withTime(filters: Filters, key: string, text: string): Result<Filters> {
  const span = spanOf(text);
  if (!span) {
    return refusedQuery(`Behind ${key}: stands a date (2026-03-31) or a time (2026-03-31T08:00Z).`);
  }
  if (key === "before") {
    return ok({ ...filters, before: Math.min(span.start, filters.before ?? span.start) });
  }
  return ok({ ...filters, after: Math.max(span.end, filters.after ?? span.end) });
}

/** `invalid_query` with what is wrong. */
export function refusedQuery(message: string): Failure {
  return fail("invalid_query", { details: [{ path: "q", message }] });
}

/** Whether a name (of a user or a conversation) is meant by a filter: it has the value, as a word or its beginning. */
export function isNamed(name: string, wanted: string): boolean {
  return isFoldedNamed(folded(name), wanted);
}

/** The same of a name that is folded already: where many values are looked for in many names, folding takes longest. */
export function isFoldedNamed(name: string, wanted: string): boolean {
  // People write @ada and #general.
  const text = /^[@#]./u.test(wanted) ? wanted.slice(1) : wanted;
  return isFound({ text, isPrefix: true }, name);
}

const LINK = /https?:\/\/[^\s<>"]/i;

/** Whether a message has files, images or links. */
export function has(message: Pick<Message, "content" | "attachments">, what: Has): boolean {
  switch (what) {
    case "file":
      return message.attachments.length > 0;
    case "image":
      return message.attachments.some(({ mimeType }) => mimeType.startsWith("image/"));
    case "link":
      return LINK.test(message.content);
  }
}
