import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import type { Command } from "../../src/conversation/decide/types.ts";
import { channelOf, groupOf, objectOf, person, send } from "../support.ts";

/**
 * D1 accepts 2 MB in one parameter; batches have at most half of that, for messages of any allowed
 * size.
 */

const MAX_BYTES = 1_000_000;
/** The size of a batch without its rows: the texts of its statements. */
const STATEMENTS = 20_000;
const WIDE = "😀";

afterEach(() => void vi.restoreAllMocks());

/** Records the size of every batch to D1; batches wait for `gate`. */
function batchSizes(gate: Promise<void> = Promise.resolve()) {
  const sizes: number[] = [];
  const batch = env.DB.batch.bind(env.DB);
  vi.spyOn(env.DB, "batch").mockImplementation(async (statements) => {
    sizes.push(new TextEncoder().encode(JSON.stringify(statements)).length);
    await gate;
    return batch(statements);
  });
  return sizes;
}

async function filesIn(conversationId: string): Promise<number> {
  const row = await env.DB.prepare("SELECT count(*) AS files FROM uploads WHERE sent_to = ?")
    .bind(conversationId)
    .first<{ files: number }>();
  return row?.files ?? 0;
}

/** Ten files with the longest allowed names. */
function largestFiles() {
  return Array.from({ length: 10 }, () => ({
    key: crypto.randomUUID(),
    name: `${WIDE.repeat(251)}.txt`,
    mimeType: "text/plain",
    size: 1,
  }));
}

/** The longest text and metadata. */
const LARGEST = { content: WIDE.repeat(5_000), metadata: { text: "\u0800".repeat(2_700) } };

test("a conversation of messages of the maximum size is rebuilt", async () => {
  const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
  const admin = await person("admin", { role: "admin" });
  const group = await groupOf(alice, bob, carol);
  const messages = 200;
  await runInDurableObject(objectOf(group), (_, { storage }) => {
    const { sql } = storage;
    const { rev } = sql.exec<{ rev: number }>("SELECT rev FROM counters").one();
    for (let number = 1; number <= messages; number++) {
      sql.exec(
        `INSERT INTO messages (number, rev, created_rev, sender_id, kind, content, created_at,
           metadata, attachments) VALUES (?1, ?2, ?2, ?3, 'file', ?4, ?1, ?5, ?6)`,
        number,
        rev + number,
        alice.userId,
        LARGEST.content,
        JSON.stringify(LARGEST.metadata),
        JSON.stringify(largestFiles()),
      );
    }
    sql.exec(
      "UPDATE counters SET rev = rev + ?1, last_number = ?1, counted = ?1, last_counted = ?1",
      messages,
    );
  });
  await evictDurableObject(objectOf(group));
  const sizes = batchSizes();
  const { body } = await admin.post("/api/admin/rebuild", { ids: [group] });
  expect(body).toMatchObject({ rebuilt: 1, unfinished: [], failed: [] });
  expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_BYTES + STATEMENTS);
  // 2.3 MB of names, in no more batches than necessary.
  expect(sizes.length).toBeLessThanOrEqual(8);
  expect(await filesIn(group)).toBe(10 * messages);
  const [entry] = (await bob.get("/api/v1/chat/conversations")).body;
  expect(entry).toMatchObject({ conversationId: group, unreadCount: messages });
});

test("commits made while D1 did not answer are sent to it in several batches", async () => {
  const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
  const group = await groupOf(alice, bob, carol);
  await send(alice, group, "before");
  const gate = Promise.withResolvers<void>();
  const sizes = batchSizes(gate.promise);
  await runInDurableObject(objectOf(group), async (instance) => {
    const sends = [alice, bob, carol].flatMap(({ userId }) =>
      Array.from({ length: 90 }, () => {
        const actor = { userId, name: null, avatarUrl: null } as const;
        const command: Command = {
          type: "send",
          kind: "text",
          content: "files",
          attachments: largestFiles(),
          claim: crypto.randomUUID(),
          maxLength: 5_000,
        };
        const options = { wait: false, readers: false };
        return instance.submit({ ...actor, role: "user", reach: "member" }, command, options);
      }),
    );
    const results = await Promise.all(sends);
    expect(results.every(({ result }) => result.ok)).toBe(true);
  });
  gate.resolve();
  await runDurableObjectAlarm(objectOf(group));
  await vi.waitUntil(async () => (await filesIn(group)) === 2_700, { timeout: 10_000 });
  expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_BYTES + STATEMENTS);
});

test("one deletion that changes the figures of thousands is sent to D1 in several batches", async () => {
  const owner = await person("owner");
  const channel = await channelOf(owner);
  await send(owner, channel, "first");
  const { body } = await send(owner, channel, "read by all before the first");
  const count = 4_000;
  await runInDurableObject(objectOf(channel), (_, { storage }) => {
    const { sql } = storage;
    const long = `replace(hex(zeroblob(60)), '0', '${WIDE}') || i`;
    const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
    sql.exec(`${numbers}
      INSERT INTO members (user_id, role, joined_at, archived, read_up_to, read_beyond, rev)
      SELECT ${long}, 'member', i, 0, 0, 1, rev + i FROM n, counters`);
    sql.exec(`${numbers}
      INSERT INTO reads (rev, user_id, from_number, to_number, read_at, ahead)
      SELECT rev + ${count} + i, ${long}, 2, 2, 0, 1 FROM n, counters`);
    sql.exec(
      `UPDATE counters SET rev = rev + ${2 * count}, member_count = member_count + ${count}`,
    );
    sql.exec("UPDATE counters SET projected_rev = rev");
  });
  await evictDurableObject(objectOf(channel));
  await send(owner, channel, "awake");
  const sizes = batchSizes();
  await runInDurableObject(objectOf(channel), async (instance) => {
    const { userId } = owner;
    const actor = { userId, name: null, avatarUrl: null, role: "user", reach: "member" } as const;
    const command = { type: "delete", messageId: body.messageId } as const;
    const { result } = await instance.submit(actor, command, { wait: true, readers: false });
    expect(result.ok).toBe(true);
  });
  const projected = () =>
    env.DB.prepare(
      "SELECT count(*) AS n FROM members WHERE conversation_id = ? AND read_beyond = 0",
    )
      .bind(channel)
      .first<{ n: number }>();
  await vi.waitUntil(async () => ((await projected())?.n ?? 0) >= count, { timeout: 10_000 });
  expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_BYTES + STATEMENTS);
});
