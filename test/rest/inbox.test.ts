import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Caller, directPair, groupOf, openLive, person, send } from "../support.ts";
import { CONVERSATIONS, carryOut, DIRECT, entryOf, ISO_TIME } from "./requests.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

async function idsOf(caller: Caller, query = ""): Promise<string[]> {
  const { body } = await caller.get(CONVERSATIONS + query);
  return body.map((entry: { conversationId: string }) => entry.conversationId);
}

describe("GET /conversations", () => {
  test("200 with an empty list for a new user", async () => {
    const answer = await (await person()).get(CONVERSATIONS);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual([]);
  });

  test("200 with the exact body, before the first message and after it", async () => {
    const { alice, bob, conversationId } = await directPair();
    const before = {
      conversationId,
      type: "Direct",
      title: null,
      participantIds: expect.toSatisfy(
        (ids: string[]) => ids.toSorted().join() === [alice.userId, bob.userId].sort().join(),
      ),
      lastMessageTime: null,
      isArchived: false,
      unreadCount: 0,
      unreadMentions: 0,
      lastMessage: null,
    };
    expect((await alice.get(CONVERSATIONS)).body).toStrictEqual([before]);
    const { body: sent } = await send(alice, conversationId, "hello");
    const after = {
      ...before,
      lastMessageTime: sent.sentAt,
      lastMessage: {
        messageId: sent.messageId,
        conversationId,
        senderId: alice.userId,
        content: "hello",
        type: "Text",
        sentAt: expect.stringMatching(ISO_TIME),
        editedAt: null,
        isDeleted: false,
        replyToMessageId: null,
        attachments: [],
        reactions: [],
      },
    };
    expect((await alice.get(CONVERSATIONS)).body).toStrictEqual([after]);
    expect((await bob.get(CONVERSATIONS)).body).toStrictEqual([{ ...after, unreadCount: 1 }]);
  });

  test("shows each of many concurrent sends once it is answered, however slow D1 is", async () => {
    const { alice, bob, conversationId } = await directPair();
    const write = env.DB.batch.bind(env.DB);
    vi.spyOn(env.DB, "batch").mockImplementation(async (statements) => {
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      return write(statements);
    });
    const sendAndLook = async (content: string) => {
      const { body, headers } = await send(alice, conversationId, content);
      const [listed] = (await bob.get(CONVERSATIONS)).body;
      // Slower than a send waits: then the answer says so.
      if (headers.has("Warning")) return;
      const number = Number.parseInt(body.messageId.slice(-10), 16);
      expect(listed.lastMessage.messageId >= body.messageId).toBe(true);
      expect(listed.unreadCount).toBeGreaterThanOrEqual(number);
    };
    // The sends of the second round share writes from the beginning.
    for (const round of ["first", "second"]) {
      await Promise.all(Array.from({ length: 16 }, (_, i) => sendAndLook(`${round} ${i}`)));
    }
  });

  test("contains no conversations of others", async () => {
    const { alice, bob } = await directPair();
    const carol = await person();
    await groupOf(alice, bob, await person());
    expect(await idsOf(carol)).toEqual([]);
  });

  test("the latest message first, conversations without messages last", async () => {
    const alice = await person("alice");
    const made: string[] = [];
    for (const other of await Promise.all([person(), person(), person(), person()])) {
      const { body } = await alice.post(DIRECT, { otherUserId: other.userId });
      made.push(body.conversationId);
    }
    const [first, second, third, fourth] = made;
    if (!first || !second || !third || !fourth) throw new Error("four conversations");
    await send(alice, third, "one");
    await send(alice, first, "two");
    expect((await idsOf(alice)).slice(0, 2)).toEqual([first, third]);
    expect((await idsOf(alice)).slice(2).sort()).toEqual([second, fourth].sort());
    await send(alice, third, "three");
    expect((await idsOf(alice)).slice(0, 2)).toEqual([third, first]);
  });

  test("pages contain every conversation once", async () => {
    const alice = await person("alice");
    for (const other of await Promise.all([person(), person(), person()])) {
      await alice.post(DIRECT, { otherUserId: other.userId });
    }
    const all = await idsOf(alice);
    expect(all).toHaveLength(3);
    expect(await idsOf(alice, "?pageSize=2")).toEqual(all.slice(0, 2));
    expect(await idsOf(alice, "?page=2&pageSize=2")).toEqual(all.slice(2));
    expect(await idsOf(alice, "?page=3&pageSize=2")).toEqual([]);
  });

  test("an empty page past the end, for any number", async () => {
    const { alice } = await directPair();
    for (const page of [2, 1_000_001, 2 ** 31 - 1, Number.MAX_SAFE_INTEGER]) {
      const answer = await alice.get(`${CONVERSATIONS}?page=${page}`);
      expect(answer.status, `page ${page}`).toBe(200);
      expect(answer.body).toEqual([]);
    }
  });

  test.each(["page=0", "page=-1", "page=x", "page=1.5", "pageSize=0", "pageSize=501", "pageSize="])(
    "400 with %s",
    async (query) => {
      const answer = await (await person()).get(`${CONVERSATIONS}?${query}`);
      expect(answer.status).toBe(400);
      expect(answer.body.details).toEqual([
        { path: query.split("=")[0], message: expect.any(String) },
      ]);
    },
  );
});

