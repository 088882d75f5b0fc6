import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { type Answer, Caller, channelOf, openLive, person, tokenFor } from "../support.ts";
import { CONVERSATIONS, DIRECT, entryOf, GROUP, USERS } from "./requests.ts";

/** User ids that are UUIDs are compared in lower case, in every place. */

const CHATS = "/api/chat";
const CHANNELS = "/api/v1/chat/channels";

/** A known user whose id is a UUID, and that UUID in upper case. */
async function known(): Promise<{ caller: Caller; id: string; upper: string }> {
  const id = crypto.randomUUID();
  const caller = new Caller(id, await tokenFor(id));
  expect((await caller.get(CONVERSATIONS)).status).toBe(200);
  return { caller, id, upper: id.toUpperCase() };
}

function chatIdOf({ status, body }: Answer): string {
  expect(status, JSON.stringify(body)).toBeLessThan(300);
  return body.conversationId ?? body.data.chat._id;
}

/** The participants of a conversation, as its members see them. */
async function membersOf(caller: Caller, conversationId: string): Promise<string[]> {
  const socket = await openLive(caller, conversationId);
  socket.close();
  return socket
    .all("sync")
    .flatMap((sync) => sync.members ?? [])
    .flatMap(({ userId, leftAt }) => (leftAt === null ? [userId] : []))
    .sort();
}

test("in tokens: both forms are one user", async () => {
  const { caller, id, upper } = await known();
  const loud = new Caller(upper, await tokenFor(upper, { name: "Loud" }));
  const other = await person();
  const conversationId = chatIdOf(await loud.post(DIRECT, { otherUserId: other.userId }));
  expect(await entryOf(caller, conversationId)).toBeDefined();
  expect(chatIdOf(await other.post(DIRECT, { otherUserId: id }))).toBe(conversationId);
  const socket = await openLive(loud, conversationId);
  expect(socket.all("hello")[0]?.you.userId).toBe(id);
  const rows = await env.DB.prepare("SELECT id, name FROM users WHERE lower(id) = ?")
    .bind(id)
    .all();
  expect(rows.results).toEqual([{ id, name: "Loud" }]);
});

describe("in bodies", () => {
  test("of direct conversations, over both APIs", async () => {
    const [host, { id, upper }] = [await person(), await known()];
    for (const [path, body] of [
      [DIRECT, { otherUserId: upper }],
      [CHATS, { participantIds: [upper] }],
    ] as const) {
      const chatId = chatIdOf(await host.post(path, body));
      expect(await membersOf(host, chatId)).toEqual([host.userId, id].sort());
    }
  });

  test("of groups, over both APIs: duplicates are removed", async () => {
    const [host, one, other] = [await person(), await known(), await known()];
    const ids = [one.id, one.upper, other.upper];
    for (const [path, body] of [
      [GROUP, { participantIds: ids }],
      [CHATS, { type: "group", participantIds: ids }],
    ] as const) {
      const chatId = chatIdOf(await host.post(path, body));
      expect(await membersOf(host, chatId)).toEqual([host.userId, one.id, other.id].sort());
    }
    const twice = await host.post(GROUP, { participantIds: [one.id, one.upper] });
    expect([twice.status, twice.body.code]).toEqual([400, "invalid_request"]);
  });

  test("of the caller themselves", async () => {
    const { caller, upper } = await known();
    for (const [path, body] of [
      [DIRECT, { otherUserId: upper }],
      [CHATS, { participantIds: [upper] }],
    ] as const) {
      const answer = await caller.post(path, body);
      expect([answer.status, answer.body.code]).toEqual([400, "invalid_participants"]);
    }
  });

  test("of purchase requests: the seller's id, not the request's", async () => {
    const [buyer, seller] = [await person(), await known()];
    const purchaseRequestId = crypto.randomUUID().toUpperCase();
    const path = `${CHATS}/purchase-request`;
    const opened = await buyer.post(path, { purchaseRequestId, sellerId: seller.upper });
    expect(opened.status).toBe(201);
    expect(opened.body.data.chat.purchaseRequestId).toBe(purchaseRequestId);
    const found = await seller.caller.post(path, { purchaseRequestId, sellerId: seller.upper });
    expect([found.status, chatIdOf(found)]).toEqual([200, chatIdOf(opened)]);
    const other = { purchaseRequestId: purchaseRequestId.toLowerCase(), sellerId: seller.upper };
    expect((await seller.caller.post(path, other)).status).toBe(404);
  });

  test("of provisioning", async () => {
    const host = await person("admin", { role: "admin" });
    const id = crypto.randomUUID();
    const users = [
      { id: id.toUpperCase(), name: "First" },
      { id, name: "Last" },
    ];
    expect((await host.put(USERS, { users })).body).toEqual({ upserted: 1 });
    const { body } = await host.get(`${USERS}?ids=${id.toUpperCase()}`);
    expect(body.users).toEqual([{ id, name: "Last", avatarUrl: null }]);
  });
});

describe("in paths and bodies", () => {
  test("of a group's participants, over both APIs", async () => {
    const [host, one, two, three] = [await person(), await known(), await known(), await known()];
    const chatId = chatIdOf(await host.post(GROUP, { participantIds: [one.id, two.id] }));
    for (const [path, body] of [
      [`${CONVERSATIONS}/${chatId}/participants`, { participantId: three.upper }],
      [`${CHATS}/${chatId}/participants`, { userId: three.upper }],
    ] as const) {
      expect((await host.post(path, body)).status).toBe(200);
      const again = await host.post(path, body);
      expect([again.status, again.body.code]).toEqual([400, "already_a_member"]);
      const removed = await host.delete(`${path}/${three.upper}`);
      expect(removed.status, JSON.stringify(removed.body)).toBe(200);
      expect(await membersOf(host, chatId)).toEqual([host.userId, one.id, two.id].sort());
    }
  });

  test("of a channel's invitations, moderators and members", async () => {
    const [host, { caller, id, upper }] = [await person(), await known()];
    const channelId = await channelOf(host, [], { isPublic: false });
    const path = `${CHANNELS}/${channelId}`;
    expect((await host.post(`${path}/invitations`, { userId: upper })).status).toBe(200);
    expect((await host.delete(`${path}/invitations/${upper}`)).status).toBe(200);
    expect((await caller.post(`${path}/join`)).status).toBe(400);
    expect((await host.post(`${path}/invitations`, { userId: upper })).status).toBe(200);
    expect((await caller.post(`${path}/join`)).status).toBe(200);
    expect((await host.post(`${path}/moderators`, { userId: upper })).status).toBe(200);
    expect((await host.delete(`${path}/moderators/${upper}`)).status).toBe(200);
    expect((await host.delete(`${path}/members/${upper}`)).status).toBe(200);
    expect(await membersOf(host, channelId)).not.toContain(id);
  });
});

test("in queries", async () => {
  const { caller, id, upper } = await known();
  const { body } = await caller.get(`${USERS}?ids=${upper},${id}`);
  expect(body.users.map((user: { id: string }) => user.id)).toEqual([id]);
});

test("other ids are unchanged", async () => {
  const host = await person("admin", { role: "admin" });
  const id = `Ada-${crypto.randomUUID()}`;
  await host.put(USERS, { users: [{ id }] });
  expect((await host.post(DIRECT, { otherUserId: id.toLowerCase() })).status).toBe(400);
  expect((await host.post(DIRECT, { otherUserId: id })).status).toBe(201);
  expect((await host.get(`${USERS}?ids=${id}`)).body.users).toHaveLength(1);
});
