import type { SearchContext } from "../../domain/search.ts";
import type { OpenConversation } from "../open.ts";
import { memberOf } from "../tables/members.ts";

/** Whom a query may name in a conversation, as of the beginning of a search. */
export interface SearchNames {
  context: SearchContext;
  /** Rows that were read. */
  rows: number;
}

/** The members of a conversation, those who left included. */
export function searchNames({ sql }: OpenConversation, userId: string): SearchNames {
  const known = new Map<string, string | null>();
  const nameOf = (one: string) => {
    const name = known.get(one);
    if (name !== undefined) return name;
    const read = memberOf(sql, one)?.name ?? null;
    known.set(one, read);
    return read;
  };
  return { context: { userId, nameOf }, rows: 0 };
}
