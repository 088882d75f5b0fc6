import { env } from "cloudflare:workers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { directoryOf } from "../../src/directory/directory.ts";
import { inbox, stats } from "../../src/directory/inbox.ts";
import { BLOCK_NUMBERS } from "../../src/directory/schema.ts";
import { someone } from "../support.ts";

/** Unread counts of the lists, which read blocks of uncounted numbers instead of each number. */

const KINDS = ["group"] as const;

/** A conversation of one member in D1, as the projection writes it. */
async function conversation(lastNumber: number, readUpTo: number, uncounted: readonly number[]) {
  const [userId, id] = [someone(), crypto.randomUUID()];
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO conversations (id, kind, visibility, created_by, created_at, member_count,
         last_number, message_count, epoch, rev) VALUES (?, 'group', 'private', ?, 0, 1, ?, 0, 'e', 1)`,
    ).bind(id, userId, lastNumber),
    env.DB.prepare(
      `INSERT INTO members (user_id, conversation_id, role, joined_at, archived, read_up_to,
         read_beyond, epoch, rev) VALUES (?, ?, 'owner', 0, 0, ?, 0, 'e', 1)`,
    ).bind(userId, id, readUpTo),
    insertUncounted(id, uncounted),
  ]);
  return { userId, id };
}

function insertUncounted(id: string, numbers: readonly number[]) {
  const rows = "INSERT OR IGNORE INTO uncounted SELECT ?, value FROM json_each(?)";
  return env.DB.prepare(rows).bind(id, JSON.stringify(numbers));
}

async function unreadOf(userId: string) {
  const directory = directoryOf(env.DB);
  const [entry] = await inbox(directory, { userId, kinds: KINDS, limit: 10, offset: 0 });
  const { totalUnread } = await stats(directory, userId, KINDS);
  expect(totalUnread).toBe(entry?.unread);
  return entry?.unread;
}

test("counts are the same as counting one by one, whatever is added twice or removed", async () => {
  const number = fc.integer({ min: 1, max: 3 * BLOCK_NUMBERS });
  const numbers = fc.uniqueArray(number, { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(number, numbers, numbers, numbers, async (readUpTo, some, more, gone) => {
      const last = 3 * BLOCK_NUMBERS;
      const { userId, id } = await conversation(last, readUpTo, some);
      await insertUncounted(id, more).run();
      await env.DB.prepare(
        "DELETE FROM uncounted WHERE conversation_id = ? AND number IN (SELECT value FROM json_each(?))",
      )
        .bind(id, JSON.stringify(gone))
        .run();
      const left = [...new Set([...some, ...more])].filter((one) => !gone.includes(one));
      const unread = last - readUpTo - left.filter((one) => one > readUpTo).length;
      expect(await unreadOf(userId)).toBe(unread);
    }),
    { numRuns: 30 },
  );
});

test("100,000 deletions after a read mark are read as blocks", async () => {
  const deleted = Array.from({ length: 100_000 }, (_, i) => i + 1);
  const { userId } = await conversation(100_001, 0, deleted);
  let read = 0;
  const prepare = (query: string) => ({
    bind: (...values: unknown[]) => ({
      all: async () => {
        const result = await env.DB.prepare(query)
          .bind(...values)
          .all();
        read += result.meta.rows_read;
        return result;
      },
    }),
  });
  const directory = directoryOf({ prepare, batch: env.DB.batch } as unknown as D1Database);
  await inbox(directory, { userId, kinds: KINDS, limit: 10, offset: 0 });
  expect(read).toBeGreaterThan(100_000 / BLOCK_NUMBERS);
  expect(read).toBeLessThan(1_000);
  expect(await unreadOf(userId)).toBe(1);
});
