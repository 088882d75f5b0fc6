import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Conversation } from "../../src/conversation/object.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { searchedConversations } from "../../src/directory/searched.ts";
import { KINDS } from "../../src/domain/conversation.ts";
import { conversationIdOf } from "../../src/domain/id.ts";
import { countingDirectory } from "../directory/naming.ts";
import { type Caller, groupOf, person, send } from "../support.ts";
import { contents, search } from "./searching.ts";

/** A search of more conversations than one looks at, and which of them are asked. */

const HOUR = 60 * 60_000;

// The clock stands still: on a busy machine some of so many calls would come too late for an answer.
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: Date.now() }));

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Conversations of a user that only D1 has, with a message each at these times. */
async function listed(userId: string, times: readonly number[], request = 0): Promise<string[]> {
  const ids = times.map(() => conversationIdOf(crypto.getRandomValues(new Uint8Array(11))));
  const rows = JSON.stringify(times.map((time, index) => [ids[index], time]));
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO conversations (id, kind, visibility, created_by, created_at, member_count, last_number,
         message_count, last_message_at, epoch, rev)
       SELECT value ->> 0, 'group', 'private', ?, 0, 1, 1, 1, value ->> 1, 'e', 1 FROM json_each(?)`,
    ).bind(userId, rows),
    env.DB.prepare(
      `INSERT INTO members (user_id, conversation_id, role, joined_at, archived, read_up_to, read_beyond, epoch,
         rev, request) SELECT ?, value ->> 0, 'owner', 0, 0, 0, 0, 'e', 1, ? FROM json_each(?)`,
    ).bind(userId, request, rows),
  ]);
  return ids;
}

/** Counts the calls of each conversation, and how many were under way at most. */
function countCalls(): { asked: string[]; most: () => number } {
  const { search } = Conversation.prototype;
  const asked: string[] = [];
  let [underWay, most] = [0, 0];
  vi.spyOn(Conversation.prototype, "search").mockImplementation(async function (
    this: Conversation,
    ...question
  ) {
    asked.push(Reflect.get(this, "ctx").id.name);
    most = Math.max(most, ++underWay);
    // The others get their calls meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 0));
    return search.apply(this, question).finally(() => underWay--);
  });
  return { asked, most: () => most };
}

/** A group in which somebody wrote at these times, from its beginning on. */
async function groupAt(times: readonly number[], alice: Caller, bob: Caller): Promise<string> {
  const now = Date.now();
  vi.setSystemTime((times[0] ?? 0) - 1);
  const group = await groupOf(alice, bob);
  for (const time of times) {
    vi.setSystemTime(time);
    expect((await send(bob, group, `apple ${time}`)).status).toBe(201);
  }
  vi.setSystemTime(now);
  return group;
}

test("the 200 most recently active ones, at most 32 at a time; that there are more is said", async () => {
  const [alice, bob] = await Promise.all([person("a"), person("b")]);
  const beyond = await groupOf(alice, bob);
  await send(bob, beyond, "apple beyond");
  const now = Date.now();
  await listed(
    alice.userId,
    Array.from({ length: 199 }, (_, index) => now + HOUR + index),
  );
  const within = await search(alice, "apple");
  expect(contents(within)).toEqual(["apple beyond"]);
  expect(within.body).toMatchObject({ incomplete: false, failed: [], cursor: null });
  await listed(alice.userId, [now + 2 * HOUR]);
  const { asked, most } = countCalls();
  const found = await search(alice, "apple");
  expect(contents(found)).toEqual([]);
  expect(found.body).toMatchObject({ incomplete: true, failed: [], cursor: null });
  expect(new Set(asked).size).toBe(200);
  expect(most()).toBeGreaterThan(1);
  expect(most()).toBeLessThanOrEqual(32);
  // `in:` chooses before the 200 are counted.
  asked.length = 0;
  const named = await search(alice, `in:${beyond} apple`);
  expect(contents(named)).toEqual(["apple beyond"]);
  expect(named.body).toMatchObject({ incomplete: false, cursor: null });
  expect(asked).toEqual([beyond]);
});

test("later pages look at the same conversations, whichever became active meanwhile", async () => {
  const [alice, bob] = await Promise.all([person("a"), person("b")]);
  const now = Date.now();
  await groupAt([now - HOUR, now - HOUR + 1, now - HOUR + 2], alice, bob);
  const others = await listed(
    alice.userId,
    Array.from({ length: 150 }, () => now),
  );
  // Beyond the 200, and so on no page.
  await groupAt([now - 3 * HOUR], alice, bob);
  const older = await listed(
    alice.userId,
    Array.from({ length: 100 }, () => now - 2 * HOUR),
  );
  const first = await search(alice, "apple", { limit: 2 });
  expect(contents(first)).toHaveLength(2);
  expect(first.body.incomplete).toBe(true);
  // The group is the 251st most recently active one now.
  await env.DB.prepare(
    "UPDATE conversations SET last_message_at = ? WHERE id IN (SELECT value FROM json_each(?))",
  )
    .bind(now + HOUR, JSON.stringify([...others, ...older]))
    .run();
  const { cursor } = first.body;
  const second = await search(alice, "apple", { limit: 2, cursor });
  expect(contents(second)).toEqual([`apple ${now - HOUR}`]);
  expect(second.body).toMatchObject({ incomplete: true, cursor: null });
  expect((await search(alice, "apple")).body.hits).toEqual([]);
});

test("a first page asks all, a later one those that may have hits on it", async () => {
  const [alice, bob] = await Promise.all([person("a"), person("b")]);
  const now = Date.now();
  const newest = await groupAt(
    [4, 3, 2, 1].map((n) => now - n * HOUR),
    alice,
    bob,
  );
  const middle = await groupAt([now - 6 * HOUR, now - 5 * HOUR], alice, bob);
  const oldest = await groupAt([now - 8 * HOUR, now - 7 * HOUR], alice, bob);
  // More than are asked at the same time, and so before the first answer.
  await listed(
    alice.userId,
    Array.from({ length: 40 }, () => now - 6.5 * HOUR),
  );
  const { asked } = countCalls();
  const pages: string[][] = [];
  const asks: Set<string>[] = [];
  let cursor: string | null = null;
  do {
    asked.length = 0;
    const answer = await search(alice, "apple", { limit: 2, ...(cursor && { cursor }) });
    pages.push(contents(answer));
    asks.push(new Set(asked));
    cursor = answer.body.cursor;
  } while (cursor);
  expect(pages.flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => `apple ${now - n * HOUR}`));
  expect(asks[0]?.size).toBe(43);
  expect([newest, middle, oldest].every((id) => asks[0]?.has(id))).toBe(true);
  expect(asks[1]).not.toContain(oldest);
  expect(asks.at(-1)).toContain(oldest);
});

test("what was acknowledged is found where D1 does not have it yet", async () => {
  const [alice, bob] = await Promise.all([person("a"), person("b")]);
  const now = Date.now();
  await groupAt([now - HOUR, now - HOUR + 1, now - HOUR + 2], alice, bob);
  // More than are asked at the same time are between them.
  await listed(
    alice.userId,
    Array.from({ length: 40 }, () => now - 2 * HOUR),
  );
  const quiet = await groupAt([now - 3 * HOUR], alice, bob);
  vi.spyOn(console, "log").mockReturnValue(undefined);
  const projection = vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1_ERROR: down"));
  expect((await send(bob, quiet, "apple now")).status).toBe(201);
  projection.mockRestore();
  const first = await search(alice, "apple", { limit: 1 });
  expect(contents(first)).toEqual(["apple now"]);
  // Also behind a place that D1 may not have reached.
  vi.setSystemTime(now + 1);
  const last = await groupOf(alice, bob);
  await send(bob, last, "apple last");
  const { cursor } = (await search(alice, "apple", { limit: 1 })).body;
  expect(contents(await search(alice, "apple", { limit: 1, cursor }))).toEqual(["apple now"]);
});

test("left and declined conversations are not searched; requests that are open are", async () => {
  const alice = await person("a");
  const [accepted] = await listed(alice.userId, [3]);
  const [pending] = await listed(alice.userId, [2], 1);
  const [declined] = await listed(alice.userId, [4], 2);
  const [left] = await listed(alice.userId, [5]);
  await env.DB.prepare("UPDATE members SET left_at = 1 WHERE conversation_id = ?").bind(left).run();
  const query = { userId: alice.userId, kinds: KINDS, since: null, limit: 10 };
  const directory = directoryOf(env.DB);
  const ids = async (more: { since?: number; limit?: number; kinds?: typeof KINDS } = {}) =>
    (await searchedConversations(directory, { ...query, ...more })).map(
      (one) => one.conversationId,
    );
  expect(await ids()).toEqual([accepted, pending]);
  expect(await ids({ limit: 1 })).toEqual([accepted]);
  expect(await ids({ since: 3 })).toEqual([accepted]);
  expect([declined, left].every(Boolean)).toBe(true);
  const channels = { ...query, kinds: ["channel"] as const };
  expect(await searchedConversations(directory, channels)).toEqual([]);
});

test("the list of conversations costs three rows of D1 for each of the user's", async () => {
  const { userId } = await person("a");
  await listed(
    userId,
    Array.from({ length: 250 }, (_, index) => index),
  );
  const directory = countingDirectory();
  const query = { userId, kinds: KINDS, since: null, limit: 201 };
  expect(await searchedConversations(directory, query)).toHaveLength(201);
  const { read, written } = directory.rows;
  expect(written).toBe(0);
  expect(read).toBeGreaterThan(250);
  expect(read).toBeLessThanOrEqual(3 * 250 + 10);
});
