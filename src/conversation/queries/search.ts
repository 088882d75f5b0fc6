import { fail, ok, type Result } from "../../domain/error.ts";
import { type Hides, shownTo } from "../../domain/hides.ts";
import { type Actor, refusal } from "../../domain/policy.ts";
import {
  foundIn,
  isIn,
  matches,
  parseQuery,
  type SearchContext,
  type SearchQuery,
} from "../../domain/search.ts";
import { wantedTokens } from "../../domain/search-tokens.ts";
import type { OpenConversation } from "../open.ts";
import { expressionOf } from "../search/expression.ts";
import { prefilterOf } from "../search/prefilter.ts";
import { nextTurn } from "../search/turn.ts";
import { Walk } from "../search/walk.ts";
import {
  changedAfter,
  createdFrom,
  firstNumberAfter,
  messageAt,
  type Numbers,
} from "../tables/messages.ts";
import { factsFor } from "./facts.ts";
import type { MessageForm } from "./message-texts.ts";
import type { SearchAnswer, SearchHit, SearchQuestion } from "./search-api.ts";
import { type SearchNames, searchNames } from "./search-names.ts";

/** How hits are written, and whether anybody still waits for them. */
export interface SearchOptions {
  form: MessageForm;
  /** Where links begin. */
  origin: string;
  isWanted?: () => boolean;
  /** The revision at which the asker was seen to be allowed to read; absent: that is not known. */
  admittedAt?: number;
}

/** Searches that are begun anew where the searcher's blocks change on the way, at most. */
const MAX_ATTEMPTS = 3;
const RETRY_AFTER_MS = 1_000;

/**
 * The newest messages before a bound that a query finds, as the asker may read them. Of the messages that there
 * were when it began it finds what a scan of all of them would find when it ends; that includes everything that
 * was acknowledged before. It never holds the object for long.
 */
export async function search(
  open: OpenConversation,
  actor: Actor,
  question: SearchQuestion,
  options: SearchOptions,
): Promise<Result<SearchAnswer>> {
  const query = parseQuery(question.q);
  if (!query.ok) return query;
  open.settle();
  const { kind, title } = open.memory.conversation;
  if (!isIn(query.value, open.memory.conversation)) {
    return ok({ hits: [], rows: 0, conversation: { kind, title } });
  }
  const began = open.clock();
  const running = open.searchQueue.run(actor.userId, () =>
    searched({ open, actor, question, options, began, query: query.value }),
  );
  return (await running) ?? fail("rate_limited", { retryAfterMs: RETRY_AFTER_MS });
}

interface Search {
  open: OpenConversation;
  actor: Actor;
  question: SearchQuestion;
  options: SearchOptions;
  /** When it was asked for, by the object's clock. */
  began: number;
  query: SearchQuery;
}

async function searched(search: Search): Promise<Result<SearchAnswer>> {
  const { open, actor, question, query, began } = search;
  const { sql, memory, searchIndex: index } = open;
  const { lastNumber } = memory.counters;
  const { before, maxRows } = question;
  if (before && "number" in before && before.number > lastNumber + 1) {
    return fail("message_not_found");
  }
  const names = await searchNames(open, actor.userId, query, maxRows);
  const { purgedTo } = memory.conversation;
  const [from, to] = intervalOf(sql, { lastNumber, purgedTo }, query, before);
  let rows = names.rows + rowsOfInterval(lastNumber);
  try {
    for (let attempt = 1; ; attempt++) {
      const isLate = () => open.clock() - began >= index.bounds.maxMs;
      const followed = await index.followChanges((read) => rows + read >= maxRows || isLate());
      rows += followed.rows;
      const hides = open.hidesOf(actor.userId);
      const { rev } = memory.counters;
      // Without an index that is current everything is scanned, as far as rows and time are left.
      const since = (followed.isCurrent ? index.coverage?.rev : undefined) ?? rev;
      const walk = new Walk({
        ...{ sql, index, from, to, limit: question.limit },
        prefilter: prefilterOf(query, names.senders),
        ...(followed.isCurrent ? lookUpOf(query, names.context) : NO_LOOK_UP),
        matches: (message) => matches(query, shownTo(message, hides), names.context),
      });
      const isOver = () => rows + walk.rows >= maxRows || isLate();
      if (!(await walkBack(walk, isOver, search.options))) return fail("unavailable");
      const numbers = await withChanged(search, walk, names, { since, to });
      rows += walk.rows + numbers.rows;
      // In one turn from here on. Somebody who is blocked no longer may have written what was passed over.
      if (open.hidesOf(actor.userId) !== hides && attempt < MAX_ATTEMPTS) continue;
      const isUnchanged = memory.counters.rev === rev;
      return answerOf(search, walk, names, { numbers: numbers.hits, from, rows, isUnchanged });
    }
  } finally {
    index.build();
  }
}

/** Walks until there are enough hits, nothing is left, or it is over; false: nobody waits for it any more. */
async function walkBack(
  walk: Walk,
  isOver: () => boolean,
  { isWanted }: SearchOptions,
): Promise<boolean> {
  while (!walk.isDone) {
    walk.next();
    if (walk.isDone || isOver()) break;
    if (!walk.isTurnOver) continue;
    await nextTurn();
    walk.beginTurn();
    if (isWanted?.() === false) return false;
  }
  return true;
}

