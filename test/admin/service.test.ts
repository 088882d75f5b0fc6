import { env, exports } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { PROTOCOL } from "../../src/live/version.ts";
import { Hub, Io } from "../gateway/line.ts";
import {
  Caller,
  channelOf,
  directPair,
  groupOf,
  ORIGIN,
  open,
  openLive,
  person,
  send,
  someone,
  tokenFor,
  unreadOf,
} from "../support.ts";

/** What the host application may do with a token of role `service`, and what it cannot read. */

const UNIHUB = "/api/v1/chat";
const CHATS = "/api/chat";
const as = (bot: string) => ({ "Acting-As": encodeURIComponent(bot) });
const service = () => person("host", { role: "service" });
const admin = () => person("root", { role: "admin" });

async function botOf(host: Caller, name = "Robot"): Promise<string> {
  const id = someone("bot");
  const { status } = await host.put("/api/users", { users: [{ id, name, bot: true }] });
  expect(status).toBe(200);
  return id;
}

/** What the audit log has of a conversation, oldest first; D1 has it a moment later. */
async function actsOf(root: Caller, conversationId: string, count: number) {
  return vi.waitFor(async () => {
    const { body } = await root.get(`/api/admin/audit?conversationId=${conversationId}`);
    expect(body.items).toHaveLength(count);
    return body.items.toReversed();
  });
}

async function textsOf(reader: Caller, conversationId: string) {
  const { body } = await reader.get(`${UNIHUB}/messages?conversationId=${conversationId}`);
  return body.items.map(({ senderId, content }: { senderId: string | null; content: string }) => [
    senderId,
    content,
  ]);
}

describe("provisioning", () => {
  test("people and bots, by services and admins, and no admins by a service", async () => {
    const [host, root, user] = await Promise.all([service(), admin(), person()]);
    const one = { id: someone("new"), name: "New One", role: "support" };
    const put = (by: Caller, users: object[]) => by.put("/api/users", { users });
    expect((await put(host, [one])).body).toEqual({ upserted: 1 });
    expect((await put(host, [{ ...one, role: "admin" }])).status).toBe(403);
    expect((await put(user, [one])).status).toBe(403);
    expect((await put(user, [{ ...one, bot: true }])).status).toBe(403);
    expect((await put(root, [{ id: someone("bot"), bot: true }])).status).toBe(200);
  });

  test("a bot that a rebuilt D1 knows as a member is one again, once an admin says so", async () => {
    const [host, root, ada, bob] = await Promise.all([service(), admin(), person(), person()]);
    const id = await groupOf(ada, bob);
    const bot = await botOf(host);
    await host.post(`${UNIHUB}/conversations/${id}/participants`, { participantId: bot });
    await env.DB.prepare("DELETE FROM users WHERE id = ?").bind(bot).run();
    const rebuilt = await root.post("/api/admin/rebuild", { ids: [id] });
    expect(rebuilt.body).toMatchObject({ rebuilt: 1 });
    const users = [{ id: bot, bot: true }];
    expect((await host.put("/api/users", { users })).body.code).toBe("forbidden");
    expect((await root.put("/api/users", { users })).status).toBe(200);
    const message = { conversationId: id, content: "back again" };
    expect((await host.post(`${UNIHUB}/messages`, message, as(bot))).status).toBe(201);
    // Whoever has been here is a person, for admins as well.
    const known = [{ id: ada.userId, bot: true }];
    expect((await root.put("/api/users", { users: known })).body.code).toBe("forbidden");
    expect((await host.post(`${UNIHUB}/messages`, message, as(ada.userId))).status).toBe(403);
  });

  test("nobody who is known as a person becomes a bot", async () => {
    const [host, user] = await Promise.all([service(), person()]);
    const { status, body } = await host.put("/api/users", {
      users: [
        { id: someone("bot"), bot: true },
        { id: user.userId, bot: true },
      ],
    });
    expect([status, body.code]).toEqual([403, "forbidden"]);
    const acted = await host.post(
      `${UNIHUB}/messages`,
      { conversationId: "x", content: "x" },
      as(user.userId),
    );
    expect([acted.status, acted.body.code]).toEqual([403, "forbidden"]);
  });

  test("purchase requests", async () => {
    const [host, user] = await Promise.all([service(), person()]);
    const requests = [{ id: crypto.randomUUID(), buyerId: user.userId }];
    expect((await host.put("/api/purchase-requests", { requests })).body).toEqual({ upserted: 1 });
    expect((await user.put("/api/purchase-requests", { requests })).status).toBe(403);
  });
});

