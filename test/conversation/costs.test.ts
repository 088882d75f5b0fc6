import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import operations from "../../docs/operations.md?raw";
import { directoryOf } from "../../src/directory/directory.ts";
import { inbox } from "../../src/directory/inbox.ts";
import { conversationIdOf } from "../../src/domain/id.ts";
import { openListed } from "../inbox/replica.ts";
import { directPair, objectOf, openLive, person, send } from "../support.ts";
import { counting, tellInboxes } from "./counters.ts";

test("a plain message sent alone writes at most 2 rows, 3 with its alarm", async () => {
  const { alice, conversationId } = await directPair();
  await send(alice, conversationId, "first");
  await tellInboxes(conversationId);
  const counted = await counting(conversationId, () => send(alice, conversationId, "counted"));
  expect(counted.rowsWritten).toBeGreaterThan(0);
  expect(counted.rowsWritten).toBeLessThanOrEqual(2);
  expect(counted.rowsWritten + counted.alarms).toBeLessThanOrEqual(3);
  expect(counted.d1RowsWritten).toBeGreaterThan(0);
  expect(counted.d1RowsWritten).toBeLessThanOrEqual(2);
});

test("a clientMessageId costs one more row", async () => {
  const { alice, conversationId } = await directPair();
  await send(alice, conversationId, "first");
  await tellInboxes(conversationId);
  const counted = await counting(conversationId, () =>
    send(alice, conversationId, "counted", { clientMessageId: crypto.randomUUID() }),
  );
  expect(counted.rowsWritten).toBeLessThanOrEqual(3);
  expect(counted.rowsWritten + counted.alarms).toBeLessThanOrEqual(4);
});

test("32 concurrent sends with keys write at most 2.1 rows a message", async () => {
  const { alice, bob, conversationId } = await directPair();
  const a = await openLive(alice, conversationId);
  const b = await openLive(bob, conversationId);
  const counted = await counting(conversationId, async () => {
    for (let i = 0; i < 32; i++) {
      const socket = i % 2 ? a : b;
      socket.send({ op: "send", id: i, content: `m${i}`, clientMessageId: `key-${i}` });
    }
    await a.until(() => a.all("message").length === 32);
  });
  expect((counted.rowsWritten + counted.alarms) / 32).toBeLessThanOrEqual(2.1);
});

test("a read mark within eight seconds of its message writes 3 rows, and 1 in D1", async () => {
  const { alice, bob, conversationId } = await directPair();
  const [a, b] = [await openLive(alice, conversationId), await openLive(bob, conversationId)];
  a.send({ op: "send", content: "hello" });
  const { message } = await b.next("message");
  const counted = await counting(conversationId, () => {
    b.send({ op: "read", id: 1, upTo: message.id });
    return b.next("ack");
  });
  expect(counted.rowsWritten + counted.alarms).toBe(3);
});

test("an object that is called with a guessed id stores nothing", async () => {
  const alice = await person("alice");
  const guessed = conversationIdOf(crypto.getRandomValues(new Uint8Array(11)));
  const answers = await Promise.all([
    alice.get(`/api/v1/chat/messages?conversationId=${guessed}`),
    send(alice, guessed, "anybody there?"),
  ]);
  expect(answers.map((answer) => answer.status)).toEqual([404, 404]);
  await runInDurableObject(objectOf(guessed), async (_, { storage }) => {
    const tables = storage.sql.exec("SELECT name FROM sqlite_master").toArray();
    expect(tables).toEqual([]);
    expect(await storage.getAlarm()).toBeNull();
  });
});

