import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { conversationIdOf } from "../../src/domain/id.ts";
import { directPair, objectOf, openLive, person, send } from "../support.ts";
import { counting } from "./counters.ts";

test("a plain message sent alone writes at most 3 rows, 5 with alarm and projection mark", async () => {
  const { alice, conversationId } = await directPair();
  await send(alice, conversationId, "first");
  const counted = await counting(conversationId, () => send(alice, conversationId, "counted"));
  expect(counted.rowsWritten).toBeGreaterThan(0);
  expect(counted.rowsWritten).toBeLessThanOrEqual(3);
  expect(counted.rowsWritten + counted.alarms).toBeLessThanOrEqual(5);
  expect(counted.d1RowsWritten).toBeGreaterThan(0);
  expect(counted.d1RowsWritten).toBeLessThanOrEqual(3);
});

test("a clientMessageId costs one row more", async () => {
  const { alice, conversationId } = await directPair();
  const counted = await counting(conversationId, () =>
    send(alice, conversationId, "counted", { clientMessageId: crypto.randomUUID() }),
  );
  expect(counted.rowsWritten).toBeLessThanOrEqual(4);
  expect(counted.rowsWritten + counted.alarms).toBeLessThanOrEqual(6);
});

test("32 sends in flight with keys write at most 2.5 rows a message", async () => {
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
  expect((counted.rowsWritten + counted.alarms) / 32).toBeLessThanOrEqual(2.5);
});

test("an object asked for under a guessed id stores nothing", async () => {
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