describe("creating conversations for others", () => {
  test("a group: the first participant owns it, or whom it names; the service is not in it", async () => {
    const [host, root, ada, bob] = await Promise.all([service(), admin(), person(), person()]);
    const participantIds = [ada.userId, bob.userId];
    const group = `${UNIHUB}/conversations/group`;
    const first = (await host.post(group, { participantIds, title: "G" })).body.conversationId;
    const second = (await host.post(group, { participantIds, ownerId: bob.userId })).body;
    const rolesIn = async (id: string) => {
      const { body } = await ada.get(`${CHATS}/${id}/info`);
      const all: { userId: string; role: string }[] = body.data.chat.participants;
      return Object.fromEntries(all.map(({ userId, role }) => [userId, role]));
    };
    expect(await rolesIn(first)).toEqual({ [ada.userId]: "owner", [bob.userId]: "member" });
    expect(await rolesIn(second.conversationId)).toEqual({
      [ada.userId]: "member",
      [bob.userId]: "owner",
    });
    expect(await actsOf(root, first, 1)).toMatchObject([
      {
        ...{ action: "conversation.create", actorId: host.userId, actorRole: "service" },
        ...{ targetId: ada.userId, details: { kind: "group", memberIds: participantIds } },
      },
    ]);
  });

  test("a channel, which needs an owner", async () => {
    const [host, ada] = await Promise.all([service(), person()]);
    const channel = { name: "News", isPublic: false };
    const without = await host.post(`${UNIHUB}/channels`, channel);
    expect([without.status, without.body.code]).toEqual([400, "invalid_participants"]);
    const made = await host.post(`${UNIHUB}/channels`, { ...channel, ownerId: ada.userId });
    expect(made.status).toBe(201);
    const mine = await ada.get(`${UNIHUB}/channels/my-channels`);
    expect(mine.body).toMatchObject([{ channelId: made.body.channelId }]);
    expect((await host.get(`${UNIHUB}/channels/${made.body.channelId}`)).body.code).toBe(
      "not_a_member",
    );
  });

  test("a direct conversation, which the two find; the answer says nothing of what was said", async () => {
    const { alice, bob, conversationId } = await directPair();
    await send(alice, conversationId, "private");
    const host = await service();
    const named = { ownerId: alice.userId, otherUserId: bob.userId };
    const { body } = await host.post(`${UNIHUB}/conversations/direct`, named);
    expect(body).toEqual({ conversationId });
    const chat = await host.post(CHATS, { participantIds: [alice.userId, bob.userId] });
    expect([chat.status, chat.body.data.chat._id]).toEqual([200, conversationId]);
    expect(chat.body.data.chat.lastMessage).toBeNull();
    expect(JSON.stringify(chat.body)).not.toContain("private");
    const alone = { ownerId: alice.userId, otherUserId: alice.userId };
    expect((await host.post(`${UNIHUB}/conversations/direct`, alone)).status).toBe(400);
  });

  test("chats of the marketplace, of a group and a purchase request; no support chats", async () => {
    const [host, ada, bob] = await Promise.all([service(), person(), person()]);
    const participantIds = [ada.userId, bob.userId];
    const group = await host.post(CHATS, { type: "group", participantIds, title: "Both" });
    expect(group.status).toBe(201);
    const seen = (await ada.get(`${CHATS}/${group.body.data.chat._id}/info`)).body.data.chat;
    const { unreadCounts: _, ...chat } = seen;
    expect(group.body.data.chat).toEqual(chat);
    const about = { purchaseRequestId: crypto.randomUUID(), sellerId: bob.userId };
    const ask = () => host.post(`${CHATS}/purchase-request`, { ...about, buyerId: ada.userId });
    const first = await ask();
    const again = await ask();
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body.data.chat._id).toBe(first.body.data.chat._id);
    const mine = await ada.post(`${CHATS}/purchase-request`, about);
    expect(mine.body.data.chat._id).toBe(first.body.data.chat._id);
    expect((await host.post(`${CHATS}/purchase-request`, about)).status).toBe(400);
    const self = { ...about, buyerId: bob.userId };
    expect((await host.post(`${CHATS}/purchase-request`, self)).status).toBe(400);
    expect((await host.post(`${CHATS}/support`, {})).status).toBe(403);
  });

  test("a retry under the same Idempotency-Key finds what was created", async () => {
    const [host, other, ada, bob] = await Promise.all([service(), service(), person(), person()]);
    const group = (by: Caller, key: string, title: string) =>
      by.post(
        `${UNIHUB}/conversations/group`,
        { participantIds: [ada.userId, bob.userId], title },
        { "Idempotency-Key": key },
      );
    const answers = await Promise.all([
      group(host, "key-1", "A"),
      group(host, "key-1", "A"),
      group(host, "key-1", "B"),
      group(host, "key-2", "A"),
      group(other, "key-1", "A"),
    ]);
    const [first, again, ...others] = answers.map(({ body }) => body.conversationId);
    expect(again).toBe(first);
    expect(new Set([first, ...others]).size).toBe(4);
    const channel = () =>
      host.post(
        `${UNIHUB}/channels`,
        { name: "News", isPublic: true, ownerId: ada.userId },
        { "Idempotency-Key": "key-1" },
      );
    expect((await channel()).body).toEqual((await channel()).body);
    expect((await group(host, "not a key", "A")).status).toBe(400);
    // One that was deleted since is not found: its id is nobody's.
    const root = await admin();
    const deletion = { reason: "asked for" };
    expect((await root.delete(`/api/admin/conversations/${first}`, deletion)).status).toBe(202);
    await vi.waitFor(async () => {
      const { status } = await root.get(`/api/admin/conversations/${first}`);
      expect(status).toBe(404);
    });
    const anew = (await group(host, "key-1", "A")).body.conversationId;
    expect(anew).not.toBe(first);
    expect((await group(host, "key-1", "A")).body.conversationId).toBe(anew);
  });

  test("not by others, not with services, not between people who block each other", async () => {
    const [host, other, ada, bob] = await Promise.all([service(), service(), person(), person()]);
    const group = `${UNIHUB}/conversations/group`;
    const forBob = { participantIds: [ada.userId, bob.userId], ownerId: bob.userId };
    expect((await ada.post(group, forBob)).status).toBe(403);
    expect((await ada.post(group, { ...forBob, ownerId: ada.userId })).status).toBe(201);
    for (const one of [host, other]) {
      const participantIds = [ada.userId, one.userId];
      expect((await host.post(group, { participantIds })).body.code).toBe("unknown_user");
    }
    await ada.put("/api/users/blocks", { userId: bob.userId });
    const direct = { ownerId: ada.userId, otherUserId: bob.userId };
    const { body } = await host.post(`${UNIHUB}/conversations/direct`, direct);
    expect(body.code).toBe("cannot_contact");
  });
});

