import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { SubscriberCalls } from "../../src/conversation/outbound/subscribers/subscriber-calls.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { liftHold, placeHold } from "../../src/directory/legal-holds.ts";
import { jobObject } from "../../src/jobs/api.ts";
import { Hub } from "../gateway/line.ts";
import { inboxOf } from "../inbox/replica.ts";
import { directPair, evict, objectOf, person, send } from "../support.ts";
import { crawl } from "./crawler.ts";
import { admin, askToDelete, deleted, newSecret, world } from "./deletion-world.ts";
import { fireUntilEnd, orderOf, replaced, runJob } from "./with-kills.ts";

/** How a conversation is deleted: whatever comes in between, and what may come late. */

afterEach(() => {
  vi.restoreAllMocks();
});

const LEFT = ["CONVERSATIONS.tombstone", "D1.audit", "D1.deleted_conversations", "D1.jobs"];

/** The places where anything of a conversation is, except those that decision 0114 names. */
async function leftOf(conversationId: string, ...secrets: string[]): Promise<string[]> {
  const found = await crawl([...secrets, conversationId.slice(0, -12)]);
  const places = new Set(found.map((one) => one.split(":")[0] ?? ""));
  return [...places].filter((place) => !LEFT.includes(place));
}

function deletion(conversationId: string) {
  return orderOf("delete-conversation", { conversationId }, conversationId);
}

test("its object ended in the midst of each step, the job comes to the same", async () => {
  const { channelId, secret } = await world();
  const { view, kills } = await runJob(deletion(channelId), { kills: true });
  expect(view).toMatchObject({ state: "done", error: null });
  expect(kills).toBeGreaterThan(10);
  expect(await leftOf(channelId, secret)).toEqual([]);
});

test("the conversation's object ended while it is deleted, the conversation is there or is gone", async () => {
  const { alice, conversationId } = await directPair();
  const secret = newSecret();
  await send(alice, conversationId, `${secret} hello`);
  const history = () => alice.get(`/api/v1/chat/messages?conversationId=${conversationId}`);
  const hub = await Hub.connect(alice);
  expect(await hub.ask("JoinConversation", conversationId)).toHaveProperty("rev");
  const told = vi.spyOn(SubscriberCalls.prototype, "ask").mockReturnValue(Promise.race([]));
  const first = objectOf(conversationId)
    .destroy()
    .catch((error: Error) => error.message);
  await vi.waitFor(() => expect(told).toHaveBeenCalled());
  expect((await history()).status).toBe(404);
  await runInDurableObject(objectOf(conversationId), (_, context) =>
    context.abort("killed by the test"),
  ).catch(() => undefined);
  expect(await first).toBe("killed by the test");
  told.mockRestore();
  // Nothing was removed.
  expect((await history()).body.totalCount).toBe(1);
  expect((await deleted(conversationId)).state).toBe("done");
  expect(await leftOf(conversationId, secret)).toEqual([]);
});

test("cancelled before it has begun, nothing is deleted; later it is carried out to its end", async () => {
  const { alice, conversationId } = await directPair();
  const secret = newSecret();
  await send(alice, conversationId, `${secret} hello`);
  const first = deletion(conversationId);
  await jobObject(env, first.id).start(first);
  await jobObject(env, first.id).cancel();
  expect((await fireUntilEnd(first.id)).state).toBe("cancelled");
  const history = `/api/v1/chat/messages?conversationId=${conversationId}`;
  expect((await alice.get(history)).status).toBe(200);

  // Cancelled with the object gone, and the job ended before it knew that.
  const second = deletion(conversationId);
  await objectOf(conversationId)
    .destroy()
    .catch(() => undefined);
  await jobObject(env, second.id).start(second);
  await jobObject(env, second.id).cancel();
  const { view } = await runJob(second, { kills: true });
  expect(view).toMatchObject({ state: "done", result: { members: 2 } });
  expect((await alice.get(history)).status).toBe(404);
  expect(await leftOf(conversationId, secret)).toEqual([]);
});

