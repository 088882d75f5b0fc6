import type { SearchContext, SearchQuery } from "../../domain/search.ts";
import { isNamed, ME } from "../../domain/search-filters.ts";
import { folded } from "../../domain/search-folding.ts";
import type { OpenConversation } from "../open.ts";
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

export function searchNames(
  { sql }: OpenConversation,
  userId: string,
  { from }: SearchQuery,
): SearchNames {
  const wanted = from.filter((name) => name !== ME);
  const listed = wanted.length > 0 ? namesOfMembers(sql, MAX_LISTED + 1) : new Map();
  if (listed.size > MAX_LISTED) {
    return { context: namedOneByOne(sql, userId), senders: undefined, rows: listed.size };
  }
  const usersNamed = (name: string) => [...idsNamed(listed, name)];
  const context =
    wanted.length > 0
      ? { userId, nameOf: (one: string) => listed.get(one) ?? null, usersNamed }
      : namedOneByOne(sql, userId);
  const ids = from.flatMap((name) => (name === ME ? [userId] : [name, ...usersNamed(name)]));
  return { context, senders: from.length > 0 ? ids.map(folded) : undefined, rows: listed.size };
}

function* idsNamed(names: ReadonlyMap<string, string | null>, wanted: string): Iterable<string> {
  for (const [userId, name] of names) {
    if (name !== null && isNamed(name, wanted)) yield userId;
  }
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
