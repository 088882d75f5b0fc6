import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { conversationIdOf, KEY_BYTES, messageIdOf } from "../../src/domain/id.ts";
import { counting } from "../conversation/counters.ts";
import { usedBy } from "../inbox/watching.ts";
import { type Caller, directPair, groupOf, person, send, someone } from "../support.ts";
import { costOf } from "./counted-requests.ts";

/** What each route of the admin API costs: queries and rows of D1, calls and rows of objects. */

const ADMIN = "/api/admin";
const admin = () => person("root", { role: "admin" });
const guessed = () => conversationIdOf(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));

afterEach(() => {
  vi.restoreAllMocks();
});

/** Somebody with many former and present memberships, uploads and blocks, as rows of D1. */
async function collector(conversations: number): Promise<string> {
  const id = someone("collector");
  const root = await admin();
  await root.put("/api/users", { users: [{ id, name: `Collector ${id}` }] });
  const ids = Array.from({ length: conversations }, guessed);
  const rows = JSON.stringify(ids);
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO conversations (id, kind, title, visibility, created_by, created_at, member_count,
         last_number, message_count, epoch, rev)
       SELECT value, 'group', 'Group', 'private', 'costs', 0, 1, 0, 0, 'e', 1 FROM json_each(?)`,
    ).bind(rows),
    env.DB.prepare(
      `INSERT INTO members (user_id, conversation_id, role, joined_at, left_at, archived, read_up_to,
         read_beyond, epoch, rev)
       SELECT ?, value, 'member', 0, iif(key % 2 = 0, NULL, 1), 0, 0, 0, 'e', 1 FROM json_each(?)`,
    ).bind(id, rows),
  ]);
  return id;
}

async function removed(): Promise<void> {
  await env.DB.batch([
    env.DB.prepare(
      "DELETE FROM members WHERE conversation_id IN (SELECT id FROM conversations WHERE created_by = 'costs')",
    ),
    env.DB.prepare("DELETE FROM conversations WHERE created_by = 'costs'"),
  ]);
}

test("users: rows of a page, whatever there is", async () => {
  const root = await admin();
  const id = await collector(1_200);
  const others = Array.from({ length: 40 }, () => ({ id: someone("one"), name: "One" }));
  await root.put("/api/users", { users: others });
  const get = (path: string) => costOf(() => root.get(`${ADMIN}${path}`));
  expect(await get("/users?limit=20")).toMatchObject({ status: 200, queries: 1, rowsRead: 21 });
  const byId = await get(`/users?q=${id}`);
  expect(byId).toMatchObject({ status: 200, conversations: 0, inboxes: 0 });
  expect(byId.queries).toBeLessThanOrEqual(3);
  const profile = await get(`/users/${id}`);
  expect(profile).toMatchObject({ status: 200, queries: 6, conversations: 0, inboxes: 0 });
  // Every membership once, up to 10,000.
  expect(profile.rowsRead).toBeLessThanOrEqual(1_200 + 10);
  const page = await get(`/users/${id}/conversations?limit=50`);
  expect(page).toMatchObject({ status: 200, queries: 1 });
  expect(page.rowsRead).toBeLessThanOrEqual(2 * 51 + 1);
  await removed();
});

test("a user's inbox: one row of D1, one call, nothing written", async () => {
  const root = await admin();
  const { alice } = await directPair();
  for (const what of ["devices", "connections"]) {
    const cost = await costOf(() => root.get(`${ADMIN}/users/${alice.userId}/${what}`));
    expect(cost).toEqual({ status: 200, queries: 1, rowsRead: 1, conversations: 0, inboxes: 1 });
  }
  const used = await usedBy(alice, () => root.get(`${ADMIN}/users/${alice.userId}/devices`));
  expect(used).toMatchObject({ rowsWritten: 0, calls: [] });
});

test("finding conversations looks at no more than 500, by member or in all", async () => {
  const root = await admin();
  const id = await collector(1_200);
  const get = (query: string) => costOf(() => root.get(`${ADMIN}/conversations?${query}`));
  const all = await get("title=nothing-has-it");
  expect(all).toMatchObject({ status: 200, queries: 1, rowsRead: 500 });
  const ofMember = await get(`member=${id}&title=nothing-has-it`);
  expect(ofMember).toMatchObject({ status: 200, queries: 1 });
  expect(ofMember.rowsRead).toBeLessThanOrEqual(2 * 500 + 1);
  expect(await get("limit=10")).toMatchObject({ queries: 1, rowsRead: 11, conversations: 0 });
  await removed();
});

test("a conversation: one call, however many members and messages it has", async () => {
  const root = await admin();
  const people = await Promise.all(Array.from({ length: 12 }, () => person()));
  const id = await groupOf(...(people as [Caller, ...Caller[]]));
  const [ada] = people;
  for (let i = 0; i < 30; i++) await send(ada as Caller, id, `message ${i}`);
  const path = `${ADMIN}/conversations/${id}`;
  await root.get(path);
  const inObject = (request: () => Promise<unknown>) => counting(id, request);
  expect(await costOf(() => root.get(path))).toMatchObject({
    ...{ status: 200, queries: 0, conversations: 1, inboxes: 0 },
  });
  const figures = await inObject(() => root.get(path));
  expect(figures.rowsRead).toBeLessThanOrEqual(5);
  expect(figures.rowsWritten).toBe(0);
  expect(await costOf(() => root.get(`${path}/members?limit=5`))).toMatchObject({
    ...{ status: 200, queries: 0, conversations: 1 },
  });
  const members = await inObject(() => root.get(`${path}/members?limit=5`));
  expect(members.rowsRead).toBeLessThanOrEqual(6 + 2);
  const read = () => root.post(`${path}/messages/read`, { reason: "x", limit: 10 });
  expect(await costOf(read)).toMatchObject({ status: 200, queries: 1, conversations: 1 });
  const messages = await inObject(read);
  expect(messages.rowsRead).toBeLessThanOrEqual(10 + 2);
  expect(messages.rowsWritten).toBe(0);
  const lock = () => root.post(`${path}/close`, { reason: "x" });
  expect(await costOf(lock)).toMatchObject({ status: 204, conversations: 2 });
  const remove = () => root.post(`${ADMIN}/messages/${messageIdOf(id, 3)}/delete`, { reason: "x" });
  expect(await costOf(remove)).toMatchObject({ status: 204, conversations: 1 });
});

test("acting as a bot: one row of D1 in ten seconds for each bot, and none for people", async () => {
  const [host, ada, bob] = await Promise.all([
    person("host", { role: "service" }),
    person(),
    person(),
  ]);
  const id = await groupOf(ada, bob);
  const bot = someone("bot");
  await host.put("/api/users", { users: [{ id: bot, name: "Robot", bot: true }] });
  await host.post(`/api/v1/chat/conversations/${id}/participants`, { participantId: bot });
  const prepared = vi.spyOn(env.DB, "prepare");
  const as = { "Acting-As": bot };
  const sends = async (by: Caller, headers: Record<string, string>) => {
    for (let i = 0; i < 5; i++) {
      const body = { conversationId: id, content: `${i}` };
      expect((await by.post("/api/v1/chat/messages", body, headers)).status).toBe(201);
    }
  };
  await sends(host, as);
  await sends(ada, {});
  const reads = prepared.mock.calls.filter(([sql]) => sql.includes('"bot"'));
  expect(reads).toHaveLength(1);
  const [sql] = reads[0] ?? [""];
  prepared.mockRestore();
  const { meta } = await env.DB.prepare(sql).bind(bot, 1, 0).all();
  expect(meta.rows_read).toBe(1);
});