/** Prefixes of fewer characters begin many words. */
const SHORT_PREFIX = 3;

const NO_LOOK_UP = { expression: undefined, isShort: false };

/** What the index is asked for. */
function lookUpOf(query: SearchQuery, context: SearchContext) {
  const wanted = wantedTokens(query, context);
  const isShort = wanted
    .flat()
    .some(({ token, isPrefix }) => isPrefix && token.length < SHORT_PREFIX);
  return { expression: expressionOf(wanted), isShort };
}

/** The messages that a query may find: from…to. */
function intervalOf(
  sql: SqlStorage,
  numbers: Numbers,
  { before, after }: Pick<SearchQuery, "before" | "after">,
  bound: SearchQuestion["before"],
): [from: number, to: number] {
  // Times never decrease from message to message.
  const firstAt = (time: number) => firstNumberAfter(sql, "created_at", time - 1, numbers);
  const ends = [numbers.lastNumber + 1];
  if (bound) ends.push("number" in bound ? bound.number : firstAt(bound.time));
  if (before !== undefined) ends.push(firstAt(before));
  const begin =
    numbers.purgedTo === undefined
      ? 1
      : (createdFrom(sql, 1, 1, 0).messages[0]?.message.number ?? 1);
  return [after === undefined ? begin : firstAt(after), Math.min(...ends) - 1];
}

/** Rows that finding the interval reads at most. */
function rowsOfInterval(lastNumber: number): number {
  return 3 * 2 * Math.ceil(Math.log2(lastNumber + 2));
}

/**
 * The hits of a walk, and those of messages that have changed since a revision: the index may not have them, and
 * on its way the walk may have passed them before.
 */
async function withChanged(
  { open, actor, query }: Search,
  walk: Walk,
  { context }: SearchNames,
  { since, to }: { since: number; to: number },
): Promise<{ hits: number[]; rows: number }> {
  const { sql, searchIndex, memory } = open;
  const { candidates, candidateUnits } = searchIndex.bounds;
  const hits = new Set(walk.hits.map(({ number }) => number));
  let rows = 0;
  for (let rev = since; rev < memory.counters.rev; ) {
    const { messages, more } = changedAfter(sql, rev, candidates, candidateUnits);
    rows += messages.length;
    const hides = open.hidesOf(actor.userId);
    for (const { message } of messages) {
      const isPassed = message.number >= walk.lookedBackTo && message.number <= to;
      if (isPassed && matches(query, shownTo(message, hides), context)) hits.add(message.number);
    }
    rev = messages.at(-1)?.message.rev ?? rev;
    if (!more) break;
    await nextTurn();
  }
  return { hits: [...hits].sort((a, b) => b - a), rows };
}

/** How a search has ended: its hits, newest first, and whether the conversation is as it was when it began. */
interface Ended {
  numbers: readonly number[];
  from: number;
  rows: number;
  isUnchanged: boolean;
}

/** The hits as they are now, with the rights and blocks of now. */
function answerOf(
  { open, actor, question, options, query }: Search,
  walk: Walk,
  { context }: SearchNames,
  { numbers, from, rows, isUnchanged }: Ended,
): Result<SearchAnswer> {
  const { sql } = open;
  const { conversation, counters } = open.memory;
  if (counters.rev !== options.admittedAt) {
    const refused = refusal(actor, "read", factsFor(open, actor.userId));
    if (refused) return { ok: false, error: refused };
  }
  const { kind, title } = conversation;
  const hides: Hides = open.hidesOf(actor.userId);
  const write = open.texts.writer(options.form, options.origin, hides);
  const hits: SearchHit[] = [];
  const { answerUnits } = open.searchIndex.bounds;
  // They are read again only where something has changed since.
  const known = new Map(isUnchanged ? walk.hits.map((message) => [message.number, message]) : []);
  let looked = 0;
  let units = 0;
  let read = rows;
  for (const number of numbers) {
    if (hits.length === question.limit || units >= answerUnits) break;
    looked++;
    if (!known.has(number)) read++;
    const stored = known.get(number) ?? messageAt(sql, number);
    if (!stored) continue;
    const message = shownTo(stored, hides);
    if (!matches(query, message, context)) continue;
    const { createdAt } = message;
    units += message.content.length;
    hits.push({ number, createdAt, text: write(message), found: foundIn(query, message) });
  }
  // What does not fit is found by the next question.
  const back = looked < numbers.length ? (numbers[looked - 1] ?? 1) : walk.lookedBackTo;
  if (back <= from) return ok({ hits, rows: read, conversation: { kind, title } });
  const last = known.get(back);
  // The message itself may be gone: then it is the next one.
  const createdAt = (last ?? createdFrom(sql, back, 1, 0).messages[0]?.message)?.createdAt ?? 0;
  return ok({
    ...{ hits, rows: last ? read : read + 1, conversation: { kind, title } },
    searchedBack: { number: back, createdAt },
  });
}
