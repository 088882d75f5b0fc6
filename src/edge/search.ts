import type { Context, MiddlewareHandler } from "hono";
import type { MessageForm } from "../conversation/queries/message-texts.ts";
import {
  MAX_SEARCH_ROWS,
  type SearchAnswer,
  type SearchHit,
  type SearchQuestion,
} from "../conversation/queries/search-api.ts";
import { lacksMethod } from "../conversation/rpc-versions.ts";
import { type SearchedConversation, searchedConversations } from "../directory/searched.ts";
import { KINDS } from "../domain/conversation.ts";
import { isIn, parseQuery, type SearchQuery } from "../domain/search.ts";
import { type SearchCall, SearchMerge } from "../domain/search-merge.ts";
import type { SearchBound } from "../domain/search-order.ts";
import { readsDirectory } from "./auth.ts";
import type { EdgeEnv } from "./context.ts";
import { ask } from "./conversations.ts";
import { refuseCursor } from "./cursor.ts";
import { formOf } from "./history.ts";
import { refuse, unwrapped } from "./refusal.ts";
import { runSearch } from "./search-calls.ts";
import { type SearchPosition, searchPositionOf } from "./search-cursor.ts";

/** Conversations that one search looks at. */
const SEARCHED = 200;
/** On later pages: some may have become active meanwhile, and were not among those. */
const SEARCHED_LATER = 400;
/** Conversations among which `in:` looks for those that it names. */
const NAMED_AMONG = 2_000;
/** Rows of one call: so many are searched within a second or so. */
const ROWS_PER_CALL = 20_000;
/** One conversation is asked again within this time, as long as the page is not full. */
const ASK_AGAIN_WITHIN_MS = 1_500;
/** What was sent before this time is in D1, which has a conversation's changes after a minute at the latest. */
const LISTED_AFTER_MS = 120_000;

export interface MessageSearch {
  q: string;
  /** Absent: the caller's 200 most recently active conversations. */
  conversationId?: string | undefined;
  cursor?: string | undefined;
  limit: number;
}

type Titled = Pick<SearchedConversation, "conversationId" | "kind" | "title">;

export interface FoundMessage {
  conversation: Titled;
  hit: SearchHit;
}

/** A page of results, newest first. */
export interface FoundMessages {
  hits: FoundMessage[];
  /** Where the next page begins; `undefined`: nothing is left. */
  next: SearchPosition | undefined;
  /** Whether something that the caller may read was not searched, for this page or one before. */
  incomplete: boolean;
  failed: string[];
}

/**
 * For routes that search: reads D1 as {@link readsDirectory} says, unless a parameter names the conversation, whose
 * object answers then.
 */
export function readsDirectoryUnless(parameter: string): MiddlewareHandler<EdgeEnv> {
  return (c, next) => (c.req.query(parameter) === undefined ? readsDirectory(c, next) : next());
}

/** Searches messages that the caller may read, and has them written in a form. Throws a refusal. */
export async function searchMessages(
  c: Context<EdgeEnv>,
  search: MessageSearch,
  form: MessageForm,
): Promise<FoundMessages> {
  const query = unwrapped(parseQuery(search.q));
  const position = search.cursor === undefined ? undefined : searchPositionOf(search.cursor);
  const { conversationId } = search;
  return conversationId === undefined
    ? searchAll(c, query, search, position, form)
    : searchOne(c, conversationId, search, position, form);
}

async function searchOne(
  c: Context<EdgeEnv>,
  conversationId: string,
  search: MessageSearch,
  position: SearchPosition | undefined,
  form: MessageForm,
): Promise<FoundMessages> {
  if (position && position.place.conversationId !== conversationId) refuseCursor();
  const before = position && { number: position.place.number };
  const { hits, back, described } = await searchFurther(
    ...([c, conversationId, { ...search, before }, form] as const),
  );
  const { kind, title } = described ?? (await describedBy(c, conversationId));
  const conversation = { conversationId, kind, title };
  return {
    hits: hits.map((hit) => ({ conversation, hit })),
    next: back && { place: { ...back, conversationId }, since: null, incomplete: false },
    ...{ incomplete: false, failed: [] },
  };
}