describe("members", () => {
  test("of a group: added and removed over both APIs, and logged as the service's", async () => {
    const [host, root, ada, bob, cyd] = await Promise.all([
      service(),
      admin(),
      person(),
      person(),
      person(),
    ]);
    const id = await groupOf(ada, bob);
    const path = `${UNIHUB}/conversations/${id}/participants`;
    expect((await host.post(path, { participantId: cyd.userId })).status).toBe(200);
    expect((await host.post(path, { participantId: cyd.userId })).body.code).toBe(
      "already_a_member",
    );
    expect((await host.delete(`${path}/${cyd.userId}`)).status).toBe(200);
    const added = await host.post(`${CHATS}/${id}/participants`, { userId: cyd.userId });
    expect(added.body).toEqual({ success: true, data: { participantId: cyd.userId } });
    expect((await host.delete(`${CHATS}/${id}/participants/${cyd.userId}`)).status).toBe(200);
    const acts = await actsOf(root, id, 4);
    const by = { actorId: host.userId, actorRole: "service", targetId: cyd.userId };
    const actions = ["member.add", "member.remove", "member.add", "member.remove"];
    expect(acts).toMatchObject(actions.map((action) => ({ ...by, action })));
  });

  test("of a channel: invited, expelled; it never enters itself or another service", async () => {
    const [host, other, ada, cyd] = await Promise.all([service(), service(), person(), person()]);
    const id = await channelOf(ada, [], { isPublic: false });
    const path = `${UNIHUB}/channels/${id}`;
    const invite = (userId: string) => host.post(`${path}/invitations`, { userId });
    expect((await invite(cyd.userId)).status).toBe(200);
    expect((await cyd.post(`${path}/join`)).status).toBe(200);
    expect((await host.delete(`${path}/members/${cyd.userId}`)).status).toBe(200);
    for (const one of [host, other]) {
      expect((await invite(one.userId)).body.code).toBe("unknown_user");
      const invited = await ada.post(`${path}/invitations`, { userId: one.userId });
      expect(invited.body.code).toBe("unknown_user");
    }
    const open = await channelOf(ada);
    expect((await host.post(`${UNIHUB}/channels/${open}/join`)).body.code).toBe("not_a_member");
    const group = await groupOf(ada, cyd);
    const added = await host.post(`${CHATS}/${group}/participants`, { userId: host.userId });
    expect(added.body.code).toBe("unknown_user");
  });
});

