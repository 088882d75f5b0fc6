import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { readConversation } from "../../src/conversation/tables/conversation.ts";
import { subscribers } from "../../src/conversation/tables/subscribers.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { project } from "../../src/directory/projection.ts";
import { asAttachment, getFile, keyOf, rowOf, upload } from "../attachments/support.ts";
import { Hub, Io } from "../gateway/line.ts";
import { openListed } from "../inbox/replica.ts";
import { openRooms } from "../inbox/room-client.ts";
import { type Caller, groupOf, objectOf, openLive, person, send, someone } from "../support.ts";
import { epochOf, projected, revOf, settled, startOver, takeBack } from "./epochs.ts";
import { copyOf } from "./time-machine.ts";

/** A conversation gets a new epoch: whatever follows it begins anew. */

test("after the storage was taken back, everything follows what is there", async () => {
  const [alice, bob, carl, dora, eve] = [
    ...[await person("alice"), await person("bob"), await person("carl")],
    ...[await person("dora"), await person("eve")],
  ] as const;
  const id = await groupOf(alice, bob, carl, eve);
  const messages: string[] = [];
  for (let number = 1; number <= 5; number++) {
    const more = number === 2 ? { mentions: [bob.userId] } : {};
    messages.push((await send(alice, id, `message ${number}`, more)).body.messageId);
  }
  await alice.delete(`/api/v1/chat/messages/${messages[0]}`);
  await settled(id);
  const copy = await runInDurableObject(objectOf(id), (_, { storage }) => copyOf(storage.sql));
  const before = await projected(id);

  const writer = await openLive(alice, id);
  const edited = { content: "changed later", mentions: [carl.userId] };
  writer.send({ op: "edit", id: "edit", messageId: messages[1], ...edited });
  await writer.next("ack");
  await send(alice, id, "to everybody", { mentionsAll: true });
  await alice.delete(`/api/v1/chat/messages/${messages[2]}`);
  for (let number = 6; number <= 9; number++) await send(bob, id, `later ${number}`);
  await carl.post(`/api/v1/chat/messages/${messages[4]}/read`);
  await alice.post(`/api/chat/${id}/participants`, { userId: dora.userId });
  await settled(id);
  const old = await projected(id);
  const { rev: above } = (await objectOf(id).rebuild("here")) ?? { rev: 0 };

  const socket = await openLive(alice, id);
  const inbox = await openListed(bob);
  const doras = await openListed(dora);
  expect(doras.entry(id)).toBeDefined();
  const room = await (await openRooms(carl)).open(id);
  const [io, hub] = [await Io.connect(eve), await Hub.connect(bob)];
  const joined = await hub.ask("JoinConversation", id);
  expect(joined).not.toHaveProperty("reset");
  await io.ask("join-chat-room", id);
  for (const table of ["conversation", "members", "uncounted", "mentions"]) {
    expect(old[table]).not.toEqual(before[table]);
  }

  const known = await runInDurableObject(objectOf(id), (_, { storage }) =>
    subscribers(storage.sql).map(({ subscriber }) => subscriber),
  );
  expect(known).toHaveLength(3);
  await takeBack(id, copy);
  const started = await startOver(id, {
    by: "test",
    restored: { rev: above, epoch: String((await epochOf(id)) ?? "") },
    subscribers: known,
  });
  expect(started?.rev).toBe(above + 1);
  expect(await startOver(id, { by: "test" })).toEqual(started);

  expect([1006, 1012]).toContain((await socket.closed).code);
  await settled(id);
  const now = await projected(id);
  expect(now["epochs"]).toEqual([{ epoch: started?.epoch }]);
  expect({ ...now, epochs: [] }).toEqual({ ...before, epochs: [] });

  await vi.waitFor(() => expect(doras.entry(id)).toBeUndefined(), { timeout: 10_000 });
  await vi.waitFor(
    () =>
      expect(inbox.entry(id)).toMatchObject({
        ...{ epoch: started?.epoch, lastNumber: 5 },
        ...{ unread: 4, mentions: 1 },
      }),
    { timeout: 10_000 },
  );
  // Over the inbox a `sync` with `reset`; gateways end, so that their clients connect again.
  const again = await room.next("sync", ({ reset }) => reset === true);
  expect(again.messages?.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
  await io.line.closed;
  await hub.line.closed;
  expect(hub.messages().at(-1)).toMatchObject({ type: 7, allowReconnect: true });
  const [second, third] = [await Hub.connect(bob), await Io.connect(eve)];
  const { rev } = joined;
  expect(await second.ask("JoinConversation", id, rev)).toMatchObject({
    ...{ rev: started?.rev, reset: true },
  });
  expect(await third.ask("join-chat-room", id, { since: rev })).toMatchObject({
    data: { rev: started?.rev, reset: true },
  });
  // What follows comes to everybody.
  await send(alice, id, "afterwards");
  await Promise.all([second.until("ReceiveMessage", 1), third.until("new-message", 1)]);
  await room.next("message", ({ message }) => message.content === "afterwards");
});

/** A group whose storage was taken back to when it had one message, "kept", of several. */
async function takenBack(more: (id: string, alice: Caller) => Promise<unknown> = text) {
  const [alice, bob] = [await person("alice"), await person("bob")];
  const id = await groupOf(alice, bob);
  await send(alice, id, "kept");
  await settled(id);
  const copy = await runInDurableObject(objectOf(id), (_, { storage }) => copyOf(storage.sql));
  const before = await projected(id);
  await more(id, alice);
  await settled(id);
  const given = { rev: await revOf(id), epoch: String(await epochOf(id)) };
  await takeBack(id, copy);
  return { id, alice, bob, given, before };
}

async function text(id: string, alice: Caller): Promise<void> {
  for (let number = 0; number < 5; number++) await send(alice, id, "gone");
}

const BLOCKS = "/api/users/blocks";
const SOON = { timeout: 10_000, interval: 20 };

test("a write of an earlier epoch that comes late changes nothing in D1", async () => {
  const { id, alice, given } = await takenBack();
  const late = await person("late");
  await startOver(id, { by: "test", restored: given });
  await settled(id);
  const now = await projected(id);
  const member = {
    ...{ userId: late.userId, name: null, avatarUrl: null, role: "member" as const },
    ...{ joinedAt: 1, leftAt: null, archived: false, readUpTo: 0, readBeyond: 0, rev: 50 },
  };
  const message = {
    ...{ number: 50, senderId: alice.userId, createdAt: 1 },
    attachments: [{ key: `late-${id}`, name: "late", mimeType: "text/plain", size: 1 }],
  };
  const { conversation } = await runInDurableObject(objectOf(id), (_, { storage }) =>
    readConversation(storage.sql),
  );
  await project(directoryOf(env.DB), {
    ...{
      epoch: given.epoch,
      rev: 1e6,
      readAt: 1e6,
      isConversationChanged: true,
      isPurged: false,
      acts: [],
    },
    conversation: { ...conversation, title: "late" },
    counters: { memberCount: 50, lastNumber: 50, counted: 50 },
    ...{ lastMessage: null, members: [member], uncounted: [1, 50] },
    files: { sent: [message], deleted: [] },
    mentions: {
      added: [{ userId: late.userId, number: 50, senderId: alice.userId }],
      removed: [],
      read: [{ userId: late.userId, number: 50 }],
    },
  });
  expect(await projected(id)).toEqual(now);
  const query = "SELECT 1 FROM uploads WHERE key = ?";
  expect(await env.DB.prepare(query).bind(`late-${id}`).first()).toBeNull();
});

describe("a storage that somebody else has taken back", () => {
  test("is found by the next write to D1", async () => {
    const { id, bob, given, before } = await takenBack();
    await send(bob, id, "afterwards");
    await vi.waitFor(async () => expect(await epochOf(id)).not.toBe(given.epoch), SOON);
    await settled(id);
    expect((await projected(id))["uncounted"]).toEqual(before["uncounted"]);
    const socket = await openLive(bob, id, `?since=${given.rev - 1}&epoch=${given.epoch}`);
    const [sync] = socket.all("sync");
    expect(sync).toMatchObject({ reset: true });
    expect(sync?.messages?.map(({ content }) => content)).toEqual(["kept", "afterwards"]);
    expect(await revOf(id)).toBeGreaterThan(given.rev);
  });

  test("is found as well where it is of an earlier epoch", async () => {
    const { id, bob } = await takenBack((id) => startOver(id, { by: "an epoch since" }));
    const since = String(await epochOf(id));
    await send(bob, id, "afterwards");
    await vi.waitFor(async () => expect(String(await epochOf(id)) > since).toBe(true), SOON);
    await settled(id);
    const socket = await openLive(bob, id);
    expect(socket.all("sync")[0]?.messages).toHaveLength(2);
  });

  test("is not what a client says: D1 decides, and is asked once a minute", async () => {
    const [alice, bob] = [await person("alice"), await person("bob")];
    const id = await groupOf(alice, bob);
    await settled(id);
    const epoch = await epochOf(id);
    const asked = vi.spyOn(env.DB, "prepare");
    for (let visit = 0; visit < 3; visit++) {
      const socket = await openLive(alice, id, `?since=${10_000 + visit}&epoch=${epoch}`);
      expect(socket.all("sync")).toMatchObject([{ reset: true }]);
    }
    await send(bob, id, "a write");
    await settled(id);
    const comparisons = asked.mock.calls.filter(([query]) => query.startsWith("SELECT epoch, rev"));
    asked.mockRestore();
    expect(comparisons.length).toBeLessThanOrEqual(1);
    expect(await epochOf(id)).toBe(epoch);
  });
});

test("files of messages that are there again are served, those of the others are swept", async () => {
  const [alice, bob] = [await person("alice"), await person("bob")];
  const id = await groupOf(alice, bob);
  const attach = async (name: string) => {
    const uploaded = await upload(alice, name, "0123456789");
    const body = { conversationId: id, content: "", attachments: [asAttachment(uploaded)] };
    const sent = await alice.post("/api/v1/chat/messages/with-attachments", body);
    expect(sent.status).toBe(201);
    const { fileUrl } = uploaded.body;
    return { key: keyOf(fileUrl), fileUrl, messageId: sent.body.messageId };
  };
  const first = await attach("first.txt");
  await settled(id);
  const copy = await runInDurableObject(objectOf(id), (_, { storage }) => copyOf(storage.sql));
  const second = await attach("second.txt");
  await alice.delete(`/api/v1/chat/messages/${first.messageId}`);
  await settled(id);
  const given = { rev: await revOf(id), epoch: String(await epochOf(id)) };
  expect((await rowOf(first.key))?.deleted_at).not.toBeNull();
  await takeBack(id, copy);
  await startOver(id, { by: "test", restored: given });
  await settled(id);
  expect(await rowOf(first.key)).toMatchObject({ deleted_at: null, sent_to: id });
  expect((await rowOf(second.key))?.deleted_at).not.toBeNull();
  const headers = { Authorization: `Bearer ${bob.token}` };
  const statuses = [first, second].map(async ({ fileUrl }) => {
    const response = await getFile(new URL(fileUrl).pathname, { headers });
    await response.body?.cancel();
    return response.status;
  });
  expect(await Promise.all(statuses)).toEqual([200, 404]);
});

test("more than a page of everything is removed from D1, and nothing that is there", async () => {
  const { id, given, before } = await takenBack(async (id, alice) => {
    const one = (await send(alice, id, "gone")).body.messageId;
    await alice.delete(`/api/v1/chat/messages/${one}`);
    const each =
      "WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 1300)";
    const epoch = String(await epochOf(id));
    await env.DB.batch(
      [
        `INSERT INTO members SELECT 'former-' || i, ?1, 'member', 1, 1, 0, 0, 0, '${epoch}', 1, 0 FROM n`,
        "INSERT INTO uncounted SELECT ?1, i FROM n",
        "INSERT INTO mentions SELECT ?1, 'former-' || (i % 7), i, 'former' FROM n",
        "INSERT INTO mentions_read SELECT ?1, 'former-' || (i % 7), i FROM n",
        `INSERT INTO uploads (key, owner_id, name, mime_type, created_at, sent_to, sent_number)
         SELECT ?1 || i, 'former', 'name', 'type', 1, ?1, 100 + i % 3 FROM n`,
      ].map((statement) =>
        env.DB.prepare(statement.replace(/^(INSERT INTO \w+(?: \([^)]*\))?)/, `$1 ${each}`)).bind(
          id,
        ),
      ),
    );
  });
  await startOver(id, { by: "test", restored: given });
  await settled(id);
  expect({ ...(await projected(id)), epochs: [] }).toEqual({ ...before, epochs: [] });
  const query = "SELECT count(*) AS kept FROM uploads WHERE sent_to = ? AND deleted_at IS NULL";
  expect(await env.DB.prepare(query).bind(id).first()).toEqual({ kept: 0 });
});

