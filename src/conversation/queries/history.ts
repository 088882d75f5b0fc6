import { unreachable } from "../../domain/error.ts";
import type { Message, Receipt } from "../../domain/message.ts";
import { firstNumberAfter } from "../tables/messages.ts";
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
  /** The number of messages on all pages, including deleted ones. */
  total: number;
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
 * A page of history. Because numbers have no gaps, a page is found by arithmetic: the last page
 * reads as many rows as the first.
 */
export function history(
  sql: SqlStorage,
  recent: RecentMessages,
  lastNumber: number,
  query: HistoryQuery,
): HistoryPage {
  const total = query.by === "page" ? boundOf(sql, lastNumber, query.before) : lastNumber;
  const [from, to] = interval(total, query);
  const first = Math.max(1, from);
  const last = Math.min(to, total);
  const messages = first > last ? [] : recent.between(first, last, lastNumber);
  if (query.by !== "page" || !query.readers) return { messages, total };
  return { messages, total, readers: readersWithin(sql, messages) };
}

/** The number of the last message before a bound. */
function boundOf(
  sql: SqlStorage,
  lastNumber: number,
  before: { number: number } | { time: number } | undefined,
): number {
  if (!before) return lastNumber;
  if ("number" in before) return Math.min(lastNumber, before.number - 1);
  // Creation times never decrease.
  return firstNumberAfter(sql, "created_at", before.time - 1, lastNumber) - 1;
}

function interval(total: number, query: HistoryQuery): [from: number, to: number] {
  switch (query.by) {
    case "page": {
      const skipped = (query.page - 1) * query.pageSize;
      return query.oldestFirst
        ? [skipped + 1, skipped + query.pageSize]
        : [total - skipped - query.pageSize + 1, total - skipped];
    }
    case "before":
      return [query.number - query.limit, query.number - 1];
    case "after":
      return [query.number + 1, query.number + query.limit];
    case "around": {
      const from = query.number - Math.floor(query.limit / 2);
      return [from, from + query.limit - 1];
    }
    default:
      return unreachable(query);
  }
}