describe("writing as the system", () => {
  test("a message without a sender, over both APIs, which counts for nobody", async () => {
    const { alice, bob, conversationId } = await directPair();
    const host = await service();
    const socket = await openLive(bob, conversationId);
    expect((await send(host, conversationId, "first", { metadata: { a: 1 } })).status).toBe(201);
    const event = await socket.next("message");
    expect(event.message).toMatchObject({ senderId: null, kind: "system", content: "first" });
    const sent = await host.post(`${CHATS}/${conversationId}/messages`, { content: "second" });
    expect(sent.body.data.message).toMatchObject({ senderId: null, type: "system" });
    expect(await textsOf(alice, conversationId)).toEqual([
      [null, "second"],
      [null, "first"],
    ]);
    expect(await unreadOf(bob, conversationId)).toBe(0);
  });

  test("a retry stores nothing, and another message under its key is refused", async () => {
    const { alice, conversationId } = await directPair();
    const host = await service();
    const clientMessageId = crypto.randomUUID();
    const answers = await Promise.all(
      [1, 2, 3].map(() => send(host, conversationId, "once", { clientMessageId })),
    );
    expect(new Set(answers.map(({ body }) => body.messageId)).size).toBe(1);
    expect(answers.filter(({ body }) => body.deduplicated)).toHaveLength(2);
    const system = { content: "once", type: "system", clientMessageId };
    const again = await host.post(`${CHATS}/${conversationId}/messages`, system);
    expect(again.body.data.deduplicated).toBe(true);
    const conflict = await send(host, conversationId, "twice", { clientMessageId });
    expect(conflict.body.code).toBe("idempotency_conflict");
    // A person's key is another one.
    expect((await send(alice, conversationId, "mine", { clientMessageId })).body.deduplicated).toBe(
      undefined,
    );
    expect(await textsOf(alice, conversationId)).toHaveLength(2);
  });

  test("text alone, not in a closed channel, not where nothing is", async () => {
    const [host, ada] = await Promise.all([service(), person()]);
    const id = await channelOf(ada);
    const code = async (more: object) => (await send(host, id, "x", more)).body.code;
    expect(await code({ mentions: [ada.userId] })).toBe("forbidden");
    expect(await code({ mentionsAll: true })).toBe("forbidden");
    const nowhere = await directPair();
    const guess = `${nowhere.conversationId.slice(0, 4)}${"0".repeat(4)}${nowhere.conversationId.slice(8)}`;
    expect((await send(host, guess, "x")).body.code).toBe("conversation_not_found");
    await ada.post(`${UNIHUB}/channels/${id}/archive`);
    expect(await code({})).toBe("channel_archived");
  });
});

