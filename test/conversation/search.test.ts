import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Command } from "../../src/conversation/decide/types.ts";
import type { OpenConversation } from "../../src/conversation/open.ts";
import { NATIVE_FORM } from "../../src/conversation/queries/message-texts.ts";
import { search as searchMessages } from "../../src/conversation/queries/search.ts";
import { INDEX_VERSION } from "../../src/conversation/search/index-tables.ts";
import { nextTurn } from "../../src/conversation/search/turn.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import { tokensOf } from "../../src/domain/search-tokens.ts";
import { openRooms } from "../inbox/room-client.ts";
import {
  type Caller,
  directPair,
  evict,
  fireAlarms,
  groupOf,
  objectOf,
  openLive,
  person,
  send,
} from "../support.ts";
import { counting, tellInboxes } from "./counters.ts";
import { actorOf, found, indexOf, search, seedMessages, withBounds, within } from "./searching.ts";

let alice: Caller;
let bob: Caller;
let conversationId: string;

beforeEach(async () => {
  ({ alice, bob, conversationId } = await directPair());
});

afterEach(() => {
  vi.restoreAllMocks();
});

const TENTHS = [60, 50, 40, 30, 20, 10];

/** Messages of bob, every tenth of which has the word `tenth`; 60 of them have an index at these bounds. */
async function seeded(count = 60, id = conversationId): Promise<void> {
  const contents = Array.from({ length: count }, (_, index) =>
    index % 10 === 9 ? `message ${index + 1} tenth` : `message ${index + 1}`,
  );
  await seedMessages(id, bob.userId, contents);
  await evict(id);
  await withBounds(id);
}

/** Searches, and waits for the index. */
async function indexed(count = 60): Promise<void> {
  await seeded(count);
  await found(conversationId, alice.userId, { q: "tenth" });
  await built(count);
}

/** Whatever is done then is not done beside the building. */
const built = (count: number) =>
  vi.waitFor(async () => {
    expect((await indexOf(conversationId))?.covered).toBe(count);
    expect(await within(conversationId, ({ searchIndex }) => searchIndex["isBuilding"])).toBe(
      false,
    );
  });

/** Tables of the index. */
const tables = () =>
  within(conversationId, (_, { sql }) =>
    sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'search_%'").toArray(),
  );

/** Three hits of a search that has passed the newest messages when something else is done. */
async function searchedBeside(
  open: OpenConversation,
  by: Caller,
  action: () => Promise<void>,
): ReturnType<typeof searchMessages> {
  const question = { q: "tenth", limit: 3, maxRows: 1_000 };
  const options = { form: NATIVE_FORM, origin: "" };
  let isOver = false;
  const running = searchMessages(open, actorOf(by.userId), question, options).finally(() => {
    isOver = true;
  });
  await nextTurn();
  await action();
  expect(isOver).toBe(false);
  return running;
}

/** Carries out a command, which must be accepted. */
async function submitted(open: OpenConversation, by: Caller, command: Command): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  open.submit(actorOf(by.userId), command, { to: "caller", resolve });
  expect(await promise).toMatchObject({ ok: true });
}

