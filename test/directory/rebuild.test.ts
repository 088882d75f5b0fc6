import {
  evictAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type Caller,
  channelOf,
  directPair,
  groupOf,
  ORIGIN,
  objectOf,
  person,
  send,
} from "../support.ts";

/** D1 is wiped, and its data about conversations is rebuilt from their objects. */

const REBUILD = "/api/admin/rebuild";
const TABLES = [
  ...["conversations", "members", "uncounted", "uploads", "users"],
  ...["mentions", "mentions_read"],
];

let admin: Caller;
beforeAll(async () => {
  admin = await person("admin", { role: "admin" });
});
afterEach(() => {
  vi.restoreAllMocks();
});

test("an empty or missing body is the same as {}", async () => {
  const asked = async (init: RequestInit) => {
    const headers = { Authorization: `Bearer ${admin.token}`, ...init.headers };
    const request = new Request(ORIGIN + REBUILD, { ...init, method: "POST", headers });
    const response = await exports.default.fetch(request);
    return { status: response.status, body: await response.json() };
  };
  const type = { "Content-Type": "application/json" };
  const expected = await asked({ headers: type, body: "{}" });
  expect(expected).toMatchObject({ status: 200, body: { failed: [], cursor: null } });
  expect(await asked({})).toEqual(expected);
  expect(await asked({ headers: type })).toEqual(expected);
  expect(await asked({ headers: type, body: "" })).toEqual(expected);
  const nulls = JSON.stringify({ cursor: null, limit: null, ids: null, resume: null });
  expect(await asked({ headers: type, body: nulls })).toEqual(expected);
});