describe("writing as a bot", () => {
  test("a message of the bot, once it is a member, counted like any", async () => {
    const [host, ada, bob] = await Promise.all([service(), person(), person()]);
    const id = await groupOf(ada, bob);
    const bot = await botOf(host);
    const message = { conversationId: id, content: "beep" };
    const outside = await host.post(`${UNIHUB}/messages`, message, as(bot));
    expect([outside.status, outside.body.code]).toEqual([403, "not_a_member"]);
    await host.post(`${UNIHUB}/conversations/${id}/participants`, { participantId: bot });
    expect((await host.post(`${UNIHUB}/messages`, message, as(bot))).status).toBe(201);
    const over = await host.post(`${CHATS}/${id}/messages`, { content: "boop" }, as(bot));
    expect(over.body.data.message).toMatchObject({ senderId: bot, type: "text" });
    expect((await textsOf(ada, id)).slice(0, 2)).toEqual([
      [bot, "boop"],
      [bot, "beep"],
    ]);
    expect(await unreadOf(ada, id)).toBe(2);
    // A retry is not told who has read the message.
    const named = { content: "again", clientMessageId: crypto.randomUUID() };
    await host.post(`${CHATS}/${id}/messages`, named, as(bot));
    await ada.patch(`${CHATS}/${id}/messages/read`, {});
    const retried = await host.post(`${CHATS}/${id}/messages`, named, as(bot));
    expect(retried.body.data).toMatchObject({ deduplicated: true, message: { readBy: [] } });
  });

  test("in a channel, which it joins by an invitation; with a file", async () => {
    const [host, ada] = await Promise.all([service(), person()]);
    const id = await channelOf(ada, [], { isPublic: false });
    const bot = await botOf(host);
    const join = () => host.post(`${UNIHUB}/channels/${id}/join`, undefined, as(bot));
    expect((await join()).body.code).toBe("invitation_required");
    await host.post(`${UNIHUB}/channels/${id}/invitations`, { userId: bot });
    expect((await join()).status).toBe(200);
    const form = new FormData();
    form.set("file", new File(["hello"], "note.txt", { type: "text/plain" }));
    const headers = { Authorization: `Bearer ${host.token}`, ...as(bot) };
    const upload = `${ORIGIN}${UNIHUB}/messages/upload`;
    const uploaded = await exports.default.fetch(
      new Request(upload, { method: "POST", headers, body: form }),
    );
    const { contentType: mimeType, ...file } = (await uploaded.json()) as Record<string, unknown>;
    const sent = await host.post(
      `${UNIHUB}/messages/with-attachments`,
      { conversationId: id, attachments: [{ ...file, mimeType }] },
      as(bot),
    );
    expect(sent.status).toBe(201);
    expect((await textsOf(ada, id)).at(0)).toEqual([bot, ""]);
  });

  test("people are refused, unknown ids, whoever is no service, and what was never a header", async () => {
    const [host, ada, root] = await Promise.all([service(), person(), admin()]);
    const { alice, conversationId } = await directPair();
    const bot = await botOf(host);
    const message = { conversationId, content: "x" };
    const codeOf = async (by: Caller, named: string) =>
      (await by.post(`${UNIHUB}/messages`, message, { "Acting-As": named })).body.code;
    expect(await codeOf(host, alice.userId)).toBe("forbidden");
    expect(await codeOf(host, someone("nobody"))).toBe("forbidden");
    expect(await codeOf(host, host.userId)).toBe("forbidden");
    expect(await codeOf(alice, bot)).toBe("forbidden");
    expect(await codeOf(root, bot)).toBe("forbidden");
    expect(await codeOf(ada, ada.userId)).toBe("forbidden");
    expect(await codeOf(host, "%zz")).toBe("invalid_request");
    expect(await codeOf(host, "")).toBe("invalid_request");
  });

  test("whoever has logged in is a person, and a banned bot is banned", async () => {
    const [host, root, ada, bob] = await Promise.all([service(), admin(), person(), person()]);
    const id = await groupOf(ada, bob);
    const message = { conversationId: id, content: "x" };
    const bot = await botOf(host);
    await root.put(`/api/admin/users/${bot}/ban`, {});
    const banned = await host.post(`${UNIHUB}/messages`, message, as(bot));
    expect([banned.status, banned.body.code]).toEqual([403, "banned"]);
    // One that is provisioned first, and logs in then.
    const both = await botOf(host);
    await new Caller(both, await tokenFor(both)).get(`${UNIHUB}/conversations`);
    const acted = await host.post(`${UNIHUB}/messages`, message, as(both));
    expect([acted.status, acted.body.code]).toEqual([403, "forbidden"]);
  });

  test("reads nothing as the bot either", async () => {
    const [host, ada] = await Promise.all([service(), person()]);
    const bot = await botOf(host);
    const other = await person();
    const id = await groupOf(ada, other);
    await host.post(`${UNIHUB}/conversations/${id}/participants`, { participantId: bot });
    const { body } = await send(ada, id, "private");
    const reads = [
      `${UNIHUB}/messages?conversationId=${id}`,
      `${UNIHUB}/conversations`,
      `${UNIHUB}/messages/search?q=private`,
      `${UNIHUB}/messages/${body.messageId}/read-receipts`,
      `${UNIHUB}/channels/${id}/members`,
      `${UNIHUB}/channels/my-channels`,
      `${UNIHUB}/unread`,
      `${UNIHUB}/conversations/${id}/pins`,
      `${CHATS}/${id}/messages`,
      `${CHATS}/${id}/info`,
      CHATS,
      `${CHATS}/search?q=private`,
      "/api/users?ids=x",
      "/api/users/blocks",
      "/api/notifications/settings",
      "/api/admin/audit",
    ];
    for (const path of reads) {
      const { status, body } = await host.get(path, as(bot));
      expect([path, status, body.code]).toEqual([path, 403, "forbidden"]);
    }
    const changes = await Promise.all([
      host.post(`${UNIHUB}/messages/${body.messageId}/reactions`, { emoji: "👍" }, as(bot)),
      host.post(`${UNIHUB}/messages/${body.messageId}/read`, undefined, as(bot)),
      host.delete(`${UNIHUB}/messages/${body.messageId}`, undefined, as(bot)),
      host.put("/api/users", { users: [{ id: someone() }] }, as(bot)),
      host.post(CHATS, { participantIds: [ada.userId] }, as(bot)),
    ]);
    for (const { status, body } of changes) expect([status, body.code]).toEqual([403, "forbidden"]);
  });
});

