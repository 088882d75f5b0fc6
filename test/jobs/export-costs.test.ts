import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { conversationOf } from "../../src/conversation/stub.ts";
import { counting } from "../conversation/counters.ts";
import { messagesSql } from "../seed-sql.ts";
import { evict, groupOf, objectOf, person } from "../support.ts";

/** What a conversation reads for an export: its rows once, and nothing is written. */

const MESSAGES = 10_000;

test("an export reads each message about once, of everybody and of one person", async () => {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const conversationId = await groupOf(alice, bob);
  await runInDurableObject(objectOf(conversationId), (_, { storage: { sql } }) => {
    sql.exec("DELETE FROM messages");
    for (const statement of messagesSql(MESSAGES, alice.userId)) sql.exec(statement);
  });
  await evict(conversationId);
  const stub = conversationOf(env, conversationId);
  const costs = [];
  for (const userId of [undefined, bob.userId]) {
    let calls = 0;
    const cost = await counting(conversationId, async () => {
      let after: string | undefined = "0";
      while (after !== undefined) {
        const page = await stub.exported(
          { of: "changes", ...(userId !== undefined && { userId }) },
          after,
        );
        if (!page.ok) throw new Error(page.error.code);
        after = page.value.next;
        calls++;
      }
    });
    costs.push({ calls, ...cost });
  }
  const [everything, own] = costs;
  expect(everything).toMatchObject({ calls: MESSAGES / 500 + 1, rowsWritten: 0, d1RowsRead: 0 });
  expect(own).toMatchObject({ calls: MESSAGES / 5_000 + 1, rowsWritten: 0, d1RowsRead: 0 });
  for (const { rowsRead } of costs) expect(rowsRead).toBeLessThan(1.1 * MESSAGES);
});
