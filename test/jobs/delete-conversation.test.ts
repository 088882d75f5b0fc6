import { runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { messageIdOf } from "../../src/domain/id.ts";
import { seedMessages } from "../conversation/seeds.ts";
import { Hub, Io } from "../gateway/line.ts";
import { openListed } from "../inbox/replica.ts";
import { openRooms } from "../inbox/room-client.ts";
import { directPair, objectOf, open, openLive, person, send } from "../support.ts";
import { askEveryDoor, crawl } from "./crawler.ts";
import { admin, askToDelete, deleted, doors, world } from "./deletion-world.ts";

/** A conversation is deleted: what is left, what those are told who are connected, and what its id answers. */

test("everything is found before, and afterwards what decision 0114 names", async () => {
  const { secret, channelId, messageIds, alice, bob, carol, dave, link } = await world();
  const callers = [alice, bob, carol, dave, admin];
  const users = callers.map(({ userId }) => userId);
  const ids = { conversations: [channelId], messages: messageIds, users, texts: [secret] };
  const needles = [secret, channelId.slice(0, -12)];
  const places = (found: readonly string[]) => [
    ...new Set(found.map((one) => one.split(/[:?]/)[0]?.replace(/^R2\..*/, "R2"))),
  ];
  expect(places(await crawl(needles))).toEqual(
    expect.arrayContaining([
      ...["CONVERSATIONS.conversation", "CONVERSATIONS.messages", "R2"],
      ...["INBOXES.pending", "INBOXES.notification_levels"],
      ...["D1.conversations", "D1.members", "D1.uncounted", "D1.uncounted_blocks", "D1.uploads"],
      ...["D1.mentions", "D1.mentions_read", "D1.audit", "D1.reports", "D1.channel_words"],
    ]),
  );
  expect((await askEveryDoor(callers, ids, needles)).found.length).toBeGreaterThan(20);
  expect((await exports.default.fetch(link)).status).toBe(200);

  expect(await deleted(channelId)).toMatchObject({
    ...{ state: "done", error: null },
    result: { members: 4, files: 1 },
  });

  const left = (await crawl(needles)).toSorted();
  expect(places(left)).toEqual([
    "CONVERSATIONS.tombstone",
    "D1.audit",
    "D1.deleted_conversations",
    "D1.jobs",
  ]);
  // Who did what and when, without what was said; what the operator said stays.
  for (const found of left) expect(found).not.toContain(secret);
  const acts = left.filter((found) => found.startsWith("D1.audit"));
  expect(acts.filter((act) => act.includes("reason=null | details=null"))).toHaveLength(2);
  expect(acts.filter((act) => act.includes("conversation.delete"))).toHaveLength(1);
  const { found } = await askEveryDoor(callers, ids, needles);
  expect(places(found)).toEqual(["GET /api/admin/audit"]);
  expect((await exports.default.fetch(link)).status).toBe(404);
});

test("404 from every route, whoever asks and whatever for", async () => {
  const { channelId, messageIds, alice, bob } = await world();
  await deleted(channelId);
  const asked: string[] = [];
  for (const { method, path, body } of doors(channelId, messageIds[0] ?? "", bob.userId)) {
    for (const caller of [alice, bob, admin]) {
      const response = await exports.default.fetch(`https://parley.test${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${caller.token}`,
          ...(body && { "Content-Type": "application/json" }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
      asked.push(`${response.status} ${method} ${path} ${await response.text()}`);
    }
  }
  expect(asked.length).toBeGreaterThan(60);
  expect(asked.filter((one) => !one.startsWith("404 "))).toEqual([]);
});

test("who is connected is told so in the terms of their protocol, and finds nothing afterwards", async () => {
  const { channelId, alice, bob, carol } = await world();
  const native = await openLive(alice, channelId);
  const inbox = await openListed(bob);
  expect(inbox.entry(channelId)).toBeDefined();
  const sockets = await openRooms(carol);
  const room = await sockets.open(channelId);
  const hub = await Hub.connect(bob);
  expect(await hub.ask("JoinConversation", channelId)).toHaveProperty("rev");

  await deleted(channelId);
  expect(await native.closed).toMatchObject({ code: 4404 });
  await sockets.until(() => room.end !== undefined);
  expect(room.end).toMatchObject({ code: 4404, reason: "the conversation was deleted" });
  await hub.until("ParticipantRemoved", 1);
  expect(hub.all("ParticipantRemoved")).toMatchObject([
    { conversationId: channelId, participantId: bob.userId },
  ]);
  await inbox.until(() => inbox.entry(channelId) === undefined);
  expect(inbox.rows.get(channelId)).toMatchObject({ removed: true });

  const again = await open(alice, channelId);
  expect(await again.closed).toMatchObject({ code: 4404 });
  expect((await sockets.open(channelId)).end).toMatchObject({ code: 4404 });
  expect(await hub.ask("JoinConversation", channelId)).toHaveProperty("error");
  expect((await openListed(bob)).entry(channelId)).toBeUndefined();
});

test("over Socket.IO a chat ends as if its person was removed", async () => {
  const { alice, conversationId } = await directPair();
  const io = await Io.connect(alice);
  expect(await io.ask("join-chat-room", conversationId)).toMatchObject({ success: true });
  await deleted(conversationId);
  await io.until("participant-removed", 1);
  expect(io.all("participant-removed")).toMatchObject([
    { chatId: conversationId, participantId: alice.userId },
  ]);
  expect(await io.ask("join-chat-room", conversationId)).toMatchObject({ success: false });
});

test("a second deletion does no harm; 404 for what never was; 400 without a reason; admins only", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(alice, conversationId, "hello");
  await deleted(conversationId);
  const again = await deleted(conversationId);
  expect(again).toMatchObject({ state: "done", result: { members: 0, files: 0, rows: 0 } });
  const never = messageIdOf(conversationId, 1).replace(/^......../, "00000000");
  for (const id of [never, crypto.randomUUID(), "none"]) {
    expect((await askToDelete(id)).body.code).toBe("conversation_not_found");
  }
  const { conversationId: other } = await directPair();
  const path = `/api/admin/conversations/${other}`;
  expect((await admin.delete(path, {})).status).toBe(400);
  const resolver = await person("resolver", { role: "resolver" });
  for (const caller of [bob, resolver]) {
    expect((await caller.delete(path, { reason: "mine" })).status).toBe(403);
  }
});

test("the search index of a long conversation goes with it", async () => {
  const { alice, conversationId } = await directPair();
  await seedMessages(conversationId, 6_000, alice.userId);
  const search = `/api/v1/chat/messages/search?conversationId=${conversationId}&q=apple`;
  const tables = () =>
    runInDurableObject(objectOf(conversationId), (_, { storage }) =>
      storage.sql
        .exec(
          "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
        )
        .toArray()
        .map(({ name }) => String(name)),
    );
  await vi.waitFor(async () => {
    expect((await alice.get(search)).status).toBe(200);
    expect((await tables()).some((name) => name.includes("_data"))).toBe(true);
  });
  expect((await deleted(conversationId)).state).toBe("done");
  expect(await tables()).toEqual(["tombstone"]);
});
