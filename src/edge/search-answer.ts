import { isoTime } from "../live/wire.ts";
import type { FoundMessage, FoundMessages } from "./search.ts";
import { searchCursorOf } from "./search-cursor.ts";

/**
 * A page of results as JSON. Messages are written already; `headOf` has what else an API says of the conversation
 * of a hit.
 */
export function foundText(
  { hits, next, incomplete, failed }: FoundMessages,
  headOf: (conversation: FoundMessage["conversation"]) => object,
): string {
  const heads = new Map<string, string>();
  const texts = hits.map(({ conversation, hit: { text, found } }) => {
    const { conversationId } = conversation;
    const head = heads.get(conversationId) ?? JSON.stringify(headOf(conversation)).slice(1, -1);
    heads.set(conversationId, head);
    const { matches, snippet, files } = found;
    const where = JSON.stringify({ matches, snippet, files }).slice(1);
    return `{${head},"message":${text},${where}`;
  });
  const cursor = next ? searchCursorOf(next) : null;
  const searchedBack = next ? isoTime(next.place.createdAt) : null;
  const figures = JSON.stringify({ cursor, searchedBack, incomplete, failed });
  return `{"hits":[${texts}],${figures.slice(1)}`;
}
