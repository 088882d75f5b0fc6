import { fail, ok, type Result } from "../../domain/error.ts";
import { shownTo } from "../../domain/hides.ts";
import type { Actor } from "../../domain/policy.ts";
import { foundIn, isIn, matches, parseQuery } from "../../domain/search.ts";
import type { OpenConversation } from "../open.ts";
import { memberOf } from "../tables/members.ts";
import { firstNumberAfter, messagesBetween } from "../tables/messages.ts";
import type { WriteMessage } from "./message-texts.ts";
import type { SearchAnswer, SearchHit, SearchQuestion } from "./search-api.ts";

/** Messages that are read at a time. */
const SLICE = 200;

/** The newest messages before a bound that a query finds, as the asker may read them. */
export async function search(
  open: OpenConversation,
  actor: Actor,
  question: SearchQuestion,
  write: WriteMessage,
): Promise<Result<SearchAnswer>> {
  const query = parseQuery(question.q);
  if (!query.ok) return query;
  const { sql, memory } = open;
  const { conversation, counters } = memory;
  if (!isIn(query.value, conversation)) return ok({ hits: [], rows: 0 });
  const nameOf = (userId: string) => memberOf(sql, userId)?.name ?? null;
  const context = { userId: actor.userId, nameOf };
  const hides = open.hidesOf(actor.userId);
  const hits: SearchHit[] = [];
  let rows = 0;
  let end = endOf(sql, question.before, counters.lastNumber);
  if (end > counters.lastNumber + 1) return fail("message_not_found");
  while (end > 1) {
    const slice = messagesBetween(sql, Math.max(1, end - SLICE), end - 1).reverse();
    rows += slice.length;
    for (const stored of slice) {
      const message = shownTo(stored, hides);
      if (!matches(query.value, message, context)) continue;
      const { number, createdAt } = message;
      hits.push({ number, createdAt, text: write(message), found: foundIn(query.value, message) });
      if (hits.length === question.limit) {
        return ok({ hits, rows, ...(number > 1 && { searchedBack: { number, createdAt } }) });
      }
    }
    end = slice.at(-1)?.number ?? 1;
    const last = slice.at(-1);
    if (last && last.number > 1 && rows >= question.maxRows) {
      return ok({ hits, rows, searchedBack: { number: last.number, createdAt: last.createdAt } });
    }
  }
  return ok({ hits, rows });
}

/** The number behind the last message that is searched. */
function endOf(sql: SqlStorage, before: SearchQuestion["before"], lastNumber: number): number {
  if (!before) return lastNumber + 1;
  if ("number" in before) return before.number;
  return firstNumberAfter(sql, "created_at", before.time - 1, lastNumber);
}