describe("an index", () => {
  test("is built by the first search of a long conversation, and finds the same", async () => {
    await seeded();
    expect(await found(conversationId, alice.userId, { q: "tenth" })).toEqual(TENTHS);
    await built(60);
    expect(await found(conversationId, alice.userId, { q: "tenth" })).toEqual(TENTHS);
  });

  test("is not made for a short conversation, nor where nobody searches", async () => {
    await seeded(10);
    expect(await found(conversationId, alice.userId, { q: "tenth" })).toEqual([10]);
    expect(await tables()).toEqual([]);
    await seedMessages(conversationId, bob.userId, Array(100).fill("more"));
    await evict(conversationId);
    await withBounds(conversationId);
    await send(alice, conversationId, "hello");
    expect(await tables()).toEqual([]);
  });

  test("is continued after the object was aborted while it was built", async () => {
    await seeded(200);
    const aborted = runInDurableObject(objectOf(conversationId), async (object, state) => {
      // biome-ignore lint/suspicious/noExplicitAny: the open conversation is the object's own
      const { searchIndex }: OpenConversation = (object as any).open;
      searchIndex.build();
      while ((searchIndex.coverage?.covered ?? 0) < 20) await nextTurn();
      state.abort("on purpose");
    });
    await expect(aborted).rejects.toThrow("on purpose");
    await withBounds(conversationId);
    const { covered = 0 } = (await indexOf(conversationId)) ?? {};
    expect(covered).toBeGreaterThan(0);
    expect(covered).toBeLessThan(200);
    expect(await found(conversationId, alice.userId, { q: "tenth" })).toHaveLength(20);
    await built(200);
    expect(await found(conversationId, alice.userId, { q: "tenth" })).toHaveLength(20);
  });

  test("of another version is dropped and built anew", async () => {
    await indexed();
    await within(conversationId, (_, { sql }) => {
      sql.exec("UPDATE search_index SET version = ?", INDEX_VERSION - 1);
      for (const { name } of sql.exec<{ name: string }>(
        "SELECT 'search_' || first AS name FROM search_shards",
      )) {
        sql.exec(`DELETE FROM ${name}`);
      }
    });
    await evict(conversationId);
    await withBounds(conversationId);
    expect(await indexOf(conversationId)).toBeUndefined();
    expect(await found(conversationId, alice.userId, { q: "tenth" })).toEqual(TENTHS);
    await built(60);
    expect(await found(conversationId, alice.userId, { q: "tenth" })).toEqual(TENTHS);
  });

  test("that fails is not asked again: everything is scanned", async () => {
    await indexed();
    const failures = await withBounds(conversationId);
    await within(conversationId, (_, { sql }) => sql.exec("DROP TABLE search_1").toArray());
    expect(await found(conversationId, alice.userId, { q: "tenth" })).toEqual(TENTHS);
    expect(failures).toHaveLength(1);
    expect(await found(conversationId, alice.userId, { q: "tenth" })).toEqual(TENTHS);
    expect(failures).toHaveLength(1);
  });

  test("that lacks many changes is not waited for: what it has taken over by then counts as rows", async () => {
    await indexed(100);
    await within(conversationId, (open, { sql }) => {
      const { rev } = open.memory.counters;
      sql.exec("UPDATE messages SET content = 'changed', rev = ? + number WHERE number <= 80", rev);
      sql.exec("UPDATE counters SET rev = rev + 80");
    });
    await evict(conversationId);
    await withBounds(conversationId);
    const q = "changed";
    const answer = await search(conversationId, alice.userId, { q, maxRows: 60 });
    expect(answer).toMatchObject({ ok: true, value: { hits: [], searchedBack: { number: 94 } } });
    expect(answer.ok && answer.value.rows).toBeLessThanOrEqual(80);
    // It goes on by itself.
    await vi.waitFor(async () =>
      expect((await indexOf(conversationId))?.rev).toBe(
        await within(conversationId, ({ memory }) => memory.counters.rev),
      ),
    );
    expect(await found(conversationId, alice.userId, { q, limit: 2 })).toEqual([80, 79]);
  });

  test("does not grow in an object whose storage is nearly full", async () => {
    await seeded();
    await withBounds(conversationId, { maxStorage: 1 });
    expect(await found(conversationId, alice.userId, { q: "tenth" })).toEqual(TENTHS);
    await send(bob, conversationId, "hello");
    expect(await found(conversationId, alice.userId, { q: "hello" })).toEqual([61]);
    expect(await tables()).toEqual([]);
  });

  test("is never ahead of what is stored: both are taken back together", async () => {
    await indexed();
    // What a restore to an earlier state does, with a transaction in place of the storage's bookmarks.
    await within(conversationId, (open, storage) => {
      const { sql } = storage;
      expect(() =>
        storage.transactionSync(() => {
          sql.exec("UPDATE messages SET content = 'other', rev = 999 WHERE number = 60");
          sql.exec("INSERT OR REPLACE INTO search_49 (rowid, tokens) VALUES (60, 'other')");
          sql.exec("UPDATE search_index SET rev = 999");
          throw new Error("taken back");
        }),
      ).toThrow("taken back");
      expect(open.searchIndex.coverage?.rev).toBeLessThan(999);
    });
    expect(await found(conversationId, alice.userId, { q: "tenth" })).toEqual(TENTHS);
    expect(await found(conversationId, alice.userId, { q: "other" })).toEqual([]);
  });

  test("has a version of its own for what tokens are made of a text", () => {
    // Whoever changes what is stored here increases INDEX_VERSION, and then writes down the new tokens.
    const tokens = tokensOf({
      ...{ number: 1, rev: 1, senderId: "Ada", kind: "text", replyTo: null, metadata: null },
      ...{
        content: "Straße C++20 東京タワー https://a.example",
        mentions: ["bob"],
        mentionsAll: true,
      },
      ...{ attachments: [], reactions: [], clientMessageId: null },
      ...{ createdAt: 1, editedAt: null, deletedAt: null },
    });
    const written = tokens.map((token) => encodeURIComponent(token)).sort();
    expect([INDEX_VERSION, ...written]).toMatchInlineSnapshot(`
        [
          2,
          "%E3%82%BF%E3%83%AF",
          "%E3%83%AF%E3%83%BC",
          "%E3%83%BC",
          "%E4%BA%AC%E3%82%BF",
          "%E6%9D%B1%E4%BA%AC",
          "%EE%80%80ada",
          "%EE%80%81",
          "%EE%80%81bob",
          "%EE%80%82link",
          "20",
          "a",
          "c",
          "example",
          "https",
          "strasse",
        ]
      `);
  });
});

