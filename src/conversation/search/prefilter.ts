import type { SearchQuery } from "../../domain/search.ts";

/** A condition on rows of messages, in SQL. */
export interface Condition {
  sql: string;
  bindings: string[];
}

/** Anything but ASCII. */
const BEYOND_ASCII = "*[^\u0001-\u007f]*";

/**
 * What every message has that a query finds, as far as SQLite can tell: it saves reading most of the others. What
 * is folded of a text in ASCII is the same in lower case, with spaces for white space; of any other text, and of
 * files, it cannot tell. `senders`: folded ids of those that the query names, where they are known.
 */
export function prefilterOf(query: SearchQuery, senders?: readonly string[]): Condition {
  const conditions = ["deleted_at IS NULL", "sender_id IS NOT NULL"];
  const bindings: string[] = [];
  if (senders) {
    conditions.push("(lower(sender_id) IN (SELECT value FROM json_each(?)) OR sender_id GLOB ?)");
    bindings.push(JSON.stringify(senders), BEYOND_ASCII);
  }
  if (query.has.some((kind) => kind !== "link")) conditions.push("attachments IS NOT NULL");
  if (query.mentionsMe) conditions.push("mentions IS NOT NULL");
  if (query.terms.length > 0) {
    const words = query.terms.map(({ text }) => longestWord(text));
    const found = words.every(isAscii) ? words.map(() => "instr(lower(content), ?)") : ["0"];
    conditions.push(`(attachments IS NOT NULL OR content GLOB ? OR (${found.join(" AND ")}))`);
    bindings.push(BEYOND_ASCII, ...(words.every(isAscii) ? words : []));
  }
  return { sql: conditions.join(" AND "), bindings };
}

/** White space within a phrase may be of any kind in the text. */
function longestWord(text: string): string {
  return text
    .split(/\s+/)
    .reduce((longest, word) => (word.length > longest.length ? word : longest), "");
}

function isAscii(text: string): boolean {
  return [...text].every((character) => character <= "\u007f");
}
