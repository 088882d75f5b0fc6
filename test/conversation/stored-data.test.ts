import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { conversationOf } from "../../src/conversation/stub.ts";
import { sendFile, sendUploads } from "../attachments/support.ts";
import channel from "../fixtures/dd6ebd6/channel.sql?raw";
import directory from "../fixtures/dd6ebd6/directory.sql?raw";
import group from "../fixtures/dd6ebd6/group.sql?raw";
import tables from "../fixtures/dd6ebd6/tables.sql?raw";
import { type Answer, Caller, objectOf, open, openLive, tokenFor, unreadOf } from "../support.ts";

/** Conversations stored by the code of an earlier commit open and are used on. See fixtures/README.md. */

const GROUP = idIn(group);
const CHANNEL = idIn(channel);
const EPOCH = /'(0mw\w+)'/.exec(group)?.[1] ?? "";
const CHAT = `/api/chat/${GROUP}`;

let ann: Caller;
let ben: Caller;
let cat: Caller;
let dan: Caller;

function idIn(sql: string): string {
  return /'([0-9a-f]{8}-[0-9a-f-]{27})'/.exec(sql)?.[1] ?? "";
}

async function caller(userId: string): Promise<Caller> {
  return new Caller(userId, await tokenFor(userId));
}

/** The key of an upload, by the name of its file. */
function keyOf(name: string): string {
  return new RegExp(`'([0-9a-f-]{36}\\.\\w+)', '\\w+', '${name}'`).exec(directory)?.[1] ?? "";
}

/** What `POST /messages/upload` answered when the file was stored. */
function uploaded(name: string, size: number): Answer {
  const fileUrl = `https://parley.test/uploads/chat/${keyOf(name)}`;
  const body = { fileName: name, fileUrl, fileSize: size, contentType: "text/plain" };
  return { status: 200, headers: new Headers(), body };
}

async function load(conversationId: string, rows: string): Promise<void> {
  await runInDurableObject(objectOf(conversationId), (_, { storage }) => {
    storage.sql.exec(tables);
    storage.sql.exec(rows);
  });
  await evictDurableObject(objectOf(conversationId));
}

async function messages(reader: Caller) {
  const { body } = await reader.get(`${CHAT}/messages?order=asc`);
  return body.data.messages;
}

/** The group as it is in a person's list. */
async function listed(reader: Caller) {
  const { body } = await reader.get("/api/chat");
  return body.data.chats.find((chat: { _id: string }) => chat._id === GROUP);
}

beforeAll(async () => {
  // Two hours after it was stored: invitations and the right to edit expire.
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime("2025-11-28T04:00:00Z");
  await env.DB.batch(directory.split(/;\n/).flatMap((each) => (each ? env.DB.prepare(each) : [])));
  await load(GROUP, group);
  await load(CHANNEL, channel);
  [ann, ben, cat, dan] = await Promise.all([
    caller("ann"),
    caller("ben"),
    caller("cat"),
    caller("dan"),
  ]);
});

afterAll(() => void vi.useRealTimers());

test("history shows messages with their files, reactions, replies, edits and deletions", async () => {
  const found = await messages(ben);
  expect(found.map(({ content }: { content: string }) => content)).toEqual([
    ...["hello", "an answer", "two files", "it's a form", "with a mistake", "", "I am leaving"],
    ...["Dan left", "seen in lists", "not in lists yet"],
  ]);
  expect(found[0]).toMatchObject({
    metadata: { color: "blue" },
    reactions: [{ emoji: "👍", count: 2, userIds: ["ben", "cat"] }],
    readBy: [{ userId: "ben" }],
  });
  expect(found[1].replyToMessageId).toBe(found[0]._id);
  expect(found[2]).toMatchObject({
    type: "file",
    attachments: [
      { filename: "pixels.png", mimeType: "image/png", size: 67, width: 321, height: 123 },
      { filename: "notes.txt", mimeType: "text/plain", size: 5 },
    ],
  });
  expect(found[4].editedAt).not.toBeNull();
  expect(found[5]).toMatchObject({ attachments: [], deletedAt: expect.any(String) });
  expect(found[7]).toMatchObject({ senderId: null, type: "system" });
});

test("a socket resumes, and is sent the whole on a first visit", async () => {
  const resumed = await open(ben, GROUP, `?since=15&epoch=${EPOCH}`);
  const page = await resumed.next("sync");
  expect(page.reset).toBeUndefined();
  expect(page.messages.map(({ number }) => number).sort((a, b) => a - b)).toEqual([1, 3, 8, 9, 10]);
  expect(page.reads.map(({ userId, to }) => [userId, to])).toEqual([
    ["ben", 3],
    ["cat", 5],
  ]);
  expect(page).toMatchObject({ to: 24, more: false });
  const first = await (await open(cat, GROUP)).next("sync");
  expect(first.messages).toHaveLength(10);
  expect(new Set(first.members.map(({ userId }) => userId))).toEqual(
    new Set(["ann", "ben", "cat"]),
  );
});

test("what nobody has read is counted, also of reads out of order", async () => {
  expect(await unreadOf(ben, GROUP)).toBe(4);
  expect(await unreadOf(cat, GROUP)).toBe(6);
});

test("who has left is refused, and nothing of it is in their list", async () => {
  expect((await dan.get(`${CHAT}/messages`)).status).toBe(403);
  expect(await listed(dan)).toBeUndefined();
});

