import type { Ban, Member } from "../../domain/conversation.ts";
import { fail, ok, type Result } from "../../domain/error.ts";
import { receiptsShownTo, shownTo } from "../../domain/hides.ts";
import type { Receipt } from "../../domain/message.ts";
import { offsetOf, type PageOf } from "../../domain/page.ts";
import type { Actor } from "../../domain/policy.ts";
import type { Info } from "../api.ts";
import type { OpenConversation } from "../open.ts";
import { bansAt } from "../tables/bans.ts";
import { memberOf, presentMembers } from "../tables/members.ts";
import { messageAt } from "../tables/messages.ts";
import { readersOf } from "../tables/receipts.ts";
import {
  type HistoryPage,
  type HistoryQuery,
  type HistoryText,
  history,
  type PageQuery,
} from "./history.ts";
import type { MessageForm } from "./message-texts.ts";

/** Answers from the tables, for callers who may ask; `access.ts` checks that. */

/** A page of messages as the asker sees it. */
export function historyOf(
  open: OpenConversation,
  { userId }: Actor,
  query: HistoryQuery,
): Result<HistoryPage> {
  const page = pageOf(open, query);
  const hides = open.hidesOf(userId);
  if (!page.ok || hides.size === 0) return page;
  const { messages, total, readers } = page.value;
  return ok({
    messages: messages.map((message) => shownTo(message, hides)),
    total,
    ...(readers && {
      readers: new Map(
        Array.from(readers, ([number, some]) => [number, [...receiptsShownTo(some, hides)]]),
      ),
    }),
  });
}

function pageOf(
  { sql, memory, recent }: OpenConversation,
  query: HistoryQuery,
): Result<HistoryPage> {
  const { lastNumber } = memory.counters;
  const before = query.by === "page" ? query.before : undefined;
  if (before && "number" in before && before.number > lastNumber) return fail("message_not_found");
  const { purgedTo } = memory.conversation;
  return ok(history(sql, recent, { lastNumber, purgedTo }, query));
}

/** A page of messages as JSON, in a form whose links begin with an address. */
export function historyTextOf(
  open: OpenConversation,
  { userId }: Actor,
  query: PageQuery,
  form: MessageForm,
  address: string,
): Result<HistoryText> {
  const page = pageOf(open, query);
  if (!page.ok) return page;
  const { messages, total, readers } = page.value;
  const write = open.texts.writer(form, address, open.hidesOf(userId));
  const json = messages.map((message) => write(message, readers?.get(message.number)));
  if (!query.oldestFirst) json.reverse();
  return ok({ text: json.join(), total });
}

/** What the conversation is, and the asker's own membership. */
export function infoOf({ sql, memory }: OpenConversation, actor: Actor): Info {
  const member = memberOf(sql, actor.userId);
  return {
    conversation: memory.conversation,
    memberCount: memory.counters.memberCount,
    you: member?.leftAt === null ? member : undefined,
  };
}

/** A page of the present members, in order of their ids. */
export function membersOf({ sql }: OpenConversation, page: PageOf): Member[] {
  return presentMembers(sql, page.pageSize, offsetOf(page));
}

/** A page of the bans that last, in order of the ids of their users. */
export function bansOf({ sql, clock }: OpenConversation, page: PageOf): Ban[] {
  return bansAt(sql, clock(), page.pageSize, offsetOf(page));
}

/** Who has read a message and when, those who did first before the others; never its author. */
export function receiptsOf(
  open: OpenConversation,
  { userId }: Actor,
  number: number,
  page: PageOf,
): Result<Receipt[]> {
  const { sql } = open;
  const message = messageAt(sql, number);
  if (!message) return fail("message_not_found");
  const readers = readersOf(sql, message, page.pageSize, offsetOf(page));
  return ok([...receiptsShownTo(readers, open.hidesOf(userId))]);
}
