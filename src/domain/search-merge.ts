import { boundBehind, comparePlaces, type Place, type SearchBound } from "./search-order.ts";

/** Rows of a call that is expected to find nothing which the page has room for. */
const PROBE_ROWS = 200;
/** At first each of many conversations is asked for so many times its even share of the page, and two hits at least. */
const EVEN_SHARES = 4;

/** A conversation that is searched. */
export interface SearchTarget {
  conversationId: string;
  /** About when it got its newest message: milliseconds since the epoch. */
  activity: number;
}

/** What a conversation is asked. */
export interface SearchCall {
  conversationId: string;
  before?: SearchBound;
  limit: number;
  maxRows: number;
}

type Numbered = Pick<Place, "number" | "createdAt">;

/** What a conversation answers: its hits, newest first, and the oldest message it looked at if there are older. */
export interface SearchPart<Hit> {
  hits: readonly Hit[];
  searchedBack?: Numbered;
  rows: number;
}

export interface MergeOptions {
  /** Most recently active first. */
  targets: readonly SearchTarget[];
  /** Only what comes behind it. */
  place?: Place | undefined;
  /** Hits of the page at most. */
  limit: number;
  /** Rows that all calls may read together, and one of them. */
  rows: number;
  rowsPerCall: number;
  /** Whether no target has a message behind the place that is newer than its `activity`. */
  isActivityExact: boolean;
}

interface Stop {
  place: Place;
  /** It is being asked, or has failed to answer: it is not asked again. */
  isAsked: boolean;
}

/**
 * One page of results from many conversations. `next` says whom to ask; the answers may come in any order, and
 * several calls may be under way. `page` has the hits of which nothing newer can be missing: where a conversation
 * was not searched far enough, those behind that place wait for the next page.
 */
export class SearchMerge<Hit extends Numbered> {
  private readonly options: MergeOptions;
  private readonly waiting: SearchTarget[];
  private rowsLeft: number;
  /** The first hits of all, at most as many as the page has. */
  private found: (Place & { hit: Hit })[] = [];
  /** Whether there are hits behind them, or conversations that were not asked because they have none before. */
  private hasMore = false;
  /** Up to where those conversations were searched which have older messages. */
  private readonly stops = new Map<string, Stop>();
  private readonly failed: string[] = [];

  constructor(options: MergeOptions) {
    this.options = options;
    this.waiting = [...options.targets];
    this.rowsLeft = options.rows;
  }

  /** The next call to make; `undefined`: none, as far as the answers say that are there. */
  next(): SearchCall | undefined {
    const target = this.waiting.shift();
    if (!target) return this.further();
    const isBehind = target.activity < (this.lastPlace?.createdAt ?? Number.NEGATIVE_INFINITY);
    if (isBehind && this.options.isActivityExact) {
      // Those that follow were active before.
      this.waiting.length = 0;
      this.hasMore = true;
      return this.further();
    }
    const { conversationId } = target;
    const bound = boundBehind(this.options.place, conversationId);
    const calls = this.waiting.length + 1;
    return isBehind
      ? this.callOf(conversationId, bound, { limit: 1, calls, maxRows: PROBE_ROWS })
      : this.callOf(conversationId, bound, { limit: this.firstLimit, calls });
  }

  /** Takes the answer to a call. */
  answered({ conversationId, maxRows }: SearchCall, part: SearchPart<Hit>): void {
    this.rowsLeft += maxRows - part.rows;
    this.merge(conversationId, part.hits);
    if (part.searchedBack) {
      const { number, createdAt } = part.searchedBack;
      this.stops.set(conversationId, {
        place: { createdAt, conversationId, number },
        isAsked: false,
      });
    } else this.stops.delete(conversationId);
  }

  /** A call was not answered: the conversation was not searched, or no further than before. */
  unanswered({ conversationId }: SearchCall): void {
    if (!this.stops.has(conversationId)) this.failed.push(conversationId);
  }

  /** A call was refused because its caller may not read the conversation: nothing of it is missing. */
  refused({ conversationId }: SearchCall): void {
    this.stops.delete(conversationId);
  }

  /** What is known now. Conversations that were not asked, and could have hits, count as failed. */
  page(): { hits: (Place & { hit: Hit })[]; next: Place | undefined; failed: string[] } {
    const failed = [...this.failed, ...this.waiting.map(({ conversationId }) => conversationId)];
    const end = this.unsettled()
      .map(({ place }) => place)
      .sort(comparePlaces)[0];
    if (end) {
      const hits = this.found.filter((place) => comparePlaces(place, end) <= 0);
      return { hits, next: end, failed };
    }
    const isMore = this.hasMore || this.stops.size > 0;
    return { hits: this.found, next: isMore ? this.lastPlace : undefined, failed };
  }

  /** The place of the last hit of a full page. */
  private get lastPlace(): Place | undefined {
    return this.found[this.options.limit - 1];
  }

  /** Hits that one of many conversations is asked for at first: few have a whole page of the newest. */
  private get firstLimit(): number {
    const { targets, limit } = this.options;
    return Math.min(limit, Math.max(2, Math.ceil((EVEN_SHARES * limit) / targets.length)));
  }

  /** The call that continues where the page ends too early. */
  private further(): SearchCall | undefined {
    if (this.rowsLeft <= 0) return undefined;
    const open = this.unsettled().filter(({ isAsked }) => !isAsked);
    const [stop] = open.sort((one, other) => comparePlaces(one.place, other.place));
    if (!stop) return undefined;
    stop.isAsked = true;
    const { conversationId, number } = stop.place;
    const { limit } = this.options;
    return this.callOf(conversationId, { number }, { limit, calls: open.length });
  }

  /** The stops before the end of the page: what is behind them may belong on it. */
  private unsettled(): Stop[] {
    const last = this.lastPlace;
    const stops = [...this.stops.values()];
    return last ? stops.filter(({ place }) => comparePlaces(place, last) < 0) : stops;
  }

  /** A call with its share of the rows that are left for so many calls. */
  private callOf(
    conversationId: string,
    before: SearchBound | undefined,
    options: { limit: number; calls: number; maxRows?: number },
  ): SearchCall {
    const share = Math.floor(this.rowsLeft / options.calls);
    const most = Math.min(share, this.options.rowsPerCall, options.maxRows ?? share);
    const maxRows = Math.max(1, most);
    this.rowsLeft -= maxRows;
    return { conversationId, limit: options.limit, maxRows, ...(before && { before }) };
  }

  private merge(conversationId: string, hits: readonly Hit[]): void {
    const placed = hits.map((hit) => {
      return { createdAt: hit.createdAt, conversationId, number: hit.number, hit };
    });
    const last = this.lastPlace;
    const fitting = last ? placed.filter((place) => comparePlaces(place, last) < 0) : placed;
    const all = [...this.found, ...fitting].sort(comparePlaces);
    if (fitting.length < placed.length || all.length > this.options.limit) this.hasMore = true;
    this.found = all.slice(0, this.options.limit);
  }
}
