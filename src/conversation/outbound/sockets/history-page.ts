import { Buffer } from "node:buffer";
import type { Message } from "../../../domain/message.ts";
import type { FrameId } from "../../../live/frames.ts";
import { MAX_SYNC_BYTES } from "../../../live/version.ts";
import { type HistoryQuery, history } from "../../queries/history.ts";
import type { WriteMessage } from "../../queries/message-texts.ts";
import { frameOf } from "./sync-frame.ts";
import type { View } from "./view.ts";

/**
 * The answer to `history`: the page, or as much of it as fits, beginning with what is nearest to the
 * requested message. It moves no cursor.
 */
export function historyPage(view: View, query: HistoryQuery, id: FrameId): string {
  const { sql, recent, write } = view;
  const { counters, conversation } = view.memory;
  const numbers = { lastNumber: counters.lastNumber, purgedTo: conversation.purgedTo };
  const { messages: page, hasEarlier = false } = history(sql, recent, numbers, query);
  const { start, json } = nearest(page, query, write);
  const last = page[start + json.length - 1]?.number ?? counters.lastNumber;
  return frameOf({
    messages: json,
    members: [],
    reads: [],
    conversation: "null",
    // Whether there is more beyond the page, in the requested direction.
    more: query.by === "after" ? last < counters.lastNumber : start > 0 || hasEarlier,
    id,
  });
}

/** As much of a page as fits, grown from where the query points to; at least one message. */
function nearest(
  page: readonly Message[],
  query: HistoryQuery,
  write: WriteMessage,
): { start: number; json: string[] } {
  const anchor = query.by === "around" ? query.number : query.by === "after" ? 0 : Infinity;
  let start = page.findIndex(({ number }) => number >= anchor);
  if (start < 0) start = page.length;
  let end = start;
  const json: string[] = [];
  let bytes = 0;
  const take = (index: number): boolean => {
    const message = page[index];
    if (!message) return false;
    const text = write(message);
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > MAX_SYNC_BYTES && json.length > 0) return false;
    if (index < start) json.unshift(text);
    else json.push(text);
    return true;
  };
  // In turns, so that a page around a message has what is on both of its sides.
  for (let grows = true; grows; ) {
    const after = take(end);
    if (after) end++;
    const before = take(start - 1);
    if (before) start--;
    grows = (after || before) && bytes <= MAX_SYNC_BYTES;
  }
  return { start, json };
}