describe("a search", () => {
  test("finds what was acknowledged just before", async () => {
    await indexed();
    await send(bob, conversationId, "a tenth of it");
    expect(await found(conversationId, alice.userId, { q: "tenth", limit: 2 })).toEqual([61, 60]);
    const { body } = await bob.get(
      `/api/v1/chat/messages?conversationId=${conversationId}&pageSize=1`,
    );
    const path = `/api/v1/chat/messages/${body.items[0].messageId ?? body.items[0].id}`;
    expect((await bob.delete(path)).status).toBeLessThan(300);
    expect(await found(conversationId, alice.userId, { q: "tenth", limit: 2 })).toEqual([60, 50]);
  });

  test("goes on before a message or a time", async () => {
    await indexed();
    const first = await search(conversationId, alice.userId, { q: "tenth", limit: 4 });
    expect(first).toMatchObject({ ok: true, value: { searchedBack: { number: 30 } } });
    const last = await search(conversationId, alice.userId, { q: "tenth", before: { number: 30 } });
    expect(last.ok && last.value.hits.map(({ number }) => number)).toEqual([20, 10]);
    expect(last.ok && last.value.searchedBack).toBeUndefined();
    const time = first.ok ? (first.value.hits[3]?.createdAt ?? 0) : 0;
    const q = "tenth";
    expect(await found(conversationId, alice.userId, { q, before: { time } })).toEqual([20, 10]);
    expect(await found(conversationId, alice.userId, { q, before: { time: time + 1 } })).toEqual([
      ...[30, 20, 10],
    ]);
  });

  test("before a time finds all or none of the messages of the same millisecond", async () => {
    await seeded();
    await within(conversationId, (_, { sql }) => {
      sql.exec(
        "UPDATE messages SET created_at = (SELECT created_at FROM messages WHERE number = 30) WHERE number BETWEEN 30 AND 50",
      );
    });
    const answer = await search(conversationId, alice.userId, { q: "tenth" });
    const time = answer.ok ? (answer.value.hits[3]?.createdAt ?? 0) : 0;
    const at = (time: number) =>
      found(conversationId, alice.userId, { q: "tenth", before: { time } });
    expect(await at(time)).toEqual([20, 10]);
    expect(await at(time + 1)).toEqual([50, 40, 30, 20, 10]);
  });

  test("reads about as many rows as it may, and says how far it came", async () => {
    await indexed(200);
    const answer = await search(conversationId, alice.userId, { q: "-x message", maxRows: 30 });
    expect(answer.ok && answer.value.rows).toBeGreaterThanOrEqual(30);
    expect(answer.ok && answer.value.rows).toBeLessThanOrEqual(60);
    expect(answer.ok && answer.value.searchedBack?.number).toBeGreaterThan(100);
  });

  test("ends after some time, and says how far it came", async () => {
    await seeded();
    await withBounds(conversationId, { maxMs: 0 });
    const answer = await search(conversationId, alice.userId, { q: "tenth" });
    expect(answer).toMatchObject({ ok: true, value: { searchedBack: { number: 54 } } });
  });

  test("is refused to people who are no members, before and after they were", async () => {
    expect(await search(conversationId, "somebody", { q: "tenth" })).toMatchObject({
      error: { code: "not_a_member" },
    });
    expect(await search(conversationId, alice.userId, { q: "-tenth" })).toMatchObject({
      error: { code: "invalid_query", details: [{ path: "q" }] },
    });
    const before = { number: 1_000 };
    expect(await search(conversationId, alice.userId, { q: "tenth", before })).toMatchObject({
      error: { code: "message_not_found" },
    });
  });

  test("is refused to somebody who was removed while it ran", async () => {
    const group = await groupOf(alice, bob, await person("cyd"));
    await seeded(60, group);
    const remove = { type: "remove", userId: bob.userId } as const;
    const answer = await within(group, (open) =>
      searchedBeside(open, bob, () => submitted(open, alice, remove)),
    );
    expect(answer).toMatchObject({ error: { code: "not_a_member" } });
  });

  test("finds what there is at its end: what was changed and deleted while it ran", async () => {
    await seeded();
    const id = (number: number) => messageIdOf(conversationId, number);
    const edit = {
      type: "edit",
      messageId: id(59),
      content: "now a tenth",
      maxLength: 100,
    } as const;
    const answer = await within(conversationId, (open) =>
      searchedBeside(open, alice, async () => {
        await submitted(open, bob, { type: "delete", messageId: id(60) });
        await submitted(open, bob, edit);
      }),
    );
    expect(answer.ok && answer.value.hits.map(({ number }) => number)).toEqual([59, 50, 40]);
    expect(answer.ok && answer.value.searchedBack?.number).toBe(40);
  });

  test("is refused where too many are under way: four of one person", async () => {
    await seeded();
    const answers = await runInDurableObject(objectOf(conversationId), (object) =>
      Promise.all(
        Array.from({ length: 6 }, () =>
          object.search(
            actorOf(alice.userId),
            { q: "tenth", limit: 1, maxRows: 1_000 },
            { form: "native", origin: "" },
          ),
        ),
      ),
    );
    const codes = answers.map((answer) => (answer.ok ? "ok" : answer.error.code));
    expect(codes).toEqual(["ok", "ok", "ok", "ok", "rate_limited", "rate_limited"]);
    expect(await found(conversationId, alice.userId, { q: "tenth" })).toEqual(TENTHS);
  });
});

