import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { acked } from "../../live/answer.ts";
import {
  type Caller,
  channelOf,
  directPair,
  groupOf,
  openLive,
  person,
  unreadOf,
} from "../../support.ts";
import { entryOf } from "../requests.ts";
import {
  add,
  channel,
  erase,
  expectError,
  expectUnauthenticated,
  message,
  newest,
  noMessages,
  readersOf,
  sent,
} from "./client.ts";

let alice: Caller;
let bob: Caller;
let conversationId: string;

beforeAll(async () => {
  ({ alice, bob, conversationId } = await directPair());
});

afterEach(() => {
  vi.useRealTimers();
});

function read(by: Caller, messageId: string) {
  return by.post(message(messageId, "/read"));
}

/** The unread count according to the inbox and the object, which must agree. */
async function unread(of: Caller, id = conversationId): Promise<number> {
  const listed = (await entryOf(of, id)).unreadCount;
  expect(await unreadOf(of, id)).toBe(listed);
  return listed;
}

describe("POST /messages/{messageId}/read", () => {
  test("200, and this one message is read", async () => {
    const ids = [await sent(alice, conversationId), await sent(alice, conversationId)];
    const [, second = ""] = ids;
    const before = await unread(bob);
    const answer = await read(bob, second);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ success: true });
    expect(await unread(bob)).toBe(before - 1);
    expect(await readersOf(alice, second)).toEqual([bob.userId]);
    expect(await readersOf(alice, ids[0] ?? "")).toEqual([]);
  });

  test("200 again, and the first time is kept", async () => {
    // A little in the future: this context's clock may be behind the object's, which never
    // decreases.
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 1_000);
    const messageId = await sent(alice, conversationId);
    const readAt = new Date().toISOString();
    await read(bob, messageId);
    const before = await unread(bob);
    vi.setSystemTime(Date.now() + 60_000);
    expect((await read(bob, messageId.toUpperCase())).status).toBe(200);
    expect(await unread(bob)).toBe(before);
    const { body } = await alice.get(message(messageId, "/read-receipts"));
    expect(body).toEqual([{ userId: bob.userId, readAt }]);
  });

  test("200 for the caller's own message, which creates no receipt and no change", async () => {
    await sent(bob, conversationId, "unread by Alice");
    const messageId = await sent(alice, conversationId);
    const before = await unread(alice);
    const b = await openLive(bob, conversationId);
    expect((await read(alice, messageId)).status).toBe(200);
    expect(await unread(alice)).toBe(before);
    expect(await readersOf(bob, messageId)).toEqual([]);
    await sent(alice, conversationId, "behind it");
    await b.next("message");
    expect(b.all("read")).toEqual([]);
  });

  test("200 for a system message, which creates no receipt either", async () => {
    const group = await groupOf(alice, bob, await person("carol"));
    await add(alice, group, await person("dave"));
    const { messageId } = await newest(bob, group);
    expect((await read(bob, messageId)).status).toBe(200);
    expect(await readersOf(alice, messageId)).toEqual([]);
    expect(await unread(bob, group)).toBe(0);
  });

  test("200 for a message from before the caller joined, which was not unread", async () => {
    const group = await groupOf(alice, bob, await person("carol"));
    const messageId = await sent(alice, group, "before Dave");
    const dave = await person("dave");
    await add(alice, group, dave);
    await sent(alice, group, "after");
    expect(await unread(dave, group)).toBe(1);
    expect((await read(dave, messageId)).status).toBe(200);
    expect(await unread(dave, group)).toBe(1);
    expect(await readersOf(alice, messageId)).toEqual([dave.userId]);
  });

  test("200 in an archived channel", async () => {
    const id = await channelOf(alice, [bob]);
    const messageId = await sent(alice, id);
    await alice.post(channel(id, "/archive"));
    expect((await read(bob, messageId)).status).toBe(200);
    expect(await unreadOf(bob, id)).toBe(0);
  });

  test("400 for a deleted message, read before or not", async () => {
    const ids = [await sent(alice, conversationId), await sent(alice, conversationId)];
    const [first = "", second = ""] = ids;
    await read(bob, first);
    for (const messageId of ids) await erase(alice, conversationId, messageId);
    const before = await unread(bob);
    expectError(await read(bob, first), 400, "message_deleted");
    expectError(await read(bob, second), 400, "message_deleted");
    expectError(await read(alice, second), 400, "message_deleted");
    expect(await unread(bob)).toBe(before);
  });

  test("401 without a valid token", () =>
    expectUnauthenticated("POST", message("3fa85f64-5717-8562-b3fc-2c0000000001", "/read")));

  test("403 for users who are not, or no longer, members", async () => {
    const messageId = await sent(alice, conversationId);
    expectError(await read(await person("stranger"), messageId), 403, "not_a_member");
    const id = await channelOf(alice, [bob]);
    const inChannel = await sent(alice, id);
    await bob.post(channel(id, "/leave"));
    expectError(await read(bob, inChannel), 403, "not_a_member");
  });

  test("404 for an id that names no message", async () => {
    for (const id of noMessages(conversationId)) {
      expectError(await read(bob, id), 404, "message_not_found");
    }
  });
});

describe("to open sockets", () => {
  test("a read mark is sent as `read`, once, made over REST or over a socket", async () => {
    const { alice, bob, conversationId } = await directPair();
    const [first, second, third] = [
      await sent(alice, conversationId),
      await sent(alice, conversationId),
      await sent(alice, conversationId),
    ];
    const [a, b] = [await openLive(alice, conversationId), await openLive(bob, conversationId)];
    await read(bob, third);
    await read(bob, third);
    const ack = await acked(b, { op: "read", messageIds: [first] });
    await acked(b, { op: "read", messageIds: [first, third] });
    await read(bob, second);
    await sent(alice, conversationId, "behind them");
    await a.next("message", (event) => event.message.content === "behind them");
    const { userId } = bob;
    const readAt = expect.stringMatching(/Z$/);
    expect(a.all("read")).toEqual([
      { type: "read", rev: ack.rev - 1, userId, from: 3, to: 3, readAt },
      { type: "read", rev: ack.rev, userId, from: 1, to: 1, readAt },
      { type: "read", rev: ack.rev + 1, userId, from: 2, to: 2, readAt },
    ]);
    expect(b.all("read")).toEqual(a.all("read"));
  });

  test("marks made over a socket and over REST are the same: the second has no effect", async () => {
    const { alice, bob, conversationId } = await directPair();
    const messageId = await sent(alice, conversationId);
    await sent(alice, conversationId);
    const b = await openLive(bob, conversationId);
    const { rev } = await acked(b, { op: "read", upTo: messageId });
    await read(bob, messageId);
    expect((await acked(b, { op: "read", messageIds: [messageId] })).rev).toBe(rev);
    expect(await unreadOf(bob, conversationId)).toBe(1);
    expect(await readersOf(alice, messageId)).toEqual([bob.userId]);
  });
});

test("reading the same messages again does not change the lists, also after a deletion", async () => {
  const { alice, bob, conversationId } = await directPair();
  const first = await sent(alice, conversationId);
  const second = await sent(alice, conversationId);
  await read(bob, second);
  await erase(alice, conversationId, first);
  await read(bob, second);
  await erase(alice, conversationId, second);
  expect(await unreadOf(bob, conversationId)).toBe(0);
  expect((await entryOf(bob, conversationId)).unreadCount).toBe(0);
});
