import { Buffer } from "node:buffer";
import { fail, ok, type Result } from "../../../domain/error.ts";
import { messageIdOf } from "../../../domain/id.ts";
import type { Actor } from "../../../domain/policy.ts";
import { WINDOW_MS } from "../../../domain/rate-window.ts";
import type { FrameId } from "../../../live/frames.ts";
import { MAX_SYNC_BYTES } from "../../../live/version.ts";
import { errorEventOf, isoTime } from "../../../live/wire.ts";
import { log } from "../../../logging.ts";
import type { OpenConversation } from "../../open.ts";
import { isMember } from "../../queries/access.ts";
import { NATIVE_FORM } from "../../queries/message-texts.ts";
import { search } from "../../queries/search.ts";
import { MAX_SEARCH_ROWS, type SearchAnswer, type SearchHit } from "../../queries/search-api.ts";
import { type Frame, positionIn } from "./frame-decoding.ts";

/** Hits that `search` answers with when it does not say how many. */
const SEARCH_LIMIT = 20;

/** Who searches over a socket, where links of theirs begin, and whether the socket is still there. */
export interface Searcher {
  actor: Actor;
  origin: string;
  isThere: () => boolean;
}

/** The answer to `search`, as text: the event `found` or an error. Only for present members. */
export async function searchAnswer(
  open: OpenConversation,
  searcher: Searcher,
  frame: Frame<"search">,
): Promise<string> {
  const found = await searchFor(open, searcher, frame).catch((error) => {
    log("frame_failed", { error });
    return fail("internal");
  });
  if (!found.ok) return JSON.stringify(errorEventOf(found.error, frame.id));
  return foundText(open.memory.conversation.id, found.value, frame.id);
}

async function searchFor(
  open: OpenConversation,
  { actor, origin, isThere }: Searcher,
  { q, before, limit = SEARCH_LIMIT }: Frame<"search">,
): Promise<Result<SearchAnswer>> {
  const bound = before === undefined ? ok(undefined) : positionIn(open.memory, before);
  if (!bound.ok) return bound;
  // The commands before it in the frame are not behind it because the limiter is asked.
  open.settle();
  if (!(await open.searchRate.allows(actor))) {
    return fail("rate_limited", { retryAfterMs: WINDOW_MS });
  }
  const question = {
    ...{ q, limit, maxRows: MAX_SEARCH_ROWS },
    ...(bound.value !== undefined && { before: { number: bound.value } }),
  };
  const address = open.addressOf(origin);
  const options = { form: NATIVE_FORM, origin: address, isWanted: isThere };
  const found = await search(open, actor, question, options);
  // Whoever left may not read on here, whatever else they may.
  return isMember(open, actor.userId) ? found : fail("not_a_member");
}

/** The event `found` with as many hits as fit, and at least one. */
function foundText(conversationId: string, answer: SearchAnswer, id: FrameId): string {
  const hits: string[] = [];
  let bytes = 0;
  let last: SearchHit | undefined;
  for (const hit of answer.hits) {
    const text = hitText(hit);
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > MAX_SYNC_BYTES && last) break;
    hits.push(text);
    last = hit;
  }
  const isCut = hits.length < answer.hits.length;
  const back = isCut ? last : answer.searchedBack;
  const further = back && {
    cursor: messageIdOf(conversationId, back.number),
    searchedBack: isoTime(back.createdAt),
  };
  const rest = JSON.stringify({ ...(id !== undefined && { id }), ...further }).slice(1, -1);
  return `{"type":"found","hits":[${hits.join()}]${rest === "" ? "" : `,${rest}`}}`;
}

function hitText({ text, found }: SearchHit): string {
  return `{"message":${text},${JSON.stringify(found).slice(1)}`;
}
