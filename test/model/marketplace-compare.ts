import { expect } from "vitest";
import * as api from "../rest/marketplace/chats.ts";
import type { Answer, Caller } from "../support.ts";
import type { Outcome } from "./marketplace-calls.ts";
import { counts, type ModelChat, type ModelPerson } from "./marketplace-chat.ts";

/** A user, on the server and in the model. */
export interface WorldUser {
  model: ModelPerson;
  caller: Caller;
}

/** Compares a page of a user's list with the model. */
export async function expectList(
  chats: readonly ModelChat[],
  { caller, model }: WorldUser,
  asked: { type: string | null; archived: boolean | null; limit: number; page: number },
): Promise<void> {
  const { type, archived, limit, page } = asked;
  const query = new URLSearchParams({ limit: String(limit), page: String(page) });
  if (type !== null) query.set("type", type);
  if (archived !== null) query.set("archived", String(archived));
  const listed = chats
    .filter(({ members }) => members.has(model.userId))
    .filter(({ facts }) => type === null || facts.kind === type)
    .map((chat) => chat.presentFor(model.userId))
    .filter(({ isArchived }) => archived === null || isArchived === archived)
    .sort((a, b) => orderOf(b).localeCompare(orderOf(a)));
  const data = {
    chats: listed.slice((page - 1) * limit, page * limit),
    pagination: paginationOf(page, limit, listed.length),
  };
  const answer = await caller.get(`${api.CHATS}?${query}`);
  expect(answer.status).toBe(200);
  expect(plain(answer.body.data, "list")).toEqual(plain(data, "list"));
}

/** Compares a page of history with the model. */
export async function expectHistory(
  { caller, model }: WorldUser,
  chat: ModelChat,
  asked: { before: string | null; oldestFirst: boolean; limit: number; page: number },
): Promise<void> {
  const { before, oldestFirst, limit, page } = asked;
  const query = new URLSearchParams({ limit: String(limit), page: String(page) });
  if (oldestFirst) query.set("order", "asc");
  if (before !== null) query.set("before", before);
  const answer = await api.history(caller, chat.facts.id, `?${query}`);
  const refused = new Set<string>();
  if (!chat.members.has(model.userId) && model.role === "user") refused.add("not_a_member");
  if (before !== null && !chat.message(before)) refused.add("message_not_found");
  const all = chat.messages
    .map((message) => chat.present(message))
    .filter(({ _id }) => before === null || _id < before);
  if (!oldestFirst) all.reverse();
  const messages = all.slice((page - 1) * limit, page * limit);
  const data = { messages, pagination: paginationOf(page, limit, all.length) };
  expectOutcome(answer, refused.size > 0 ? { refused } : { data });
}

/** Compares a chat's info for a participant with the model. */
export async function expectInfo({ caller, model }: WorldUser, chat: ModelChat): Promise<void> {
  const unreadCounts = chat.unreadCounts();
  const data = { chat: { ...chat.presentFor(model.userId), unreadCounts } };
  expectOutcome(await caller.get(`${api.CHATS}/${chat.facts.id}/info`), { data });
}

/** Compares a user's totals with the model. */
export async function expectStats(
  chats: readonly ModelChat[],
  { caller, model }: WorldUser,
): Promise<void> {
  const mine = chats.filter(({ members }) => members.has(model.userId));
  expect(await api.statsOf(caller)).toEqual({
    totalChats: mine.length,
    totalMessages: mine.flatMap(({ messages }) => messages.filter(counts)).length,
    totalUnread: mine.flatMap((chat) => chat.unreadBy(model.userId)).length,
    totalMentions: mine.flatMap((chat) => chat.unreadMentionsOf(model.userId)).length,
    unreadChats: mine.filter((chat) => chat.unreadBy(model.userId).length > 0).length,
  });
}

/** Latest message first, chats without one last; of those, newer chats first. */
function orderOf(chat: { lastMessage: { createdAt: string } | null; createdAt: string }): string {
  return `${chat.lastMessage?.createdAt ?? "0"} ${chat.createdAt}`;
}

function paginationOf(page: number, limit: number, total: number) {
  const totalPages = Math.ceil(total / limit);
  return { page, limit, total, totalPages, hasMore: page < totalPages };
}

export function expectOutcome(answer: Answer, outcome: Outcome): void {
  if ("refused" in outcome) {
    expect([...outcome.refused], JSON.stringify(answer.body)).toContain(answer.body.code);
    expect(answer.status).toBeGreaterThanOrEqual(400);
  } else {
    expect(answer.body).toMatchObject({ success: true });
    expect(plain(answer.body.data)).toEqual(plain(outcome.data));
    expect(answer.status).toBeLessThan(300);
  }
}

/** Data without what is unspecified: the order of participants, and in lists the receipts. */
function plain(data: unknown, of: "chat" | "list" = "chat"): unknown {
  return JSON.parse(JSON.stringify(data), (key, value) => {
    if (key === "participants") {
      return value.toSorted((a: ModelPerson, b: ModelPerson) => (a.userId < b.userId ? -1 : 1));
    }
    return key === "readBy" && of === "list" ? [] : value;
  });
}
