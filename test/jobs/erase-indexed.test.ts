import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { conversationOf } from "../../src/conversation/stub.ts";
import { found, indexOf, seedMessages, withBounds, within } from "../conversation/searching.ts";
import { type Caller, groupOf, objectOf, person, unreadOf } from "../support.ts";
import { crawl } from "./crawler.ts";
import { orderOf, runJob } from "./with-kills.ts";

/** Erasure and deletion of a conversation that has a search index of several parts, which somebody is reading. */

const MESSAGES = 5_200;
const BOUNDS = {
  ...{ scanned: 5_000, newest: 50, scanSlice: 500, shardMessages: 1_000, shardUnits: 1_000_000 },
  ...{ indexSlice: 500, indexUnits: 100_000 },
};
const SOON = { timeout: 30_000, interval: 20 };
const admin = await person("admin", { role: "admin" });

/** Bob's group with Alice, with an index of more than 5,000 messages in parts of 1,000. */
async function indexed(word: string) {
  const [alice, bob] = [await person("alice"), await person("bob")];
  const id = await groupOf(bob, alice, admin);
  const texts = Array.from(
    { length: MESSAGES },
    (_, i) => `${word} ${i} ${i % 2 ? "odd" : "even"}`,
  );
  await seedMessages(id, alice.userId, texts);
  await runInDurableObject(objectOf(id), (_, ctx) => ctx.abort("reads what was stored")).catch(
    () => undefined,
  );
  await withBounds(id, BOUNDS);
  expect(await found(id, bob.userId, { q: word, limit: 3 })).toHaveLength(3);
  await vi.waitFor(async () => {
    expect((await indexOf(id))?.covered).toBeGreaterThan(MESSAGES - 10);
  }, SOON);
  expect(await found(id, bob.userId, { q: "odd", limit: 3 })).toHaveLength(3);
  return { alice, bob, id };
}

/** Has every part of the index read by somebody who has not come to the end; how many parts there are. */
function readWithoutEnd(id: string): Promise<number> {
  return within(id, (open, { sql }) => {
    const tables = sql
      .exec<{ first: number }>("SELECT first FROM search_shards")
      .toArray()
      .map(({ first }) => `search_${first}`);
    const cursors = tables.map((table) => {
      const cursor = sql.exec(`SELECT rowid FROM ${table} WHERE ${table} MATCH 'odd OR even'`);
      expect(cursor.next().done).toBe(false);
      return cursor;
    });
    // They live as long as the conversation is open.
    Object.assign(open, { cursors });
    return tables.length;
  });
}

const tablesOf = (id: string) =>
  runInDurableObject(objectOf(id), (_, { storage: { sql } }) =>
    sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name LIKE 'search%'")
      .toArray()
      .map(({ name }) => name),
  );

/** Rows of the index's own tables; a table that was emptied has a few of its structure. */
const rowsOf = (id: string) =>
  runInDurableObject(objectOf(id), (_, { storage: { sql } }) =>
    ["search_index", "search_shards", "search_1_docsize", "search_1001_docsize"].map(
      (table) => sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n,
    ),
  );

const orderFor = ({ userId }: Caller, messages: string) =>
  orderOf("erase-user", { userId, messages }, userId);

test.each(["clear", "keep"])(
  "somebody reads the index while a person is erased: %s",
  async (messages) => {
    const word = `indexed${messages}`;
    const { alice, bob, id } = await indexed(word);
    expect(await readWithoutEnd(id)).toBeGreaterThan(4);
    const { view } = await runJob(orderFor(alice, messages), { kills: false });
    expect(view).toMatchObject({ state: "done", error: null });
    expect((await rowsOf(id)).slice(1)).toEqual([0, 0, 0]);
    expect(await crawl(messages === "clear" ? [alice.userId, word] : [alice.userId])).toEqual([]);
    const hits = await found(id, bob.userId, { q: word, limit: 3 });
    expect(hits).toHaveLength(messages === "clear" ? 0 : 3);
    expect(await unreadOf(bob, id)).toBe(messages === "clear" ? 0 : MESSAGES);
  },
  120_000,
);

test("the call of the erasure that begins the new epoch comes to it though somebody reads the index", async () => {
  const { alice, bob, id } = await indexed("onecall");
  await readWithoutEnd(id);
  const request = { userId: alice.userId, erasedId: "erased-0123456789abcdef", by: "one" };
  const ask = (from: number) =>
    conversationOf(env, id).erase({ ...request, messages: "keep", from });
  let said = "";
  await ask(1).catch((error: unknown) => {
    said = String(error);
  });
  expect(said).toContain("the conversation starts over");
  expect(await ask(1)).toMatchObject({ isDeserted: false });
  expect(await rowsOf(id)).toEqual([0, 0, 0, 0]);
  expect(await indexOf(id)).toBeUndefined();
  // The next index takes their place, and finds what a scan finds.
  const all = await found(id, bob.userId, { q: "odd" });
  await withBounds(id, BOUNDS);
  await found(id, bob.userId, { q: "odd", limit: 1 });
  await vi.waitFor(async () => {
    expect((await indexOf(id))?.covered).toBeGreaterThan(MESSAGES - 10);
  }, SOON);
  expect(await found(id, bob.userId, { q: "odd" })).toEqual(all);
  expect(await tablesOf(id)).toContain("search_5001");
}, 60_000);

test("a conversation is deleted while somebody reads its index", async () => {
  const { id } = await indexed("deletedindex");
  await readWithoutEnd(id);
  // The first call may end the object with whoever reads it, and the second with what is deleted.
  const said: string[] = [];
  const ask = () => conversationOf(env, id).destroy();
  for (let i = 0; i < 2; i++) await ask().catch((error: unknown) => said.push(String(error)));
  expect(said.at(-1)).toContain("the conversation was deleted");
  expect(await ask()).toMatchObject({ id });
  expect(await tablesOf(id)).toEqual([]);
  // What D1 has is for the job to remove.
  const left = await crawl(["deletedindex"]);
  expect(left.filter((place) => !place.startsWith("D1."))).toEqual([]);
}, 60_000);
