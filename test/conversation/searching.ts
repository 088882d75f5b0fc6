import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { OpenConversation } from "../../src/conversation/open.ts";
import type { SearchAnswer, SearchQuestion } from "../../src/conversation/queries/search-api.ts";
import { SEARCH_BOUNDS, type SearchBounds } from "../../src/conversation/search/bounds.ts";
import { SearchIndex } from "../../src/conversation/search/search-index.ts";
import { conversationOf } from "../../src/conversation/stub.ts";
import type { Result } from "../../src/domain/error.ts";
import type { Message } from "../../src/domain/message.ts";
import type { Actor } from "../../src/domain/policy.ts";
import { objectOf } from "../support.ts";

/** Bounds at which a short conversation has an index of several parts, made in several slices. */
export const SMALL: SearchBounds = {
  ...SEARCH_BOUNDS,
  ...{ scanned: 12, newest: 3, scanSlice: 7, candidates: 5, candidateUnits: 300 },
  ...{ indexSlice: 4, indexUnits: 200, shardMessages: 16, shardUnits: 2_000 },
  ...{ newLag: 5, changedLag: 2, maxMs: 20_000 },
};

export const FORM = { form: "native", origin: "https://chat.test" };

export function actorOf(userId: string, more: Partial<Actor> = {}): Actor {
  return { userId, name: null, avatarUrl: null, role: "user", reach: "member", ...more };
}

/** Runs something with the open conversation of an object. */
export function within<T>(
  conversationId: string,
  action: (
    open: OpenConversation,
    storage: DurableObjectStorage,
    ctx: DurableObjectState,
  ) => T | Promise<T>,
): Promise<T> {
  return runInDurableObject(objectOf(conversationId), (object, ctx) =>
    // biome-ignore lint/suspicious/noExplicitAny: the open conversation is the object's own
    action((object as any).open, ctx.storage, ctx),
  );
}

/** Gives the index of a conversation other bounds, until it is evicted; resolves to its failures from now on. */
export async function withBounds(
  conversationId: string,
  bounds: Partial<SearchBounds> = {},
): Promise<unknown[]> {
  const failures: unknown[] = [];
  await within(conversationId, (open, storage) => {
    const onFailure = (error: unknown) => failures.push(error);
    const searchIndex = new SearchIndex(
      { storage, memory: open.memory, onFailure },
      { ...SMALL, ...bounds },
    );
    Object.assign(open, { searchIndex });
  });
  return failures;
}

export function search(
  conversationId: string,
  userId: string,
  question: Partial<SearchQuestion> & { q: string },
): Promise<Result<SearchAnswer>> {
  const whole = { limit: 50, maxRows: 200_000, ...question };
  return conversationOf(env, conversationId).search(actorOf(userId), whole, FORM);
}

/** The same for a search that must succeed: the numbers of its hits. */
export async function found(...parameters: Parameters<typeof search>): Promise<number[]> {
  const answer = await search(...parameters);
  if (!answer.ok) throw new Error(answer.error.code);
  return answer.value.hits.map(({ number }) => number);
}

/** Every message as somebody is shown it by pages of history, newest first. */
export async function allMessages(conversationId: string, userId: string): Promise<Message[]> {
  const all: Message[] = [];
  for (let page = 1; ; page++) {
    const query = { by: "page", page, pageSize: 100 } as const;
    const answer = await conversationOf(env, conversationId).history(actorOf(userId), query);
    if (!answer.ok || !("messages" in answer.value)) throw new Error("no page");
    const { messages } = answer.value;
    all.push(...messages.toReversed());
    if (messages.length < 100) return all;
  }
}

/** What the index has of a conversation, and whether it is being built. */
export function indexOf(conversationId: string) {
  return within(conversationId, ({ searchIndex }) => searchIndex.coverage);
}

/** Stores many messages, without sending them; the object is evicted. */
export async function seedMessages(
  conversationId: string,
  senderId: string,
  contents: readonly string[],
): Promise<void> {
  await within(conversationId, ({ memory }, { sql }) => {
    const { rev, lastNumber, lastCreatedAt } = memory.counters;
    for (const [index, content] of contents.entries()) {
      const at = index + 1;
      sql.exec(
        `INSERT INTO messages (number, rev, created_rev, sender_id, kind, content, created_at)
         VALUES (?, ?, ?, ?, 'text', ?, ?)`,
        ...[lastNumber + at, rev + at, rev + at, senderId, content, lastCreatedAt + at],
      );
    }
    const { length } = contents;
    sql.exec(
      `UPDATE counters SET rev = rev + ?1, last_number = last_number + ?1, counted = counted + ?1,
         last_counted = last_number + ?1, last_created_at = last_created_at + ?1`,
      length,
    );
  });
}