test("blocks are those that D1 has: set since, and lifted since", async () => {
  const [alice, bob, carl] = [await person("alice"), await person("bob"), await person("carl")];
  const id = await groupOf(alice, bob, carl);
  await alice.put(BLOCKS, { userId: bob.userId });
  const held = () =>
    runInDurableObject(objectOf(id), (_, { storage: { sql } }) =>
      sql
        .exec("SELECT user_id, blocked_id FROM blocks WHERE to_number IS NULL ORDER BY 1, 2")
        .toArray()
        .map(({ user_id, blocked_id }) => [user_id, blocked_id]),
    );
  await vi.waitFor(async () => expect(await held()).toEqual([[alice.userId, bob.userId]]), SOON);
  await settled(id);
  const copy = await runInDurableObject(objectOf(id), (_, { storage }) => copyOf(storage.sql));
  await alice.delete(BLOCKS, { userId: bob.userId });
  await carl.put(BLOCKS, { userId: bob.userId });
  const now = [[carl.userId, bob.userId]];
  await vi.waitFor(async () => expect(await held()).toEqual(now), SOON);
  await settled(id);
  const given = { rev: await revOf(id), epoch: String(await epochOf(id)) };
  await takeBack(id, copy);
  await startOver(id, { by: "test", restored: given });
  await vi.waitFor(async () => expect(await held()).toEqual(now), SOON);
});