test("a legal hold stops it, wherever it stands", async () => {
  const { alice, conversationId } = await directPair();
  const directory = directoryOf(env.DB);
  const hold = { placedBy: "court", placedAt: 1, reason: "a case" };
  for (const [subject, id] of [
    ["conversation", conversationId],
    ["user", alice.userId],
  ] as const) {
    await placeHold(directory, { subject, id, ...hold });
    expect((await askToDelete(conversationId)).body.code).toBe("legal_hold");
    const { view } = await runJob(deletion(conversationId), { kills: false });
    expect(view).toMatchObject({ state: "failed", error: "legal_hold" });
    await liftHold(directory, subject, id);
  }
  // One that the object knows of, and D1 does not.
  await runInDurableObject(objectOf(conversationId), (_, { storage }) => {
    storage.sql.exec("INSERT INTO holds VALUES ('', 1)");
  });
  const { view } = await runJob(deletion(conversationId), { kills: false });
  expect(view).toMatchObject({ state: "failed", error: "legal_hold" });
  expect((await send(alice, conversationId, "still here")).status).toBe(201);
});

test("what is written late brings nothing back", async () => {
  const { channelId, secret, alice, bob } = await world();
  const batch = env.DB.batch.bind(env.DB);
  const written: D1PreparedStatement[][] = [];
  vi.spyOn(env.DB, "batch").mockImplementation((statements) => {
    written.push(statements);
    return batch(statements);
  });
  // Everything that D1 has of it, once more.
  await objectOf(channelId).rebuild("start");
  vi.restoreAllMocks();
  expect(written.length).toBeGreaterThan(0);
  await deleted(channelId);
  for (const statements of written) await env.DB.batch(statements);
  const report = env.DB.prepare(
    `INSERT INTO reports (id, state, conversation_id, number, reporter_id, reason, snapshot, created_at)
     VALUES (?1, 'open', ?2, 1, 'somebody', 'spam', '[]', 1)`,
  );
  await report.bind(crypto.randomUUID(), channelId).run();
  expect(await leftOf(channelId, secret)).toEqual([]);

  // Inboxes that ask it, and gateways of the previous version that call it.
  const object = objectOf(channelId);
  expect(await object.rearm(alice.userId)).toBeUndefined();
  expect(await object.isConnected(bob.userId)).toBe(false);
  await object.applyBlocks([]);
  await evict(channelId);
  expect(await runDurableObjectAlarm(object)).toBe(false);
  await runInDurableObject(object, (_, { storage }) => {
    const tables = storage.sql
      .exec(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      )
      .toArray();
    expect(tables).toEqual([{ name: "tombstone" }]);
  });
  for (const caller of [alice, bob]) {
    await runDurableObjectAlarm(inboxOf(caller));
  }
  expect(await leftOf(channelId, secret)).toEqual([]);
});

test("an inbox of the previous version is told as well", async () => {
  const { alice, conversationId } = await directPair();
  await send(alice, conversationId, "hello");
  const { Inbox } = await import("../../src/inbox/object.ts");
  const previous = vi.spyOn(Inbox.prototype, "deleted").mockImplementation(() => {
    throw new TypeError(`The RPC receiver does not implement the method "deleted".`);
  });
  const updated = vi.spyOn(Inbox.prototype, "update");
  expect(await deleted(conversationId)).toMatchObject({ state: "done" });
  expect(previous).toHaveBeenCalledTimes(2);
  expect(updated.mock.calls.map(([row]) => row)).toEqual([
    expect.objectContaining({ conversationId, removed: true }),
    expect.objectContaining({ conversationId, removed: true }),
  ]);
});

test("many members, files and rows go in slices", async () => {
  const { alice, conversationId } = await directPair();
  const numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)";
  const seed = (sql: string, count: number) =>
    env.DB.prepare(`${numbers} ${sql}`).bind(conversationId, count).run();
  await seed("INSERT INTO uncounted SELECT ?1, i FROM n", 1_200);
  await seed("INSERT INTO mentions SELECT ?1, 'somebody', i, 'other' FROM n", 700);
  await seed(
    `INSERT INTO members (user_id, conversation_id, role, joined_at, archived, read_up_to, read_beyond, epoch, rev)
     SELECT 'seeded-' || i, ?1, 'member', 1, 0, 0, 0, '', 0 FROM n`,
    60,
  );
  await seed(
    `INSERT INTO uploads (key, owner_id, name, mime_type, created_at, stored_at, sent_to, sent_number)
     SELECT ?1 || '/' || i, 'somebody', 'a.txt', 'text/plain', 1, 1, ?1, i FROM n`,
    250,
  );
  const steps: number[] = [];
  const order = deletion(conversationId);
  const restore = replaced("delete-conversation", (kind) => {
    if (!kind) throw new Error("no such kind");
    return {
      ...kind,
      async step(...given) {
        steps.push(0);
        return kind.step(...given);
      },
    };
  });
  const { view } = await runJob(order, { kills: false });
  restore();
  expect(view).toMatchObject({ state: "done", result: { members: 62, files: 250 } });
  // The object, the lists; 25 inboxes, 100 files or 500 rows of each table a step.
  expect(steps.length).toBe(2 + 3 + 3 + 4);
  expect(await leftOf(conversationId)).toEqual([]);
  expect((await send(alice, conversationId, "gone")).status).toBe(404);
});

