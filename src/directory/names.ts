import { type SQL, type SQLWrapper, sql } from "drizzle-orm";
import { RANKS } from "../domain/name-words.ts";

/** How people and channels are found by the words of their names: what both searches share. */

/** Names that one request looks at; what is behind them is for the next. */
export const LOOKED_AT_MAX = 500;
/** What is read beside those of a page at first: some have the word twice, or are not visible. */
const MORE = 10;

/** A place in the order of results: by the word that was found, then by id. */
export interface NamePlace {
  word: string;
  id: string;
}

export interface NamePage {
  after: NamePlace | undefined;
  limit: number;
}

/** Results; `next`: there may be more behind this place. */
export interface FoundNames<Row> {
  items: Row[];
  next?: NamePlace | undefined;
}

/** A row that has the word that is looked for. */
export interface Candidate extends NamePlace {
  /** Whether its name has all words of the query, and this is the first word by which it is found. */
  isFound: number;
  /** Whether the caller may see it at all. */
  isVisible: number;
}

/**
 * A page of the candidates that are results, in order. It looks at {@link LOOKED_AT_MAX} at most, in two reads, so
 * it may be short, or empty, and have a next one. No place is told that the caller may not see.
 */
export async function foundAmong<Row extends Candidate>(
  read: (after: NamePlace | undefined, limit: number) => Promise<Row[]>,
  { after, limit }: NamePage,
): Promise<FoundNames<Row>> {
  const items: Row[] = [];
  let [place, seen]: (NamePlace | undefined)[] = [after, undefined];
  const first = limit + MORE;
  for (const size of [first, LOOKED_AT_MAX - first]) {
    const rows = await read(place, size);
    for (const row of rows) {
      if (row.isVisible === 0) continue;
      if (row.isFound === 1) {
        if (items.length === limit) return { items, next: placeOf(items.at(-1)) };
        items.push(row);
      }
      seen = row;
    }
    if (rows.length < size) return { items };
    place = rows.at(-1);
  }
  return { items, next: placeOf(seen) };
}

function placeOf(row: NamePlace | undefined): NamePlace | undefined {
  return row && { word: row.word, id: row.id };
}

/** The word of a query that other words are looked up for: the longest, of which there are fewest. */
export function rarestOf(searched: readonly string[]): string {
  return searched.reduce((longest, word) => (word.length > longest.length ? word : longest), "");
}

/** The first of a name's stored words that begins with `searched`; null: none. */
export function firstFound(words: SQLWrapper, searched: string): SQL {
  return sql`(SELECT min(value) FROM json_each(${words})
    WHERE key > 0 AND substr(value, 2, length(${searched})) = ${searched})`;
}

/** Whether a name's stored words, which have one word that is searched, have the others as well. */
export function hasAll(words: SQLWrapper, searched: readonly string[]): SQL {
  if (searched.length < 2) return sql`true`;
  return sql`NOT EXISTS (SELECT 1 FROM json_each(${JSON.stringify(searched)}) AS s
    WHERE NOT EXISTS (SELECT 1 FROM json_each(${words}) AS w
      WHERE w.key > 0 AND substr(w.value, 2, length(s.value)) = s.value))`;
}

/** Whether a row with `word` and `id` is behind a place. */
export function isBehind(after: NamePlace | undefined): SQL {
  return after ? sql`(word, id) > (${after.word}, ${after.id})` : sql`true`;
}

/** The rows of a table of words that begin with `searched`, in order: `word` and `id`. */
export function havingWord(
  { table, id }: { table: SQLWrapper; id: SQLWrapper },
  searched: string,
  after: NamePlace | undefined,
  limit: number,
): SQL {
  const ranges = RANKS.map((rank) => {
    const from = rank + searched;
    const isWithin = after !== undefined && after.word >= from;
    // One lower bound, because SQLite uses one.
    const lower = isWithin
      ? sql`(word, ${id}) > (${after.word}, ${after.id})`
      : sql`word >= ${from}`;
    return sql`SELECT * FROM (SELECT word, ${id} AS id FROM ${table}
      WHERE ${lower} AND word < ${`${from}\u{10ffff}`} ORDER BY word, ${id} LIMIT ${limit})`;
  });
  return sql.join(ranges, sql` UNION ALL `);
}
