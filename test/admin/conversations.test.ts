import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { conversationIdOf, KEY_BYTES, messageIdOf } from "../../src/domain/id.ts";
import {
  type Caller,
  channelOf,
  directPair,
  groupOf,
  objectOf,
  openLive,
  person,
  send,
} from "../support.ts";

/** What admins are told of conversations, and do to them and to messages: each with its reason in the audit log. */

const CONVERSATIONS = "/api/admin/conversations";
const UNIHUB = "/api/v1/chat";
const CHATS = "/api/chat";
const admin = () => person("root", { role: "admin" });
const guessed = () => conversationIdOf(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));

async function actsOf(root: Caller, conversationId: string, count: number) {
  return vi.waitFor(async () => {
    const { body } = await root.get(`/api/admin/audit?conversationId=${conversationId}`);
    expect(body.items).toHaveLength(count);
    return body.items.toReversed();
  });
}

async function found(root: Caller, query: string, between?: () => Promise<unknown>) {
  const items: { id: string; kind: string }[] = [];
  let [cursor, requests] = ["", 0];
  for (;;) {
    const { status, body } = await root.get(`${CONVERSATIONS}?${query}${cursor}`);
    expect(status).toBe(200);
    items.push(...body.items);
    requests++;
    if (body.next === undefined) return { items, requests };
    await between?.();
    cursor = `&cursor=${body.next}`;
  }
}

describe("finding conversations", () => {
  test("by member: those that they are in, of a kind, with a part of the title", async () => {
    const [root, ada, bob] = await Promise.all([admin(), person(), person()]);
    const group = await groupOf(ada, bob);
    const channel = await channelOf(bob, [ada], { name: "Überraschung" });
    const left = await channelOf(bob, [ada]);
    await ada.post(`${UNIHUB}/channels/${left}/leave`);
    const idsOf = async (query: string) => {
      const { items } = await found(root, `member=${ada.userId}${query}`);
      return items.map(({ id }) => id).toSorted();
    };
    expect(await idsOf("")).toEqual([group, channel].toSorted());
    expect(await idsOf("&kind=channel")).toEqual([channel]);
    expect(await idsOf("&title=UBERRASCH")).toEqual([channel]);
    expect(await idsOf("&title=nothing")).toEqual([]);
  });

  test("by a part of the title, 500 rows a request, exact while others are created", async () => {
    const root = await admin();
    // Rows as a projection writes them: a thousand conversations would take a minute.
    const word = crypto.randomUUID().slice(0, 8);
    const rows = Array.from({ length: 1_100 }, (_, i) => [
      guessed(),
      i % 100 === 0 ? word : "other",
    ]);
    await env.DB.prepare(
      `INSERT INTO conversations (id, kind, title, visibility, created_by, created_at, member_count,
         last_number, message_count, epoch, rev)
       SELECT value ->> 0, 'group', 'Group ' || (value ->> 1) || ' ABC', 'private', 'x', 0, 0, 0, 0, 'e', 1
       FROM json_each(?)`,
    )
      .bind(JSON.stringify(rows))
      .run();
    const wanted = rows.filter(([, title]) => title === word).map(([id]) => id);
    const inserts = () =>
      env.DB.prepare(
        `INSERT INTO conversations (id, kind, title, visibility, created_by, created_at, member_count,
           last_number, message_count, epoch, rev)
         VALUES (?, 'group', 'between', 'private', 'x', 0, 0, 0, 0, 'e', 1)`,
      )
        .bind(guessed())
        .run();
    const { items, requests } = await found(
      root,
      `title=${word}%20abc&kind=group&limit=3`,
      inserts,
    );
    expect(items.map(({ id }) => id)).toEqual(wanted.toSorted());
    expect(requests).toBeGreaterThan(3);
    const { body } = await root.get(`${CONVERSATIONS}?title=no${word}`);
    expect(body.items).toEqual([]);
    expect(body.next).toEqual(expect.any(String));
    await env.DB.prepare("DELETE FROM conversations WHERE created_by = 'x'").run();
  });

  test.each([
    "?limit=0",
    "?limit=201",
    "?cursor=x",
    "?kind=x",
    "?title=",
    `?title=${"a".repeat(201)}`,
  ])("400: %s", async (query) => {
    const root = await admin();
    expect((await root.get(CONVERSATIONS + query)).status).toBe(400);
  });
});