test("page 100 of a history reads as many rows as page 1", async () => {
  const { alice, conversationId } = await directPair();
  await runInDurableObject(objectOf(conversationId), (_, { storage }) => {
    storage.sql.exec(`
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
      INSERT INTO messages (number, rev, created_rev, sender_id, kind, content, created_at)
      SELECT i, 3 + i, 3 + i, 'someone', 'text', 'm' || i, i FROM n`);
    storage.sql.exec("UPDATE counters SET rev = 1003, last_number = 1000, last_counted = 1000");
  });
  await (await import("cloudflare:test")).evictDurableObject(objectOf(conversationId));
  const page = (number: number) =>
    counting(conversationId, async () => {
      const answer = await alice.get(
        `/api/v1/chat/messages?conversationId=${conversationId}&pageSize=10&page=${number}`,
      );
      expect(answer.body.items.length).toBe(10);
    });
  const first = await page(1);
  const last = await page(100);
  expect(first.rowsRead).toBeGreaterThan(0);
  expect(last.rowsRead).toBe(first.rowsRead);
});

describe("the figures in docs/operations.md are not below the measured ones", () => {
  /** The last five figures of a row of the table "What one thing takes". */
  function promised(name: string) {
    const [, row = ""] = new RegExp(`^\\| ${name} \\|(.*)\\|$`, "m").exec(operations) ?? [];
    const [rowsRead, rowsWritten, d1RowsRead, d1RowsWritten] = row.split("|").map(Number).slice(-4);
    return { rowsRead, rowsWritten, d1RowsRead, d1RowsWritten };
  }

  /** The cost of a single operation, including its alarm and its projection to D1. */
  async function alone(conversationId: string, action: () => Promise<unknown>) {
    await runDurableObjectAlarm(objectOf(conversationId));
    const counted = await counting(conversationId, async () => {
      await action();
      await runDurableObjectAlarm(objectOf(conversationId));
    });
    const { alarms, rowsWritten, ...read } = counted;
    return { ...read, rowsWritten: rowsWritten + alarms };
  }

  test("for a message and a read mark, over sockets", async () => {
    const { alice, bob, conversationId } = await directPair();
    const [a, b] = [await openLive(alice, conversationId), await openLive(bob, conversationId)];
    // With the inboxes open, as the page has them.
    for (const one of [alice, bob]) await openListed(one);
    await send(alice, conversationId, "before");
    await tellInboxes(conversationId);
    const message = await alone(conversationId, () => {
      a.send({ op: "send", id: 1, content: "hello", clientMessageId: "key" });
      return a.next("ack");
    });
    expect(message).toEqual(promised("message"));
    const mark = await alone(conversationId, () => {
      b.send({ op: "read", id: 1 });
      return b.next("ack");
    });
    expect(mark).toEqual(promised("read mark"));
  });

  test("for a visit: a list of 20, a socket and a page of history", async () => {
    const { alice, bob, conversationId } = await directPair();
    await send(alice, conversationId, "hello");
    const visit = await alone(conversationId, async () => {
      await openLive(bob, conversationId);
      await bob.get(`/api/v1/chat/messages?conversationId=${conversationId}`);
    });
    const { rowsRead = 0, d1RowsRead = 0 } = promised("visit");
    expect(visit.rowsRead).toBeLessThanOrEqual(rowsRead);
    expect(visit.rowsWritten).toBe(0);
    for (let i = 0; i < 19; i++) {
      const other = await person();
      const direct = { otherUserId: other.userId };
      const { body } = await alice.post("/api/v1/chat/conversations/direct", direct);
      await send(alice, body.conversationId, "hello");
    }
    let read = 0;
    const prepare = (query: string) => ({
      bind: (...values: unknown[]) => ({
        async all() {
          const result = await env.DB.prepare(query)
            .bind(...values)
            .all();
          read += result.meta.rows_read;
          return result;
        },
      }),
    });
    const directory = directoryOf({ prepare, batch: env.DB.batch } as unknown as D1Database);
    const page = { userId: alice.userId, kinds: ["direct"] as const, limit: 20, offset: 0 };
    expect(await inbox(directory, page)).toHaveLength(20);
    expect(read).toBeGreaterThan(20);
    expect(read).toBeLessThanOrEqual(d1RowsRead);
  });
});
