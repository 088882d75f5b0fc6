import type { SearchContext, SearchQuery } from "../../domain/search.ts";
import { isFoldedNamed, ME } from "../../domain/search-filters.ts";
import { folded } from "../../domain/search-folding.ts";
import type { OpenConversation } from "../open.ts";
import { nextTurn } from "../search/turn.ts";
import { memberOf, namesOfMembers } from "../tables/members.ts";

/** Whom a query may name in a conversation: its members and those who left, as of the beginning of a search. */
export interface SearchNames {
  context: SearchContext;
  /** Ids of the possible senders, folded, where the query names any and they are known. */
  senders: readonly string[] | undefined;
  /** Rows that were read. */
  rows: number;
}

/** Members whose names are looked at to find one. In a larger conversation the senders are, one by one. */
const MAX_LISTED = 5_000;
/** Names that are looked at in one turn: folding one takes up to some ten microseconds. */
const NAMES_SLICE = 1_000;

/** Finds them in slices, so that the object is not held for long. Reads at most `maxRows` rows, and one more. */
export async function searchNames(
  { sql, memory }: OpenConversation,
  userId: string,
  { from }: SearchQuery,
  maxRows: number,
): Promise<SearchNames> {
  const wanted = new Set(from.filter((name) => name !== ME));
  const most = Math.min(MAX_LISTED, maxRows);
  const isSmall = memory.counters.memberCount <= most;
  const listed = wanted.size > 0 && isSmall ? namesOfMembers(sql, most + 1) : new Map();
  const areListed = isSmall && listed.size <= most;
  if (wanted.size === 0 || !areListed) {
    const senders = wanted.size === 0 && from.length > 0 ? [folded(userId)] : undefined;
    return { context: namedOneByOne(sql, userId), senders, rows: listed.size };
  }
  const named = await idsByName(listed, wanted);
  const usersNamed = (name: string) => named.get(name) ?? [];
  const context = { userId, nameOf: (one: string) => listed.get(one) ?? null, usersNamed };
  const ids = from.flatMap((name) => (name === ME ? [userId] : [name, ...usersNamed(name)]));
  return { context, senders: ids.map(folded), rows: listed.size };
}

/** Whom each value means. A name is folded once. */
async function idsByName(
  names: ReadonlyMap<string, string | null>,
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string[]>> {
  const found = new Map(Array.from(wanted, (value): [string, string[]] => [value, []]));
  let looked = 0;
  for (const [userId, name] of names) {
    if (++looked % NAMES_SLICE === 0) await nextTurn();
    if (name === null) continue;
    const text = folded(name);
    for (const [value, ids] of found) if (isFoldedNamed(text, value)) ids.push(userId);
  }
  return found;
}

function namedOneByOne(sql: SqlStorage, userId: string): SearchContext {
  const known = new Map<string, string | null>();
  const nameOf = (one: string) => {
    const name = known.get(one);
    if (name !== undefined) return name;
    const read = memberOf(sql, one)?.name ?? null;
    known.set(one, read);
    return read;
  };
  return { userId, nameOf };
}
