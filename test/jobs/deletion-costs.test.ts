import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { Inbox } from "../../src/inbox/object.ts";
import { directPair, objectOf, send } from "../support.ts";
import { orderOf, replaced, runJob } from "./with-kills.ts";

/** What a deletion costs, and what it costs everybody else that one is possible. */

afterEach(() => {
  vi.restoreAllMocks();
});

/** Rows that D1 read and wrote for the batches of an action. */
async function batched(action: () => Promise<unknown>) {
  const batch = env.DB.batch.bind(env.DB);
  const rows = { read: 0, written: 0 };
  vi.spyOn(env.DB, "batch").mockImplementation(async (statements) => {
    const results = await batch(statements);
    for (const { meta } of results) {
      rows.read += meta.rows_read;
      rows.written += meta.rows_written;
    }
    return results as never;
  });
  await action();
  vi.restoreAllMocks();
  return rows;
}

test("a send costs D1 no row more, however many conversations were deleted", async () => {
  const one = await directPair();
  await send(one.alice, one.conversationId, "one");
  const settled = () => objectOf(one.conversationId).rebuild("here");
  await settled();
  await env.DB.prepare("DROP TRIGGER deleted_conversations_stay").run();
  // The least of some: a projection that is slow is written twice.
  const leastOf = async () => {
    const costs = [];
    for (let i = 0; i < 5; i++) {
      costs.push(
        await batched(async () => {
          await send(one.alice, one.conversationId, `message ${i}`);
          await settled();
        }),
      );
    }
    return costs.reduce((least, cost) => (cost.written < least.written ? cost : least));
  };
  const without = await leastOf();
  await env.DB.prepare(
    "CREATE TRIGGER `deleted_conversations_stay` BEFORE INSERT ON `conversations` WHEN EXISTS (SELECT 1 FROM `deleted_conversations` WHERE `id` = new.`id`) BEGIN SELECT RAISE(IGNORE); END;",
  ).run();
  await env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
     INSERT INTO deleted_conversations SELECT 'seeded-' || i, 'somebody', 1 FROM n`,
  ).run();
  const guarded = await leastOf();
  await env.DB.prepare("DELETE FROM deleted_conversations WHERE id LIKE 'seeded-%'").run();
  expect(guarded).toEqual(without);
});

test("a direct conversation: six steps, a call of each inbox, two of its object", async () => {
  const { alice, conversationId } = await directPair();
  for (let i = 0; i < 10; i++) await send(alice, conversationId, `message ${i}`);
  const told = vi.spyOn(Inbox.prototype, "deleted");
  const prepared = vi.spyOn(env.DB, "prepare");
  let steps = 0;
  const restore = replaced("delete-conversation", (kind) => {
    if (!kind) throw new Error("no such kind");
    return {
      ...kind,
      step(...given) {
        steps++;
        return kind.step(...given);
      },
    };
  });
  await runJob(orderOf("delete-conversation", { conversationId }, conversationId), {
    kills: false,
  });
  restore();
  expect(told).toHaveBeenCalledTimes(2);
  expect(steps).toBe(6);
  // The hold; two of the mark; members; files; seven of the rows, twice; the report of the beginning and of the end.
  expect(prepared.mock.calls.length).toBe(1 + 2 + 1 + 1 + 2 * 7 + 2);
});