describe("the inbox shows changes over REST at once", () => {
  test("sent messages are unread for the others, not for their sender", async () => {
    const [alice, bob, carol] = await Promise.all([person(), person(), person()]);
    const id = await groupOf(alice, bob, carol);
    await send(alice, id, "one");
    await send(bob, id, "two");
    const last = await send(alice, id, "three");
    for (const [caller, unreadCount] of [
      [alice, 1],
      [bob, 2],
      [carol, 3],
    ] as const) {
      expect(await entryOf(caller, id)).toMatchObject({
        unreadCount,
        lastMessageTime: last.body.sentAt,
        lastMessage: { messageId: last.body.messageId, content: "three" },
      });
    }
  });

  test("a retry is counted once", async () => {
    const { alice, bob, conversationId } = await directPair();
    for (let i = 0; i < 3; i++) await send(alice, conversationId, "x", { clientMessageId: "k" });
    expect((await entryOf(bob, conversationId)).unreadCount).toBe(1);
  });
});

describe("the inbox soon shows changes over sockets", () => {
  test("sent and read messages", async () => {
    const { alice, bob, conversationId } = await directPair();
    const [a, b] = await Promise.all([
      openLive(alice, conversationId),
      openLive(bob, conversationId),
    ]);
    const sent = [];
    for (const content of ["one", "two", "three"]) {
      sent.push(await carryOut(a, { op: "send", content }));
    }
    await expect
      .poll(() => entryOf(bob, conversationId))
      .toMatchObject({ unreadCount: 3, lastMessage: { content: "three" } });
    expect((await entryOf(alice, conversationId)).unreadCount).toBe(0);

    await carryOut(b, { op: "read", messageIds: [sent[1]?.messageId] });
    await expect.poll(() => entryOf(bob, conversationId)).toMatchObject({ unreadCount: 2 });
    await carryOut(b, { op: "read" });
    await expect.poll(() => entryOf(bob, conversationId)).toMatchObject({ unreadCount: 0 });
  });

  test("edits and deletions, also of the last message", async () => {
    const { alice, bob, conversationId } = await directPair();
    const [first, second] = [
      await send(alice, conversationId, "first"),
      await send(alice, conversationId, "second"),
    ];
    const socket = await openLive(alice, conversationId);
    const { messageId } = second.body;
    await carryOut(socket, { op: "edit", messageId, content: "changed" });
    await expect
      .poll(() => entryOf(bob, conversationId))
      .toMatchObject({
        unreadCount: 2,
        lastMessage: { content: "changed", editedAt: expect.stringMatching(ISO_TIME) },
      });
    await carryOut(socket, { op: "delete", messageId });
    await expect
      .poll(() => entryOf(bob, conversationId))
      .toMatchObject({
        unreadCount: 1,
        lastMessageTime: first.body.sentAt,
        lastMessage: { content: "first" },
      });
    await carryOut(socket, { op: "delete", messageId: first.body.messageId });
    await expect
      .poll(() => entryOf(bob, conversationId))
      .toMatchObject({ unreadCount: 0, lastMessageTime: null, lastMessage: null });
  });
});
