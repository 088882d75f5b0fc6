import type { Message } from "../domain/message.ts";
import { firstNumberAfter, messagesBetween } from "./log/messages.ts";

/** Which part of a conversation's messages is wanted. Numbers are message numbers. */
export type HistoryQuery =
  /** Page 1 holds the newest. */
  | { by: "page"; page: number; pageSize: number }
  | { by: "before" | "after" | "around"; number: number; limit: number }
  /** Those created before a time, in milliseconds since the epoch. */
  | { by: "time"; before: number; limit: number };

export interface HistoryPage {
  /** Oldest first. */
  messages: Message[];
  /** All messages of the conversation, deleted ones included. */
  total: number;
}

/**
 * A page of history. Numbers have no gaps, so that every page is arithmetic: the last costs as many
 * rows as the first.
 */
export function history(sql: SqlStorage, lastNumber: number, query: HistoryQuery): HistoryPage {
  const [from, to] = bounds(sql, lastNumber, query);
  const messages =
    from > to ? [] : messagesBetween(sql, Math.max(1, from), Math.min(to, lastNumber));
  return { messages, total: lastNumber };
}

function bounds(sql: SqlStorage, lastNumber: number, query: HistoryQuery): [number, number] {
  switch (query.by) {
    case "page": {
      const to = lastNumber - (query.page - 1) * query.pageSize;
      return [to - query.pageSize + 1, to];
    }
    case "before":
      return [query.number - query.limit, query.number - 1];
    case "after":
      return [query.number + 1, query.number + query.limit];
    case "around": {
      const from = query.number - Math.floor(query.limit / 2);
      return [from, from + query.limit - 1];
    }
    case "time": {
      // The last one created before the time: creation times never run backwards.
      const to = firstNumberAfter(sql, "created_at", query.before - 1, lastNumber) - 1;
      return [to - query.limit + 1, to];
    }
  }
}