/** Calls a conversation until it has found enough, or for as long as that may take. */
async function searchFurther(
  c: Context<EdgeEnv>,
  conversationId: string,
  { q, limit, before }: MessageSearch & { before: SearchBound | undefined },
  form: MessageForm,
): Promise<{
  hits: SearchHit[];
  back: SearchAnswer["searchedBack"];
  described: SearchAnswer["conversation"];
}> {
  const [actor, as] = [c.get("actor"), formOf(c, form)];
  const end = Date.now() + ASK_AGAIN_WITHIN_MS;
  const hits: SearchHit[] = [];
  let bound = before;
  for (let rows = 0; ; ) {
    const maxRows = Math.min(ROWS_PER_CALL, MAX_SEARCH_ROWS - rows);
    const question: SearchQuestion = {
      ...{ q, limit: limit - hits.length, maxRows },
      ...(bound && { before: bound }),
    };
    const asked = ask(c, conversationId, (stub) => stub.search(actor, question, as));
    const answer = unwrapped(await asked.catch(refuseOfPrevious));
    hits.push(...answer.hits);
    rows += answer.rows;
    const back = answer.searchedBack;
    const isDone = hits.length >= limit || rows >= MAX_SEARCH_ROWS || Date.now() >= end;
    if (!back || isDone) return { hits, back, described: answer.conversation };
    bound = { number: back.number };
  }
}

/** What an object of the previous version does not say with its hits. */
async function describedBy(c: Context<EdgeEnv>, conversationId: string) {
  const info = await ask(c, conversationId, (stub) => stub.info(c.get("actor")));
  return unwrapped(info).conversation;
}

/** An object of the previous version cannot search: a retry can, in about a minute. */
function refuseOfPrevious(error: unknown): never {
  if (lacksMethod(error, "search")) refuse("unavailable");
  throw error;
}

async function searchAll(
  c: Context<EdgeEnv>,
  query: SearchQuery,
  { q, limit }: MessageSearch,
  position: SearchPosition | undefined,
  form: MessageForm,
): Promise<FoundMessages> {
  const { targets, since, isCut } = await targetsOf(c, query, position);
  const place = position?.place;
  const merge = new SearchMerge<SearchHit>({
    ...{ targets, place, limit, rows: MAX_SEARCH_ROWS, rowsPerCall: ROWS_PER_CALL },
    isActivityExact: place !== undefined && place.createdAt < Date.now() - LISTED_AFTER_MS,
  });
  // Also staff: chats that they are not in, or not any more, they name.
  const actor = { ...c.get("actor"), reach: "member" as const };
  const as = formOf(c, form);
  const askFor = ({ conversationId, ...question }: SearchCall) =>
    ask({ env: c.env }, conversationId, (stub) => stub.search(actor, { q, ...question }, as));
  await c.get("timing").of("object", runSearch(merge, askFor, c.get("requestId")));
  const page = merge.page();
  const incomplete = position?.incomplete === true || isCut || page.failed.length > 0;
  const byId = new Map(targets.map((target) => [target.conversationId, target]));
  return {
    hits: page.hits.flatMap(({ conversationId, hit }) => {
      const conversation = byId.get(conversationId);
      return conversation ? [{ conversation, hit }] : [];
    }),
    next: page.next && { place: page.next, since, incomplete },
    ...{ incomplete, failed: page.failed },
  };
}

/**
 * The conversations to search: of all, or of those that `in:` names, the most recently active. `since`: which of
 * them later pages look at; `isCut`: there are more.
 */
async function targetsOf(
  c: Context<EdgeEnv>,
  query: SearchQuery,
  position: SearchPosition | undefined,
): Promise<{ targets: SearchedConversation[]; since: number | null; isCut: boolean }> {
  const { userId, kinds = KINDS } = c.get("actor");
  const most = position ? SEARCHED_LATER : SEARCHED;
  const among = query.in.length > 0 ? NAMED_AMONG : most;
  const since = position?.since ?? null;
  const listed = await searchedConversations(c.get("directory"), {
    ...{ userId, kinds, since, limit: among + 1 },
  });
  const named = listed
    .slice(0, among)
    .filter(({ conversationId, title }) => isIn(query, { id: conversationId, title }));
  const targets = named.slice(0, most);
  const isCut = listed.length > among || named.length > most;
  return { targets, isCut, since: position || !isCut ? since : (targets.at(-1)?.activity ?? null) };
}
