import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { groupChat, infoOf, sent } from "../rest/marketplace/chats.ts";
import { type Caller, objectOf, open } from "../support.ts";

/** Stored JSON of another version, or invalid JSON, never fails a page. */

let alice: Caller;
let bob: Caller;
let chatId: string;

beforeEach(async () => {
  ({ alice, bob, chatId } = await groupChat());
  await sent(alice, chatId, "hello");
});

/** The chat in the lists of both APIs. */
async function lists() {
  const [marketplace, unihub] = await Promise.all([
    alice.get("/api/chat"),
    alice.get("/api/v1/chat/conversations"),
  ]);
  expect([marketplace.status, unihub.status]).toEqual([200, 200]);
  return { chat: marketplace.body.data.chats[0], conversation: unihub.body[0] };
}

async function setColumn(column: "last_message" | "metadata", value: string): Promise<void> {
  const statement = env.DB.prepare(`UPDATE conversations SET ${column} = ? WHERE id = ?`);
  await statement.bind(value, chatId).run();
}

/** A row as it was written before there were versions; the id is another conversation's. */
const UNVERSIONED =
  '{"id":"3360d270-9bb3-8242-beab-320000000009","number":9,"rev":23,"senderId":"ann","kind":"file",' +
  '"content":"seen","createdAt":"2025-11-28T02:00:02.869Z","editedAt":"2025-11-28T02:01:00.000Z",' +
  '"deletedAt":null,"replyTo":"3360d270-9bb3-8242-beab-320000000003","attachments":[{"key":' +
  '"84efaa17-7cf1-4ad6-93d2-6e5c7481249b.txt","name":"notes.txt","mimeType":"text/plain","size":5}],' +
  '"reactions":[{"emoji":"👍","count":1,"userIds":["ben"]}],"metadata":{"a":1},"clientMessageId":"x"}';

function changed(change: Record<string, unknown>): string {
  return JSON.stringify({ ...JSON.parse(UNVERSIONED), ...change });
}

describe("the last message in D1", () => {
  test("is written with its version, and as the version before reads it", async () => {
    const row = await env.DB.prepare("SELECT last_message FROM conversations WHERE id = ?")
      .bind(chatId)
      .first<{ last_message: string }>();
    const written = JSON.parse(row?.last_message ?? "");
    expect(written).toMatchObject({ v: 1, number: 1, content: "hello" });
    for (const field of Object.keys(JSON.parse(UNVERSIONED))) expect(written).toHaveProperty(field);
  });

  test("of a row without a version is shown in both APIs", async () => {
    await setColumn("last_message", UNVERSIONED);
    const { chat, conversation } = await lists();
    expect(chat.lastMessage).toMatchObject({
      ...{ content: "seen", senderId: "ann", type: "file", metadata: { a: 1 } },
      createdAt: "2025-11-28T02:00:02.869Z",
      editedAt: "2025-11-28T02:01:00.000Z",
      replyToMessageId: expect.stringMatching(/0000000003$/),
      attachments: [{ filename: "notes.txt", size: 5, url: expect.stringContaining("84efaa17") }],
      reactions: [{ emoji: "👍", count: 1, userIds: ["ben"] }],
    });
    expect(conversation.lastMessage).toMatchObject({
      ...{ content: "seen", type: "File", sentAt: "2025-11-28T02:00:02.869Z" },
      attachments: [{ fileName: "notes.txt", fileSize: 5 }],
    });
  });

  test.each([
    ["a kind that is not known", { kind: "poll" }, { type: "text" }],
    ["fields that are not known", { poll: {} }, { content: "seen" }],
    ["an attachment that cannot be read", { attachments: [{ name: "x" }] }, { attachments: [] }],
    ["no reactions and no times", { reactions: 0, editedAt: 7 }, { reactions: [], editedAt: null }],
  ])("with %s keeps the rest", async (_, change, expected) => {
    await setColumn("last_message", changed(change));
    const { chat, conversation } = await lists();
    expect(chat.lastMessage).toMatchObject(expected);
    expect(conversation.lastMessage.content).toBe("seen");
    expect(conversation.lastMessage.type).toMatch(/^(Text|File)$/);
  });

  test.each([
    ["of a newer version", changed({ v: 2 })],
    ["without a text", changed({ content: undefined })],
    ["without a time", changed({ createdAt: "yesterday" })],
    ["that is no JSON", '{"id":"3360d2'],
    ["that is no object", "7"],
    ["that is empty", ""],
  ])("%s costs the preview, not the page", async (_, column) => {
    await setColumn("last_message", column);
    const { chat, conversation } = await lists();
    expect(chat).toMatchObject({ _id: chatId, title: "Group", lastMessage: null });
    expect(conversation).toMatchObject({ conversationId: chatId, lastMessage: null });
    expect(conversation.lastMessageTime).not.toBeNull();
  });
});