test("the two of a deleted direct conversation begin a new one, over both APIs", async () => {
  const { alice, bob, conversationId } = await directPair();
  const seen = new Set([conversationId]);
  for (let generation = 2; generation <= 4; generation++) {
    await deleted([...seen].at(-1) ?? "");
    const path = "/api/v1/chat/conversations/direct";
    const [first, second] =
      generation % 2 === 0 ? ([alice, bob] as const) : ([bob, alice] as const);
    const begun = await first.post(path, { otherUserId: second.userId });
    expect(begun.status).toBeLessThan(300);
    const id = begun.body.conversationId;
    expect(seen).not.toContain(id);
    seen.add(id);
    const found = await second.post("/api/chat", { participantIds: [first.userId] });
    expect([found.status, found.body.data.chat._id]).toEqual([200, id]);
    expect((await send(second, id, "anew")).status).toBe(201);
    expect((await first.get(`/api/v1/chat/messages?conversationId=${id}`)).body.totalCount).toBe(1);
  }
  expect((await admin.get(`/api/admin/jobs?target=${conversationId}`)).body.items).toHaveLength(1);
});

test("D1 that does not know yet, or no more, that it was deleted: the object does", async () => {
  const { alice, bob, conversationId } = await directPair();
  await deleted(conversationId);
  await env.DB.prepare("DELETE FROM deleted_conversations WHERE id = ?").bind(conversationId).run();
  const path = "/api/v1/chat/conversations/direct";
  const { body } = await alice.post(path, { otherUserId: bob.userId });
  expect(body.conversationId).not.toBe(conversationId);
  expect((await bob.post(path, { otherUserId: alice.userId })).body).toEqual(body);
  // A rebuild from the objects tells D1 so.
  const ids = [env.CONVERSATIONS.idFromName(conversationId).toString()];
  expect((await admin.post("/api/admin/rebuild", { ids })).body).toMatchObject({
    rebuilt: 1,
    failed: [],
  });
  const again = await env.DB.prepare("SELECT id FROM deleted_conversations WHERE id = ?");
  expect(await again.bind(conversationId).first()).toEqual({ id: conversationId });
});

test("a chat about a purchase request is opened anew, and found by the seller", async () => {
  const [buyer, seller] = await Promise.all([person("buyer"), person("seller")]);
  const named = { purchaseRequestId: crypto.randomUUID(), sellerId: seller.userId };
  const opened = async (caller: typeof buyer, more = {}) =>
    (await caller.post("/api/chat/purchase-request", { ...named, ...more })).body.data?.chat._id;
  const first = await opened(buyer);
  await deleted(first);
  expect(await opened(seller, { buyerId: buyer.userId })).toBeUndefined();
  const second = await opened(buyer);
  expect(second).not.toBe(first);
  expect(await opened(buyer)).toBe(second);
  expect(await opened(seller, { buyerId: buyer.userId })).toBe(second);
  expect(await opened(seller)).toBe(second);
});

test("somebody who was erased and has come back begins another direct conversation", async () => {
  const { alice, bob, conversationId } = await directPair();
  // As an erasure leaves it: nobody's id any more.
  await runInDurableObject(objectOf(conversationId), (_, { storage }) => {
    storage.sql.exec("UPDATE members SET user_id = 'erased-1' WHERE user_id = ?", alice.userId);
  });
  await evict(conversationId);
  const path = "/api/v1/chat/conversations/direct";
  const { body } = await alice.post(path, { otherUserId: bob.userId });
  expect(body.conversationId).not.toBe(conversationId);
  expect((await bob.post(path, { otherUserId: alice.userId })).body).toEqual(body);
});
