import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { MAX_HIDDEN_FIGURES_PER_MINUTE } from "../../src/conversation/decide/blocks.ts";
import type { Command } from "../../src/conversation/decide/types.ts";
import {
  type Caller,
  channelOf,
  evict,
  groupOf,
  objectOf,
  openLive,
  person,
  send,
  unreadOf,
} from "../support.ts";
import { counting, tellInboxes } from "./counters.ts";
import { together } from "./together.ts";

/** What a message costs where somebody blocks its sender, and how that is bounded. */

let versions = 0;

async function block(conversationId: string, users: readonly Caller[], { userId }: Caller) {
  const blocks = users.map((user) => ({
    ...{ userId: user.userId, blockedId: userId, blocked: true, version: ++versions },
  }));
  await objectOf(conversationId).applyBlocks(blocks);
}

/** Sends two messages, and counts the second. */
async function counted(sender: Caller, conversationId: string) {
  await send(sender, conversationId, "first");
  await tellInboxes(conversationId);
  return await counting(conversationId, () => send(sender, conversationId, "counted"));
}

test.each([
  // With more than 16 the figures are written to the members' rows, beside those of the sender.
  { blockers: 1, rows: 2, d1Rows: 3 },
  { blockers: 15, rows: 2, d1Rows: 17 },
  { blockers: 20, rows: 2 + 21, d1Rows: 22 },
])(
  "a message whose sender $blockers people block writes $rows rows, and $d1Rows in D1",
  async ({ blockers, rows, d1Rows }) => {
    const [owner, eve, carol] = [await person("o"), await person("eve"), await person("carol")];
    const users = await Promise.all(Array.from({ length: blockers }, () => person("b")));
    const id = await groupOf(owner, eve, carol, ...users);
    await block(id, users, eve);
    const cost = await counted(eve, id);
    expect(cost.rowsWritten).toBe(rows);
    expect(cost.d1RowsWritten).toBe(d1Rows);
    // One of anybody else costs what it costs where nobody blocks.
    const other = await counted(carol, id);
    expect([other.rowsWritten, other.d1RowsWritten]).toEqual([2, 2]);
  },
);

test("where nobody blocks, blocks are looked at once after a wake", async () => {
  const [alice, bob, carol] = [await person("a"), await person("b"), await person("c")];
  const id = await groupOf(alice, bob, carol);
  await openLive(bob, id);
  await send(alice, id, "before");
  const statements = async (action: () => Promise<unknown>) => {
    const seen: string[] = [];
    await runInDurableObject(objectOf(id), (_, { storage: { sql } }) => {
      const exec = sql.exec.bind(sql);
      sql.exec = (query, ...bindings) => {
        if (/\bblocks\b/.test(query)) seen.push(query);
        return exec(query, ...bindings);
      };
    });
    await action();
    return seen;
  };
  await evict(id, { webSockets: "hibernate" });
  expect(await statements(() => send(alice, id, "first"))).toEqual([
    "SELECT 1 FROM blocks LIMIT 1",
  ]);
  expect(await statements(() => send(alice, id, "second"))).toEqual([]);
});

test("whom very many people block may send less often, and whoever nobody blocks as often as ever", async () => {
  const [owner, eve] = [await person("owner"), await person("eve")];
  const id = await channelOf(owner, [eve]);
  const blockers = MAX_HIDDEN_FIGURES_PER_MINUTE / 5;
  await runInDurableObject(objectOf(id), (_, { storage: { sql } }) => {
    sql.exec(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       INSERT INTO blocks SELECT 'user ' || i, ?, NULL, 1, 1 FROM n`,
      ...[blockers, eve.userId],
    );
  });
  await evict(id);
  for (let i = 0; i < 5; i++) {
    const { status, headers } = await send(eve, id, `${i}`);
    expect(status).toBe(201);
    expect(headers.get("RateLimit-Limit")).toBe("5");
  }
  const refused = await send(eve, id, "too many");
  expect([refused.status, refused.body.code]).toEqual([429, "rate_limited"]);
  expect((await send(owner, id, "hello")).headers.get("RateLimit-Limit")).toBe("100");
});

test("what somebody wrote whom several people block is read once when they come back", async () => {
  const [owner, eve] = [await person("owner"), await person("eve")];
  const users = await Promise.all(Array.from({ length: 8 }, () => person("b")));
  const id = await channelOf(owner, [eve, ...users]);
  for (let i = 0; i < 60; i++) await send(i % 2 ? owner : eve, id, `${i}`);
  await eve.post(`/api/v1/chat/channels/${id}/leave`);
  await tellInboxes(id);
  const blocks = users.map(({ userId }) => ({
    ...{ userId, blockedId: eve.userId, blocked: true, version: ++versions },
  }));
  const join: Command = { type: "join", blocks };
  const cost = await counting(id, () => together(id, [[eve, join]]));
  // 60 messages of the history, a handful for each person who blocks her, and some for the join.
  expect(cost.rowsRead).toBeLessThan(250);
  for (const user of users) expect(await unreadOf(user, id)).toBe(30);
});