test("no membership gives a service anything: of an id that was a person's, and is a service's now", async () => {
  const [before, ada, bob] = await Promise.all([person("was"), person(), person()]);
  const group = await groupOf(ada, before, bob);
  const channel = await channelOf(before, [ada]);
  const { messageId } = (await send(ada, group, "private words")).body;
  await send(ada, channel, "private words");
  expect(JSON.stringify((await before.get(CHATS)).body)).toContain("private words");
  const now = new Caller(before.userId, await tokenFor(before.userId, { role: "service" }));
  const refused = [
    `${UNIHUB}/messages?conversationId=${group}`,
    `${UNIHUB}/messages?conversationId=${channel}`,
    `${UNIHUB}/messages/${messageId}/read-receipts`,
    `${UNIHUB}/channels/${channel}/members`,
    `${UNIHUB}/conversations/${group}/pins`,
    `${UNIHUB}/conversations/${group}/bans`,
    `${UNIHUB}/messages/search?q=private&conversationId=${group}`,
    `${CHATS}/${group}/messages`,
    `${CHATS}/${group}/info`,
  ];
  for (const path of refused) {
    const { status, body } = await now.get(path);
    expect([path, status, body.code]).toEqual([path, 403, "not_a_member"]);
  }
  const lists = [
    ...[`${UNIHUB}/conversations`, `${UNIHUB}/channels/my-channels`, `${UNIHUB}/unread`, CHATS],
    ...[`${UNIHUB}/messages/search?q=private`, `${CHATS}/search?q=private`, `${CHATS}/stats`],
  ];
  for (const path of lists) {
    const { status, body } = await now.get(path);
    expect([path, status]).toEqual([path, 200]);
    expect(`${path} ${JSON.stringify(body)}`).not.toMatch(new RegExp(`${group}|${channel}|words`));
  }
  expect((await now.get(`${CHATS}/stats`)).body.data).toMatchObject({
    totalChats: 0,
    totalUnread: 0,
  });
  expect((await before.get(`/api/users/presence?ids=${ada.userId}`)).body.users).toHaveLength(1);
  expect((await now.get(`/api/users/presence?ids=${ada.userId}`)).body).toEqual({ users: [] });
  for (const id of [group, channel]) {
    expect(await (await open(now, id)).closed).toMatchObject({ code: 4403 });
  }
  const [hub, io] = await Promise.all([Hub.connect(now), Io.connect(now)]);
  expect((await hub.ask("JoinConversation", group))?.error).toEqual(expect.any(String));
  expect((await hub.ask("SubscribeConversations"))?.error).toEqual(expect.any(String));
  expect(await io.ask("join-chat-room", group)).toMatchObject({ code: "not_a_member" });
  expect(await io.ask("subscribe-chats")).toMatchObject({ success: false, code: "forbidden" });
  const device = { endpoint: "https://fcm.googleapis.com/x", keys: { p256dh: "x", auth: "x" } };
  expect((await now.put("/api/push/devices", device)).status).not.toBe(204);
});

