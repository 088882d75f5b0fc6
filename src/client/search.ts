import type { z } from "zod";
import type { searchHitSchema, searchPageSchema } from "../contract/search.ts";

/** A message that was found. */
export type SearchHit = z.output<typeof searchHitSchema>;
/** Hits, newest first, and what was searched for them. */
export type SearchPage = z.output<typeof searchPageSchema>;
/** A part of a text in UTF-16 code units, without its end: `text.slice(start, end)`. */
export type TextRange = SearchHit["snippet"];

export interface SearchOptions {
  /** Searches this conversation alone; otherwise the user's 200 most recently active ones. */
  conversationId?: string;
  /** Hits of a page: 1 to 50, otherwise 20. */
  limit?: number;
  /** Continues behind the page that had it. */
  cursor?: string;
  /** Aborts it: the iterators reject with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * The result of a search: iterate over its hits, newest first, or over its pages. Each page is requested when
 * it is reached, once for each iterator. A page may have no hits and still a next one. Iterators reject with a
 * `ParleyError`; the `cursor` of the last page continues after it.
 */
export class Search implements AsyncIterable<SearchHit> {
  private readonly first: string | undefined;
  private readonly ask: (cursor: string | undefined) => Promise<SearchPage>;

  constructor(first: string | undefined, ask: (cursor: string | undefined) => Promise<SearchPage>) {
    this.first = first;
    this.ask = ask;
  }

  async *pages(): AsyncGenerator<SearchPage, void, undefined> {
    let cursor: string | null | undefined = this.first;
    do {
      const page = await this.ask(cursor);
      yield page;
      ({ cursor } = page);
    } while (cursor !== null);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SearchHit, void, undefined> {
    for await (const { hits } of this.pages()) yield* hits;
  }
}