test("lists show what D1 has, and catch up", async () => {
  const before = await listed(ben);
  expect([before.lastMessage.content, before.unreadCount]).toEqual(["seen in lists", 3]);
  expect((await listed(cat)).isArchived).toBe(true);
  const { body } = await ben.get("/api/v1/chat/channels/my-channels");
  expect(JSON.stringify(body)).toContain("old-channel");
  await objectOf(GROUP).rebuild("here");
  const after = await listed(ben);
  expect([after.lastMessage.content, after.unreadCount]).toEqual(["not in lists yet", 4]);
});

test("a retry of what was sent then is the message of then", async () => {
  const send = (who: Caller, body: object) => who.post(`${CHAT}/messages`, body);
  const [one, two] = await messages(ben);
  const answer = { content: "an answer", replyToMessageId: one._id, clientMessageId: "ben-2" };
  expect((await send(ben, answer)).body.data).toMatchObject({
    deduplicated: true,
    message: { _id: two._id },
  });
  const edited = await send(ben, { content: "with a mistak", clientMessageId: "ben-5" });
  expect(edited.body.data.message.content).toBe("with a mistake");
  const other = await send(ben, { content: "other", clientMessageId: "ben-5" });
  expect([other.status, other.body.code]).toEqual([409, "idempotency_conflict"]);
  const form = { filename: "form.txt", content: "form" };
  const key = { "Idempotency-Key": "cat-4" };
  const again = await sendFile(cat, GROUP, { content: "it's a form" }, form, key);
  expect(again.body.data.deduplicated).toBe(true);
  const more = { content: "two files", clientMessageId: "ann-3" };
  const files = [{ ...uploaded("pixels.png", 67) }, uploaded("notes.txt", 5)];
  Object.assign(files[0]?.body ?? {}, { contentType: "image/png" });
  expect((await sendUploads(ann, GROUP, files, more)).body.deduplicated).toBe(true);
});

test("files are served to members, unless their message was deleted", async () => {
  for (const [name, status] of [
    ["notes.txt", 200],
    ["secret.txt", 404],
  ] as const) {
    await env.FILES.put(keyOf(name), "stored");
    expect((await fetchFile(ben, keyOf(name))).status).toBe(status);
  }
});

async function fetchFile(reader: Caller, key: string): Promise<Response> {
  const headers = { Authorization: `Bearer ${reader.token}` };
  const url = `https://parley.test/uploads/chat/${key}`;
  const response = await exports.default.fetch(new Request(url, { headers }));
  await response.arrayBuffer();
  return response;
}

test("claims hold: what was sent is not sent again, what was voided never is, the rest can be", async () => {
  const sent = await sendUploads(ann, GROUP, [uploaded("notes.txt", 5)]);
  expect(sent.body.code).toBe("unknown_attachments");
  const { result } = await conversationOf(env, GROUP).submit(
    { userId: "ann", name: null, avatarUrl: null, role: "user", reach: "member" },
    {
      ...{ type: "send", kind: "text", maxLength: 2_000, claim: "claim-voided" },
      attachments: [{ key: keyOf("unsent.txt"), name: "a", mimeType: "text/plain", size: 1 }],
    },
    { wait: false, readers: false },
  );
  expect(result).toMatchObject({ ok: false, error: { code: "unknown_attachments" } });
  for (const [name, size] of [
    ["unsent.txt", 6],
    ["lost.txt", 4],
  ] as const) {
    expect((await sendUploads(ann, GROUP, [uploaded(name, size)])).status).toBe(201);
  }
});

test("it goes on: send, edit, react, read, delete, and the lists follow", async () => {
  const bens = await openLive(ben, GROUP, `?since=24&epoch=${EPOCH}`);
  const sent = await cat.post(`${CHAT}/messages`, { content: "new" });
  expect(sent.status).toBe(201);
  const id: string = sent.body.data.message._id;
  await bens.next("message", ({ message }) => message.id === id);
  expect((await cat.put(`${CHAT}/messages/${id}`, { content: "newer" })).status).toBe(200);
  bens.send({ op: "react", messageId: id, emoji: "👍", id: 1 });
  await bens.next("ack");
  bens.send({ op: "read", upTo: id, id: 2 });
  await bens.next("ack");
  await objectOf(GROUP).rebuild("here");
  expect((await listed(cat)).lastMessage).toMatchObject({
    content: "newer",
    reactions: [{ emoji: "👍", count: 1, userIds: ["ben"] }],
  });
  expect(await unreadOf(ben, GROUP)).toBe(0);
  const [one] = await messages(ann);
  expect((await ann.delete(`${CHAT}/messages/${one._id}`)).status).toBe(200);
  await runDurableObjectAlarm(objectOf(GROUP));
  expect((await listed(ben)).unreadCount).toBe(0);
});

test("a channel keeps its roles and invitations", async () => {
  const path = `/api/v1/chat/channels/${CHANNEL}`;
  expect((await ben.post(`${path}/invitations`, { userId: "dan" })).status).toBe(200);
  expect((await cat.post(`${path}/join`)).status).toBe(200);
  const { body } = await cat.get(`/api/v1/chat/messages?conversationId=${CHANNEL}`);
  expect(body.items[0].content).toBe("in the channel");
});