describe("a conversation", () => {
  test("figures of its object", async () => {
    const root = await admin();
    const { alice, bob, conversationId } = await directPair();
    await send(alice, conversationId, "one");
    await send(alice, conversationId, "two");
    await openLive(bob, conversationId);
    const body = await vi.waitFor(async () => {
      const answer = await root.get(`${CONVERSATIONS}/${conversationId}`);
      expect(answer.body.rev).toBe(answer.body.projectedRev);
      return answer.body;
    });
    expect(body).toMatchObject({
      ...{ id: conversationId, kind: "direct", title: null, createdBy: alice.userId },
      ...{ closedAt: null, locked: false, slowModeSeconds: 0, retentionDays: null, purgedTo: 0 },
      ...{ memberCount: 2, lastNumber: 2, messageCount: 2, sockets: 1, subscribers: 0 },
      ...{ indexedMessages: null, holds: 0, storedBytes: expect.any(Number) },
    });
    expect(body.storedBytes).toBeGreaterThan(10_000);
    expect(JSON.stringify(body)).not.toContain("two");
  });

  test("members, present and former, in pages that are exact while others enter", async () => {
    const [root, ada, ...others] = await Promise.all([
      admin(),
      ...Array.from({ length: 6 }, () => person()),
    ]);
    if (!ada) throw new Error("nobody");
    const id = await groupOf(ada, ...others);
    const [gone] = others;
    await ada.delete(`${UNIHUB}/conversations/${id}/participants/${gone?.userId}`);
    const members: { userId: string; leftAt: string | null }[] = [];
    let cursor = "";
    do {
      const { body } = await root.get(`${CONVERSATIONS}/${id}/members?limit=2${cursor}`);
      members.push(...body.items);
      const next = await person();
      await ada.post(`${UNIHUB}/conversations/${id}/participants`, { participantId: next.userId });
      cursor = body.next === undefined ? "" : `&cursor=${body.next}`;
    } while (cursor !== "");
    const ids = members.map(({ userId }) => userId);
    expect(ids).toEqual([...new Set(ids)].toSorted());
    for (const one of [ada, ...others]) expect(ids).toContain(one.userId);
    expect(members.find(({ userId }) => userId === gone?.userId)?.leftAt).toEqual(
      expect.any(String),
    );
  });

  test("a guessed id, or none: 404, and nothing is stored", async () => {
    const root = await admin();
    const id = guessed();
    for (const one of [id, "x", messageIdOf(id, 1)]) {
      const path = `${CONVERSATIONS}/${one}`;
      for (const { status, body } of [
        await root.get(path),
        await root.get(`${path}/members`),
        await root.post(`${path}/close`, { reason: "x" }),
        await root.post(`${path}/reopen`, { reason: "x" }),
        await root.post(`${path}/messages/read`, { reason: "x" }),
      ]) {
        expect([one, status, body.code]).toEqual([one, 404, "conversation_not_found"]);
      }
    }
    const deletion = `/api/admin/messages/${messageIdOf(id, 1)}/delete`;
    expect((await root.post(deletion, { reason: "x" })).status).toBe(404);
    expect((await root.post(`/api/admin/messages/${id}/delete`, { reason: "x" })).status).toBe(404);
    const tables = await runInDurableObject(objectOf(id), (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'schema_steps'").toArray(),
    );
    expect(tables).toEqual([]);
    const { body } = await root.get(`/api/admin/audit?conversationId=${id}`);
    expect(body.items).toEqual([]);
  });
});

describe("closing and locking", () => {
  test("a channel is closed and reopened, with the reason in the log, once", async () => {
    const [root, ada] = await Promise.all([admin(), person()]);
    const id = await channelOf(ada);
    const path = `${CONVERSATIONS}/${id}`;
    expect((await root.post(`${path}/close`, { reason: "court order" })).status).toBe(204);
    expect((await root.post(`${path}/close`, { reason: "again" })).status).toBe(204);
    expect((await send(ada, id, "x")).body.code).toBe("channel_archived");
    expect((await root.get(path)).body.closedAt).toEqual(expect.any(String));
    expect((await root.post(`${path}/reopen`, { reason: "lifted" })).status).toBe(204);
    expect((await send(ada, id, "x")).status).toBe(201);
    const by = { actorId: root.userId, actorRole: "admin" };
    expect(await actsOf(root, id, 2)).toMatchObject([
      { ...by, action: "conversation.close", reason: "court order" },
      { ...by, action: "conversation.reopen", reason: "lifted" },
    ]);
  });

  test("groups, direct and purchase-request chats are locked; support chats are not", async () => {
    const root = await admin();
    const { alice, bob, conversationId: direct } = await directPair();
    const group = await groupOf(bob, alice);
    const about = { purchaseRequestId: crypto.randomUUID(), sellerId: bob.userId };
    const request = (await alice.post(`${CHATS}/purchase-request`, about)).body.data.chat._id;
    for (const id of [direct, group, request]) {
      const path = `${CONVERSATIONS}/${id}`;
      const code = async () =>
        (await alice.post(`${CHATS}/${id}/messages`, { content: "x" })).body.code;
      expect((await root.post(`${path}/close`, { reason: "cool down" })).status).toBe(204);
      expect((await root.get(path)).body.locked).toBe(true);
      expect(await code()).toBe("conversation_locked");
      expect((await root.post(`${path}/close`, { reason: "cool down" })).status).toBe(204);
      expect((await root.post(`${path}/reopen`, { reason: "fine" })).status).toBe(204);
      expect(await code()).toBeUndefined();
      expect(await actsOf(root, id, 2)).toMatchObject([
        { action: "conversation.update", reason: "cool down", details: { locked: true } },
        { action: "conversation.update", reason: "fine", details: { locked: false } },
      ]);
    }
    const support = (await alice.post(`${CHATS}/support`, {})).body.data.chat._id;
    const answer = await root.post(`${CONVERSATIONS}/${support}/close`, { reason: "x" });
    expect(answer.body.code).toBe("not_moderated");
  });

  test.each([{}, { reason: "" }, { reason: " " }, { reason: "x".repeat(501) }, { reason: 1 }])(
    "not without a reason: %j",
    async (body) => {
      const root = await admin();
      const { alice, conversationId } = await directPair();
      const { messageId } = (await send(alice, conversationId, "x")).body;
      const path = `${CONVERSATIONS}/${conversationId}`;
      for (const { status } of [
        await root.post(`${path}/close`, body),
        await root.post(`${path}/reopen`, body),
        await root.post(`${path}/messages/read`, body),
        await root.post(`/api/admin/messages/${messageId}/delete`, body),
      ]) {
        expect(status).toBe(400);
      }
    },
  );
});

describe("messages", () => {
  test("are read in pages, newest first, and logged with the range and the reason", async () => {
    const root = await admin();
    const { alice, bob, conversationId } = await directPair();
    for (const text of ["one", "two", "three", "four", "five"])
      await send(alice, conversationId, text);
    const second = messageIdOf(conversationId, 2);
    await alice.delete(`${UNIHUB}/messages/${second}`);
    const path = `${CONVERSATIONS}/${conversationId}/messages/read`;
    const texts: [string, boolean][] = [];
    let before: string | undefined;
    do {
      const { body } = await root.post(path, { reason: "complaint 7", limit: 2, before });
      for (const one of body.items) texts.push([one.content, one.deletedAt !== null]);
      before = body.next;
      // What comes meanwhile moves no page.
      await send(bob, conversationId, "later");
    } while (before !== undefined);
    expect(texts).toEqual([
      ["five", false],
      ["four", false],
      ["three", false],
      ["", true],
      ["one", false],
    ]);
    const by = { actorId: root.userId, actorRole: "admin", action: "messages.read" };
    expect(await actsOf(root, conversationId, 3)).toMatchObject(
      [
        { from: 4, to: 5 },
        { from: 2, to: 3 },
        { from: 1, to: 1 },
      ].map((details) => ({ ...by, reason: "complaint 7", details })),
    );
    // Nothing counts as read, and the admin is in no list.
    const receipts = await alice.get(
      `${UNIHUB}/messages/${messageIdOf(conversationId, 1)}/read-receipts`,
    );
    expect(receipts.body).toEqual([]);
    expect((await root.get(`${UNIHUB}/conversations`)).body).toEqual([]);
  });

  test("not of another conversation, and not more than a page", async () => {
    const root = await admin();
    const [one, other] = [await directPair(), await directPair()];
    const path = `${CONVERSATIONS}/${one.conversationId}/messages/read`;
    const read = async (more: object) =>
      (await root.post(path, { reason: "x", ...more })).body.code;
    expect(await read({ before: messageIdOf(other.conversationId, 1) })).toBe("message_not_found");
    expect(await read({ before: messageIdOf(one.conversationId, 7) })).toBe("message_not_found");
    expect(await read({ before: one.conversationId })).toBe("message_not_found");
    expect(await read({ limit: 101 })).toBe("invalid_request");
    expect(await read({ limit: 0 })).toBe("invalid_request");
    const empty = await root.post(path, { reason: "x" });
    expect(empty.body).toEqual({ items: [] });
    expect(await actsOf(root, one.conversationId, 1)).toMatchObject([
      { action: "messages.read", details: { from: null, to: null } },
    ]);
  });

  test("are not answered where that they were read cannot be stored", async () => {
    const root = await admin();
    const { alice, conversationId } = await directPair();
    await send(alice, conversationId, "private words");
    const path = `${CONVERSATIONS}/${conversationId}/messages/read`;
    const silent = vi.spyOn(console, "log").mockReturnValue(undefined);
    const down = vi.spyOn(env.DB, "withSession").mockImplementation(() => {
      throw new Error("D1_ERROR: down");
    });
    const first = await root.post(path, { reason: "x" });
    down.mockRestore();
    // D1 can be read, and takes no more acts.
    const withSession = env.DB.withSession.bind(env.DB);
    const full = vi.spyOn(env.DB, "withSession").mockImplementation((bookmark) => {
      const session = withSession(bookmark as string);
      const prepare = session.prepare.bind(session);
      session.prepare = (sql) => {
        if (sql.includes("audit")) throw new Error("D1_ERROR: full");
        return prepare(sql);
      };
      return session;
    });
    const second = await root.post(path, { reason: "x" });
    full.mockRestore();
    silent.mockRestore();
    for (const { status, body } of [first, second]) {
      expect([status, body.code]).toEqual([503, "unavailable"]);
      expect(JSON.stringify(body)).not.toContain("private");
    }
    expect((await root.post(path, { reason: "x" })).status).toBe(200);
  });

  test("are deleted in every kind, also in a closed channel and of the system, with the reason", async () => {
    const [root, host] = await Promise.all([admin(), person("host", { role: "service" })]);
    const { alice, bob, conversationId: direct } = await directPair();
    const channel = await channelOf(alice, [bob]);
    const support = (await alice.post(`${CHATS}/support`, {})).body.data.chat._id;
    for (const id of [direct, channel, support]) {
      const { body } = await alice.post(`${UNIHUB}/messages`, {
        conversationId: id,
        content: "bad",
      });
      const system = (await send(host, id, "of the system")).body.messageId;
      if (id === channel) await alice.post(`${UNIHUB}/channels/${id}/archive`);
      const before = id === channel ? 1 : 0;
      for (const messageId of [body.messageId, system, body.messageId]) {
        const path = `/api/admin/messages/${messageId}/delete`;
        expect((await root.post(path, { reason: "law" })).status).toBe(204);
      }
      const read = await root.post(`${CONVERSATIONS}/${id}/messages/read`, { reason: "check" });
      const all = read.body.items as { content: string; deletedBy?: string; number: number }[];
      const two = all.filter(({ deletedBy }) => deletedBy === root.userId);
      expect(two.map(({ content }) => content)).toEqual(["", ""]);
      const acts = await actsOf(root, id, before + 3);
      const by = {
        actorId: root.userId,
        actorRole: "admin",
        action: "message.delete",
        reason: "law",
      };
      expect(acts.slice(before, before + 2)).toMatchObject([
        { ...by, targetId: alice.userId, messageId: body.messageId },
        { ...by, targetId: null, messageId: system },
      ]);
    }
  });
});