describe("over a socket", () => {
  test("of the conversation: pages, and refusals", async () => {
    await indexed();
    const socket = await openLive(alice, conversationId);
    socket.send({ op: "search", id: 1, q: "tenth", limit: 2 });
    const answer = await socket.next("found");
    const range = { start: 11, end: 16 };
    expect(answer).toMatchObject({
      id: 1,
      hits: [{ message: { number: 60 }, matches: [range] }, { message: { number: 50 } }],
      searchedBack: answer.hits[1]?.message.createdAt,
    });
    socket.send({ op: "search", id: 2, q: "tenth", before: answer.cursor });
    const rest = await socket.next("found");
    expect(rest.hits.map(({ message }) => message.number)).toEqual([40, 30, 20, 10]);
    expect(rest).not.toHaveProperty("cursor");
    expect(rest).not.toHaveProperty("searchedBack");
    socket.send({ op: "search", id: 3, q: "-tenth" });
    expect(await socket.next("error")).toMatchObject({ id: 3, code: "invalid_query" });
    socket.send({ op: "search", id: 4, q: "tenth", before: "nothing" });
    expect(await socket.next("error")).toMatchObject({ id: 4, code: "message_not_found" });
  });

  test("it includes the commands before it in the frame, and does not hold up those behind it", async () => {
    const socket = await openLive(alice, conversationId);
    socket.send(
      [
        { op: "send", id: 0, content: "alone" },
        { op: "send", id: 1, content: "first" },
        { op: "search", id: 2, q: "first" },
        { op: "send", id: 3, content: "behind" },
      ]
        .map((one) => JSON.stringify(one))
        .join("\n"),
    );
    expect(await socket.next("found")).toMatchObject({ id: 2, hits: [{ message: { number: 2 } }] });
    await socket.until(() => socket.all("ack").length === 3);
  });

  test("of the inbox: the same", async () => {
    await indexed();
    const socket = await openRooms(alice);
    const room = await socket.open(conversationId);
    room.send({ op: "search", id: 1, q: "tenth", limit: 2 });
    room.send({ op: "send", id: 2, content: "behind" });
    const { hits, cursor } = await room.next("found");
    expect(hits.map(({ message }) => message.number)).toEqual([60, 50]);
    // Which of both comes first does not matter.
    await socket.until(() => room.all("ack").length === 1);
    room.send({ op: "search", id: 3, q: "tenth", before: cursor });
    expect((await room.next("found")).hits).toHaveLength(4);
  });

  test("an answer is no larger than a page", async () => {
    const long = "tenth ".repeat(800).trim();
    await seedMessages(conversationId, bob.userId, Array(60).fill(long));
    await evict(conversationId);
    const socket = await openLive(alice, conversationId);
    const numbers: number[] = [];
    let before: string | undefined;
    do {
      socket.send({ op: "search", id: 1, q: "tenth", limit: 50, ...(before && { before }) });
      const { hits, cursor } = await socket.next("found");
      expect(new TextEncoder().encode(socket.frames.at(-1)).length).toBeLessThan(256 * 1_024 + 200);
      numbers.push(...hits.map(({ message }) => message.number));
      before = cursor;
    } while (before);
    expect(numbers).toEqual(Array.from({ length: 60 }, (_, index) => 60 - index));
  });

  test("somebody who is removed on the way is sent nothing that was found", async () => {
    const group = await groupOf(alice, bob, await person("cyd"));
    await seeded(60, group);
    const socket = await openLive(bob, group);
    await within(group, async (open) => {
      const [session] = open.sessions.ofUser(bob.userId);
      if (!session) throw new Error("no session");
      const { handleFrame } = await import("../../src/conversation/outbound/sockets/frames.ts");
      handleFrame(open, session, JSON.stringify({ op: "search", id: 1, q: "tenth" }));
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const remove = { type: "remove", userId: bob.userId } as const;
      open.submit(actorOf(alice.userId), remove, { to: "caller", resolve });
      await promise;
    });
    await socket.closed;
    expect(socket.all("found")).toEqual([]);
  });
});

describe("costs", () => {
  test("a send to a searched conversation reads and writes what it does elsewhere", async () => {
    const other = await directPair();
    const costs = async (caller: Caller, id: string) => {
      await send(caller, id, "first");
      await tellInboxes(id);
      return counting(id, () => send(caller, id, "counted"));
    };
    await indexed();
    const searched = await costs(alice, conversationId);
    const { rowsWritten } = await costs(other.alice, other.conversationId);
    expect(searched.rowsWritten).toBe(rowsWritten);
    await seedMessages(other.conversationId, other.bob.userId, Array(60).fill("message"));
    await evict(other.conversationId);
    expect(searched).toEqual(await costs(other.alice, other.conversationId));
  });

  test("a search writes nothing while the index lacks little", async () => {
    await indexed();
    for (const content of ["one", "two"]) await send(bob, conversationId, content);
    await fireAlarms(conversationId);
    const counted = await counting(conversationId, () =>
      found(conversationId, alice.userId, { q: "two" }),
    );
    expect(counted).toMatchObject({ rowsWritten: 0, alarms: 0, d1RowsRead: 0, d1RowsWritten: 0 });
  });
});