test("nothing from before is notified of once more; what comes is", async () => {
  const { id, alice, bob, given } = await takenBack();
  await startOver(id, { by: "test", restored: given });
  const query = { userId: bob.userId, level: "all" as const };
  const asked = (after: { epoch: string; rev: number } | undefined) =>
    objectOf(id).notifiable({ ...query, after });
  for (const after of [undefined, given]) {
    expect(await asked(after)).not.toHaveProperty("notifiable");
  }
  await send(alice, id, "new");
  for (const after of [undefined, given]) {
    expect(await asked(after)).toMatchObject({ notifiable: { message: { text: "new" } } });
  }
});

test("acts of moderators are in the audit log once, under the epoch in which they were done", async () => {
  const [alice, bob, carl] = [await person("alice"), await person("bob"), await person("carl")];
  const id = await groupOf(alice, bob, carl);
  const admin = await person("admin", { role: "admin" });
  await alice.delete(`/api/v1/chat/conversations/${id}/participants/${carl.userId}`);
  await settled(id);
  const acts = async () => (await admin.get(`/api/admin/audit?conversationId=${id}`)).body.items;
  const before = await acts();
  expect(before).toHaveLength(1);
  for (const by of ["first", "second"]) {
    await startOver(id, { by });
    await settled(id);
  }
  expect(await acts()).toEqual(before);
});