describe("a service cannot read", () => {
  test("what is said where it has just acted, over REST, lists, files and sockets", async () => {
    const [host, ada, bob] = await Promise.all([service(), person(), person()]);
    const { body } = await host.post(`${UNIHUB}/conversations/group`, {
      participantIds: [ada.userId, bob.userId],
      title: "Made by the host",
    });
    const id = body.conversationId;
    await send(host, id, "welcome");
    const { messageId } = (await send(ada, id, "private words")).body;
    const refused = [
      `${UNIHUB}/messages?conversationId=${id}`,
      `${UNIHUB}/messages/search?q=private&conversationId=${id}`,
      `${UNIHUB}/messages/${messageId}/read-receipts`,
      `${UNIHUB}/conversations/${id}/pins`,
      `${CHATS}/${id}/messages`,
      `${CHATS}/${id}/info`,
      `${CHATS}/search?q=private&chatId=${id}`,
    ];
    for (const path of refused) {
      const { status, body } = await host.get(path);
      expect([path, status, body.code]).toEqual([path, 403, "not_a_member"]);
    }
    const lists = [
      `${UNIHUB}/conversations`,
      `${UNIHUB}/channels/my-channels`,
      `${UNIHUB}/messages/search?q=private`,
      CHATS,
      `${CHATS}/search?q=private`,
    ];
    for (const path of lists) {
      const { status, body } = await host.get(path);
      expect([path, status]).toEqual([path, 200]);
      expect(JSON.stringify(body)).not.toContain(id);
    }
    expect(await (await open(host, id)).closed).toMatchObject({ code: 4403 });
    const inbox = await exports.default.fetch(
      new Request(`${ORIGIN}/live`, {
        headers: {
          Upgrade: "websocket",
          Authorization: `Bearer ${host.token}`,
          "Sec-WebSocket-Protocol": PROTOCOL,
        },
      }),
    );
    const { webSocket } = inbox;
    webSocket?.accept();
    const closed = new Promise<number>((resolve) =>
      webSocket?.addEventListener("close", ({ code }) => resolve(code)),
    );
    expect(await closed).toBe(4403);
    const admins = ["/api/admin/audit", "/api/admin/bans", "/api/admin/reports"];
    for (const path of admins) expect((await host.get(path)).status).toBe(403);
  });
});
