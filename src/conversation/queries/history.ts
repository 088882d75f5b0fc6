import { unreachable } from "../../domain/error.ts";
import type { Message, Receipt } from "../../domain/message.ts";
import { firstNumberAfter, keptNumbers, type Numbers } from "../tables/messages.ts";
import { readersWithin } from "../tables/receipts.ts";
import type { RecentMessages } from "./recent.ts";

/** A page of a conversation's messages. */
export interface PageQuery {
  by: "page";
  /** Page 1 has the newest messages, or the oldest with `oldestFirst`. */
  page: number;
  pageSize: number;
  oldestFirst?: boolean;
  /**
   * Only messages before this one, or created before this time (milliseconds since the epoch).
   */
  before?: { number: number } | { time: number };
  /** Whether to answer who has read each of them. */
  readers?: boolean;
}

/** A part of a conversation's messages. Numbers are message numbers. */
export type HistoryQuery =
  | PageQuery
  | { by: "before" | "after" | "around"; number: number; limit: number };

export interface HistoryPage {
  /** In ascending order. */
  messages: Message[];
  /** The number of messages on all pages, including deleted ones and without those that are gone. */
  total: number;
  /** Whether there are messages before these. */
  hasEarlier?: boolean;
  /** By message number, where that was requested. */
  readers?: Map<number, Receipt[]>;
}

/** The same as text. */
export interface HistoryText {
  /** Each message as JSON, separated by commas, newest first unless asked for otherwise. */
  text: string;
  total: number;
}

/** The form in which a page is asked for. */
export interface FormOfPage {
  /** The name of a form. */
  form: string;
  /** The address that the caller connected to. */
  origin: string;
}

/**
 * A page of history. Because numbers have no gaps, but where messages are gone, a page is found by arithmetic: the
 * last page reads as many rows as the first.
 */
export function history(
  sql: SqlStorage,
  recent: RecentMessages,
  { lastNumber, purgedTo = 0 }: Numbers,
  query: HistoryQuery,
): HistoryPage {
  const places = new Places(keptNumbers(sql, purgedTo), purgedTo);
  const bound =
    query.by === "page" ? boundOf(sql, { lastNumber, purgedTo }, query.before) : lastNumber;
  const total = places.of(bound);
  const [from, to] = interval(total, query, (number) => places.of(number));
  const first = Math.max(1, from);
  const last = Math.min(to, total);
  const messages =
    first > last
      ? []
      : recent.between(places.numberAt(first), places.numberAt(last), { lastNumber, purgedTo });
  const page = { messages, total, hasEarlier: first > 1 };
  if (query.by !== "page" || !query.readers) return page;
  return { ...page, readers: readersWithin(sql, messages) };
}

/** The places of messages in the order of their numbers, beginning with 1, without those that are gone. */
class Places {
  private readonly kept: readonly number[];
  private readonly purgedTo: number;

  constructor(kept: readonly number[], purgedTo: number) {
    this.kept = kept;
    this.purgedTo = purgedTo;
  }

  /** The place of the message with a number, or of the last one before it. */
  of(number: number): number {
    if (number > this.purgedTo) return this.kept.length + number - this.purgedTo;
    return this.kept.filter((kept) => kept <= number).length;
  }

  numberAt(place: number): number {
    return this.kept[place - 1] ?? place - this.kept.length + this.purgedTo;
  }
}

/** The number of the last message before a bound, or one behind it that is gone. */
function boundOf(
  sql: SqlStorage,
  numbers: Numbers,
  before: { number: number } | { time: number } | undefined,
): number {
  if (!before) return numbers.lastNumber;
  if ("number" in before) return Math.min(numbers.lastNumber, before.number - 1);
  // Creation times never decrease.
  return firstNumberAfter(sql, "created_at", before.time - 1, numbers) - 1;
}

/** Places of messages; `placeOf`: of a number. */
function interval(
  total: number,
  query: HistoryQuery,
  placeOf: (number: number) => number,
): [from: number, to: number] {
  switch (query.by) {
    case "page": {
      const skipped = (query.page - 1) * query.pageSize;
      return query.oldestFirst
        ? [skipped + 1, skipped + query.pageSize]
        : [total - skipped - query.pageSize + 1, total - skipped];
    }
    case "before":
      return [placeOf(query.number - 1) - query.limit + 1, placeOf(query.number - 1)];
    case "after":
      return [placeOf(query.number) + 1, placeOf(query.number) + query.limit];
    case "around": {
      const from = placeOf(query.number) - Math.floor(query.limit / 2);
      return [from, from + query.limit - 1];
    }
    default:
      return unreachable(query);
  }
}
