import type { SearchQuery } from "../../domain/search.ts";
import { isPlain, isPlainWithoutCase } from "../../domain/search-folding.ts";

/** A condition on rows of messages, in SQL. */
export interface Condition {
  sql: string;
  bindings: string[];
}

/** Whether a column holds anything but ASCII: characters of more than one byte. */
const isBeyondAscii = (column: string) => `octet_length(${column}) > length(${column})`;

/**
 * Texts that are folded otherwise than to their lower case hold a character beyond these: ASCII, Russian, kana,
 * ideographs and Korean syllables. A pattern has at most 50 bytes in workerd: there is no room for more.
 */
const BEYOND_PLAIN =
  "*[^\t\n\x20-\x7e\u0410-\u044f\u3001\u3002\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]*";

/**
 * A pattern takes some 0.1 µs for each character: of 2,000 texts of 5,000 Chinese characters a second, in one
 * turn. Longer texts are looked at as candidates, of which a turn is bounded by characters.
 */
const MAX_GLOB_BYTES = 400;

/**
 * What every message has that a query finds, as far as SQLite can tell: it saves reading most of the others. It can
 * tell of texts that are folded to their lower case; of others, and of files, it cannot. `senders`: folded ids of
 * those that the query names, where they are known.
 */
export function prefilterOf(query: SearchQuery, senders?: readonly string[]): Condition {
  const conditions = ["deleted_at IS NULL", "sender_id IS NOT NULL"];
  const bindings: string[] = [];
  if (senders) {
    const isNamed = "lower(sender_id) IN (SELECT value FROM json_each(?))";
    conditions.push(`(${isNamed} OR ${isBeyondAscii("sender_id")})`);
    bindings.push(JSON.stringify(senders));
  }
  if (query.has.some((kind) => kind !== "link")) conditions.push("attachments IS NOT NULL");
  if (query.mentionsMe) conditions.push("mentions IS NOT NULL");
  if (query.terms.length > 0) {
    const words = query.terms.map(({ text }) => longestWord(text));
    const told = words.filter(isPlainWithoutCase);
    const isThere = words.every(isPlain) ? told.map(() => "content LIKE ? ESCAPE '\\'") : ["0"];
    const isInPlain = isThere.length > 0 ? `(${isThere.join(" AND ")})` : "1";
    const isUnknown = `(octet_length(content) > ${MAX_GLOB_BYTES} OR content GLOB ?)`;
    const isBeyondPlain = `(${isBeyondAscii("content")} AND ${isUnknown})`;
    conditions.push(`(attachments IS NOT NULL OR ${isInPlain} OR ${isBeyondPlain})`);
    if (words.every(isPlain)) bindings.push(...told.map(patternOf));
    bindings.push(BEYOND_PLAIN);
  }
  return { sql: conditions.join(" AND "), bindings };
}

/** Characters of a word that are looked for: with those of three bytes, or escaped, a pattern has at most 50 bytes. */
const LOOKED_FOR = 15;

/** For LIKE, which ignores the case of ASCII letters, and takes a third of the time of looking in `lower`. */
function patternOf(word: string): string {
  return `%${word.slice(0, LOOKED_FOR).replace(/[%_\\]/g, "\\$&")}%`;
}

/** White space within a phrase may be of any kind in the text. */
function longestWord(text: string): string {
  return text
    .split(/\s+/)
    .reduce((longest, word) => (word.length > longest.length ? word : longest), "");
}
