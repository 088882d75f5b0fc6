import type { SearchAnswer, SearchHit } from "../conversation/queries/search-api.ts";
import { lacksMethod } from "../conversation/rpc-versions.ts";
import { CallTimeouts } from "../conversation/timeout.ts";
import type { ErrorCode, Result } from "../domain/error.ts";
import type { SearchCall, SearchMerge } from "../domain/search-merge.ts";
import { log } from "../logging.ts";

/** Conversations that are asked at the same time. */
const CALLS_AT_A_TIME = 32;
/** A call is overdue between this time and twice it. */
const CALL_TIMEOUT_MS = 1_500;
/** No call is begun after this time. */
const BEGIN_WITHIN_MS = 3_000;

/** What somebody is told of a conversation whose messages they may not read. */
const MAY_NOT_READ = new Set<ErrorCode>([
  ...(["conversation_not_found", "not_a_member", "banned_here", "forbidden"] as const),
]);

/** Asks one conversation. */
export type AskSearch = (call: SearchCall) => Promise<Result<SearchAnswer>>;

/**
 * Makes the calls of a merge until its page is complete, 32 at a time, and none after three seconds. One that
 * fails or takes too long is logged, and is the merge's to report.
 */
export async function runSearch(
  merge: SearchMerge<SearchHit>,
  ask: AskSearch,
  requestId: string,
): Promise<void> {
  const timeouts = new CallTimeouts(CALL_TIMEOUT_MS);
  const end = Date.now() + BEGIN_WITHIN_MS;
  const next = () => (Date.now() < end ? merge.next() : undefined);
  const work = async () => {
    for (let call = next(); call; call = next()) {
      const answer = await timeouts
        .limit(ask(call))
        .catch((error: unknown) => failureOf(error, call.conversationId, requestId));
      take(merge, call, answer);
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_A_TIME }, work));
}

function take(
  merge: SearchMerge<SearchHit>,
  call: SearchCall,
  answer: Result<SearchAnswer> | undefined,
): void {
  if (answer?.ok) merge.answered(call, answer.value);
  else if (answer && MAY_NOT_READ.has(answer.error.code)) merge.refused(call);
  else merge.unanswered(call);
}

/** An object of the previous version, which cannot search, is expected for a minute after a deploy. */
function failureOf(error: unknown, conversationId: string, requestId: string): undefined {
  if (lacksMethod(error, "search")) return;
  log("search_failed", { requestId, conversationId, error });
}
