/** Splits what somebody typed into a search field; `parseQuery` in search.ts says what the parts mean. */

/** A word, a phrase or a filter as it was typed. */
export interface QueryPart {
  isExcluded: boolean;
  /** In lower case; only one of those that the caller knows. */
  key: string | undefined;
  text: string;
  /** Where it has quotes; `open`: the closing one is not there yet. */
  quotes: "closed" | "open" | undefined;
}

/** Phones and word processors put them in place of `"`. */
const QUOTE = /^["＂“”„«»]/;
const STRAIGHT = /["＂]/;
const TYPOGRAPHIC = /[“”„«»]/;
/** Keyboards for Chinese and Japanese have a wide colon. */
const KEY = /^([a-z]+)[:：]/i;

/**
 * The parts of a query in their order. `-` excludes what follows it directly, but a further `-` does not:
 * `--force` is a word. Quotes within a word are part of it.
 */
export function partsOf(query: string, keys: ReadonlySet<string>): QueryPart[] {
  const parts: QueryPart[] = [];
  let rest = query.trimStart();
  while (rest !== "") {
    const isExcluded = /^-[^-\s]/.test(rest);
    if (isExcluded) rest = rest.slice(1);
    const named = KEY.exec(rest);
    const key = named?.[1]?.toLowerCase();
    const isKnown = named !== null && key !== undefined && keys.has(key);
    if (isKnown) rest = rest.slice(named[0].length);
    const { text, quotes, length } = QUOTE.test(rest) ? quoted(rest) : word(rest);
    parts.push({ isExcluded, key: isKnown ? key : undefined, text, quotes });
    rest = rest.slice(length).trimStart();
  }
  return parts;
}

type Read = Pick<QueryPart, "text" | "quotes"> & { length: number };

function word(rest: string): Read {
  const end = rest.search(/\s/);
  const text = end < 0 ? rest : rest.slice(0, end);
  return { text, quotes: undefined, length: text.length };
}

function quoted(rest: string): Read {
  const inside = rest.slice(1);
  const end = inside.search(STRAIGHT.test(rest.charAt(0)) ? STRAIGHT : TYPOGRAPHIC);
  if (end < 0) return { text: inside, quotes: "open", length: rest.length };
  return { text: inside.slice(0, end), quotes: "closed", length: end + 2 };
}