test("metadata that cannot be read and roles that are not known do not fail a list", async () => {
  await setColumn("metadata", "[");
  await env.DB.prepare(
    "UPDATE members SET role = 'guest' WHERE conversation_id = ? AND user_id = ?",
  )
    .bind(chatId, bob.userId)
    .run();
  const { chat } = await lists();
  expect(chat.metadata).toBeNull();
  expect(chat.participants).toContainEqual(
    expect.objectContaining({ userId: bob.userId, role: "member" }),
  );
});

describe("a message in its object", () => {
  const ATTACHMENTS =
    '[{"key":"k.txt","name":"a.txt","mimeType":"text/plain","size":1,"new":true}]';

  async function store(columns: Record<string, string>): Promise<void> {
    await runInDurableObject(objectOf(chatId), (_, { storage }) => {
      for (const [column, value] of Object.entries(columns)) {
        storage.sql.exec(`UPDATE messages SET ${column} = ? WHERE number = 1`, value);
      }
    });
    await evictDurableObject(objectOf(chatId));
  }

  function stored(column: string): Promise<unknown> {
    return runInDurableObject(
      objectOf(chatId),
      (_, { storage }) =>
        storage.sql.exec(`SELECT ${column} AS value FROM messages WHERE number = 1`).one()["value"],
    );
  }

  test.each([
    ["that are broken", { attachments: "[{", reactions: "x", metadata: "{" }],
    [
      "of other shapes",
      { attachments: '{"key":1}', reactions: "[1]", metadata: "[]", kind: "poll" },
    ],
  ])("with parts %s does not fail history, sync or info", async (_, columns) => {
    await store(columns);
    await sent(bob, chatId, "after");
    const { body } = await alice.get(`/api/chat/${chatId}/messages?order=asc`);
    expect(body.data.messages).toMatchObject([
      { content: "hello", type: "text", attachments: [], reactions: [], metadata: null },
      { content: "after" },
    ]);
    const first = await (await open(alice, chatId)).next("sync");
    expect(first.messages).toHaveLength(2);
    await evictDurableObject(objectOf(chatId));
    const resumed = await (await open(alice, chatId, "?since=1")).next("sync");
    expect(resumed.messages).toHaveLength(2);
    expect(await infoOf(alice, chatId)).toMatchObject({ unreadCount: 1 });
    expect((await lists()).chat.lastMessage.content).toBe("after");
  });

  test("keeps what a newer version stored of its files when it changes, until it is deleted", async () => {
    await store({ attachments: ATTACHMENTS, metadata: '{"a":1}', kind: "file" });
    const { body } = await alice.get(`/api/chat/${chatId}/messages`);
    const [{ _id: id, attachments }] = body.data.messages;
    expect(attachments).toEqual([
      expect.objectContaining({ filename: "a.txt", mimeType: "text/plain", size: 1 }),
    ]);
    expect((await bob.post(`/api/v1/chat/messages/${id}/reactions`, { emoji: "👍" })).status).toBe(
      200,
    );
    expect((await alice.put(`/api/chat/${chatId}/messages/${id}`, { content: "x" })).status).toBe(
      200,
    );
    expect([await stored("attachments"), await stored("metadata")]).toEqual([
      ATTACHMENTS,
      '{"a":1}',
    ]);
    expect((await alice.delete(`/api/chat/${chatId}/messages/${id}`)).status).toBe(200);
    expect([await stored("attachments"), await stored("metadata")]).toEqual([null, null]);
  });
});