test("in a large conversation everybody's inbox is told, whoever was armed", async () => {
  const admin = await person("admin", { role: "admin" });
  const [alice, bob] = [await person("alice"), await person("bob")];
  const others = Array.from({ length: 199 }, () => someone("crowd"));
  await admin.put("/api/users", { users: others.map((id) => ({ id })) });
  const group = { title: "Crowd", participantIds: [bob.userId, ...others] };
  const { body } = await alice.post("/api/v1/chat/conversations/group", group);
  const id = body.conversationId;
  await send(alice, id, "kept");
  await settled(id);
  const copy = await runInDurableObject(objectOf(id), (_, { storage }) => copyOf(storage.sql));
  await send(alice, id, "gone");
  await settled(id);
  // He comes after the time that is restored, so that the conversation does not know of him.
  const inbox = await openListed(bob);
  const given = { rev: await revOf(id), epoch: String(await epochOf(id)) };
  await takeBack(id, copy);
  const started = await startOver(id, { by: "test", restored: given });
  await vi.waitFor(
    () => expect(inbox.entry(id)).toMatchObject({ epoch: started?.epoch, unread: 1 }),
    { timeout: 20_000 },
  );
  await send(alice, id, "afterwards");
  await vi.waitFor(() => expect(inbox.entry(id)).toMatchObject({ unread: 2 }), SOON);
});