/** The contents of these users' lists, byte by byte. */
async function lists(callers: readonly Caller[]): Promise<string[]> {
  const paths = [
    ...["conversations", "channels/my-channels", "channels/public"].map((p) => `/api/v1/chat/${p}`),
    ...["/api/chat", "/api/chat?archived=true", "/api/chat/stats"],
    `/api/users?ids=${callers.map(({ userId }) => userId).join(",")}`,
  ];
  const answers = await Promise.all(
    callers.flatMap((caller) => paths.map((path) => caller.get(path))),
  );
  return answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`);
}

/** The conversations created by `aLivelyPlace` so far. */
const made: string[] = [];

async function wipe(): Promise<void> {
  // A later alarm of an object would restore its rows.
  for (const id of made) await runDurableObjectAlarm(objectOf(id));
  await env.DB.batch(TABLES.map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
}

async function rowsOf(table: string): Promise<unknown[]> {
  const { results } = await env.DB.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all();
  return results;
}

/** Conversations of every kind, with everything that D1 stores of them. */
async function conversationsOfEveryKind() {
  const [alice, bob, carol] = await Promise.all([
    person("alice", { name: "Alice" }),
    person("bob", { name: "Bob" }),
    person("carol", { name: "Carol" }),
  ]);
  const direct = await alice.post("/api/chat", {
    participantIds: [bob.userId],
    metadata: { order: 7 },
  });
  const group = await groupOf(alice, bob, carol);
  const channel = await channelOf(carol, [alice, bob]);
  const ids = [direct.body.data.chat._id, group, channel];
  made.push(...ids);
  const sent = await send(alice, group, "to be deleted");
  await send(bob, group, "read out of order");
  await send(bob, group, "unread");
  const mentions = [alice.userId];
  const mentioned = await send(bob, group, "hello", { mentions });
  const read = await send(bob, group, "read out of order as well", { mentions });
  await alice.post(`/api/v1/chat/messages/${read.body.messageId}/read`);
  await send(bob, group, "no longer", { mentions: [carol.userId] });
  const path = `/api/chat/${group}/messages/${mentioned.body.messageId}`;
  await bob.put(path, { content: "hello both", mentions: [alice.userId, carol.userId] });
  await carol.delete(`/api/chat/${group}/messages/${sent.body.messageId}`);
  await alice.delete(`/api/chat/${group}/messages/${sent.body.messageId}`);
  await alice.delete(`/api/v1/chat/conversations/${group}/participants/${carol.userId}`);
  await alice.put(`/api/chat/${ids[0]}/archive`);
  await send(carol, channel, "hello all");
  const form = new FormData();
  form.set("file", new File(["a,b\n1,2\n"], "table.csv", { type: "text/csv" }));
  await exports.default.fetch(`${ORIGIN}/api/chat/${ids[0]}/messages/file`, {
    method: "POST",
    headers: { Authorization: `Bearer ${bob.token}` },
    body: form,
  });
  return { callers: [alice, bob, carol] as const, ids };
}

describe("POST /api/admin/rebuild", () => {
  test("200 after all of D1 is lost: every list is restored, and files can be downloaded", async () => {
    const { callers, ids } = await conversationsOfEveryKind();
    const [before, uploads] = [await lists(callers), await rowsOf("uploads")];
    expect(uploads).toHaveLength(1);
    await wipe();
    expect(await lists(callers)).not.toEqual(before);
    // Cloudflare's API lists the ids of objects, not their names.
    const objects = ids.map((id) => env.CONVERSATIONS.idFromName(id).toString());
    const { status, body } = await admin.post(REBUILD, { ids: objects });
    expect(status).toBe(200);
    expect(body).toMatchObject({ rebuilt: 3, unfinished: [], failed: [], cursor: null });
    expect(await lists(callers)).toEqual(before);
    const chats = (await callers[1].get("/api/chat")).body.data.chats;
    const { lastMessage } = chats.find((chat: { _id: string }) => chat._id === ids[0]);
    const url = String(lastMessage.attachments[0].url);
    expect(await (await exports.default.fetch(url)).text()).toBe("a,b\n1,2\n");
  });

  test("200 page by page over the conversations in D1, continuing from the cursor", async () => {
    await wipe();
    const { callers } = await conversationsOfEveryKind();
    const before = await lists(callers);
    await env.DB.batch([
      env.DB.prepare("UPDATE conversations SET title = 'wrong', last_message = NULL, rev = 1"),
      env.DB.prepare("UPDATE members SET read_up_to = 0, left_at = NULL, rev = 1"),
      env.DB.prepare("DELETE FROM uncounted"),
      env.DB.prepare("DELETE FROM mentions"),
      env.DB.prepare("DELETE FROM mentions_read"),
    ]);
    const steps: unknown[] = [];
    let cursor: string | null = null;
    do {
      const { body } = await admin.post(REBUILD, { cursor, limit: 2 });
      steps.push([body.rebuilt, body.progress, body.cursor === null]);
      cursor = body.cursor;
      await evictAllDurableObjects();
    } while (cursor !== null);
    expect(steps).toEqual([
      [2, { seen: 2, of: 3 }, false],
      [1, { seen: 3, of: 3 }, true],
    ]);
    expect(await lists(callers)).toEqual(before);
  });

  test("200 with the unfinished conversations when D1 fails in between, continued by the next call", async () => {
    const { alice, bob, conversationId } = await directPair();
    const members = Array.from({ length: 600 }, (_, i) => `member-${i}`);
    // More changes than fit into one page.
    await runInDurableObject(objectOf(conversationId), (_, { storage }) => {
      for (const [index, userId] of members.entries()) {
        storage.sql.exec(
          `INSERT INTO members (user_id, role, joined_at, archived, read_up_to, read_beyond, rev)
           VALUES (?, 'member', 1, 0, 0, 0, ?)`,
          userId,
          index + 4,
        );
      }
      storage.sql.exec("UPDATE counters SET rev = 603, member_count = 602");
    });
    await evictDurableObject(objectOf(conversationId));
    const batch = env.DB.batch.bind(env.DB);
    let pages = 0;
    vi.spyOn(env.DB, "batch").mockImplementation((statements) =>
      ++pages === 2 ? Promise.reject(new Error("D1_ERROR: gone")) : batch(statements),
    );
    const first = await admin.post(REBUILD, { ids: [conversationId] });
    const unfinished = { conversationId, rev: 603, projectedRev: 500 };
    expect(first.body).toMatchObject({ rebuilt: 0, unfinished: [unfinished], failed: [] });
    await evictDurableObject(objectOf(conversationId));
    vi.restoreAllMocks();
    const written = vi.spyOn(env.DB, "batch");
    await send(alice, conversationId, "meanwhile");
    const { body } = await admin.post(REBUILD, { ids: [conversationId], resume: true });
    expect(body).toMatchObject({ rebuilt: 1, unfinished: [] });
    expect(written).toHaveBeenCalledTimes(1);
    const rows = await rowsOf("members");
    const known = rows.map((row) => Object(row).user_id);
    expect(known).toEqual(expect.arrayContaining([...members, alice.userId, bob.userId]));
  });

  test("200 and names ids that are not conversations, for which nothing is stored", async () => {
    const guessed = "3fa85f64-5717-8562-b3fc-2c0000000000";
    const { body } = await admin.post(REBUILD, { ids: [guessed, "f".repeat(64)] });
    expect(body.failed).toEqual(
      expect.arrayContaining([
        { id: guessed, reason: "conversation_not_found" },
        { id: "f".repeat(64), reason: "unavailable" },
      ]),
    );
  });

  test("400 for an invalid cursor or id; 403 for everyone but admins, 401 without a token", async () => {
    for (const body of [{ cursor: "x" }, { ids: ["x"] }, { ids: [] }, { limit: 51 }]) {
      expect((await admin.post(REBUILD, body)).status).toBe(400);
    }
    for (const role of ["resolver", "support", "user"]) {
      expect((await (await person("user", { role })).post(REBUILD, {})).status).toBe(403);
    }
    const { status } = await exports.default.fetch(ORIGIN + REBUILD, { method: "POST" });
    expect(status).toBe(401);
  });
});
