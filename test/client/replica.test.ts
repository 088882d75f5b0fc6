import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ServerEvent } from "../../src/live/events.ts";
import { connected, created, hello, message, sync } from "./fake-server.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const READ_AT = "2026-01-01T00:00:00.000Z";
const read = (rev: number, from: number, to: number, userId = "me"): ServerEvent => ({
  ...{ type: "read", rev, userId, from, to, readAt: READ_AT },
});

test("repeated and late events change nothing and emit nothing", async () => {
  const { conversation, sockets, socket } = connected();
  const received: string[] = [];
  conversation.on("event", ({ type }) => received.push(type));
  (await socket(0)).greet(3, [message(1, 1), message(2, 3, { content: "edited" })]);
  const before = structuredClone(conversation.messages);
  received.length = 0;
  for (let i = 0; i < 2; i++) {
    sockets[0]?.say(sync(3, [message(1, 1), message(2, 2)]), created(2, 2), read(3, 1, 1, "you"));
  }
  expect(conversation.messages).toEqual(before);
  expect(received.filter((type) => type !== "status")).toEqual(["read"]);
  expect(conversation.cursor).toEqual({ epoch: "e1", rev: 3 });
});

test("an ack does not move the cursor; unknown events of a newer server are ignored", async () => {
  const { conversation, sockets, socket } = connected();
  (await socket(0)).greet(3);
  sockets[0]?.say({ type: "ack", rev: 9 }, '{"type":"hologram","rev":12}');
  expect(conversation.cursor.rev).toBe(3);
  expect(conversation.status.state).toBe("live");
});

test("a reaction changes its message, if it is loaded, and moves the cursor", async () => {
  const { conversation, sockets, socket } = connected();
  (await socket(0)).greet(9, [message(5, 5), message(6, 9)]);
  const received: unknown[] = [];
  conversation.on("message", ({ cause, message }) => received.push([cause, message.number]));
  const reactions = [{ emoji: "👍", count: 1, userIds: ["you"] }];
  const reaction = (rev: number, number: number): ServerEvent => ({
    ...{ type: "reaction", rev, messageId: message(number, 1).id, reactions },
    ...{ userId: "you", emoji: "👍", added: true },
  });
  // The second is old, the third is for a message that is not loaded.
  for (const event of [reaction(10, 5), reaction(8, 6), reaction(12, 2)]) sockets[0]?.say(event);
  expect(conversation.messages).toEqual([message(5, 10, { reactions }), message(6, 9)]);
  expect(received).toEqual([["reaction", 5]]);
  expect(conversation.cursor.rev).toBe(12);
});

test("reset clears the state", async () => {
  const { conversation, sockets, socket } = connected();
  (await socket(0)).greet(3, [message(1, 1), message(2, 2)]);
  sockets[0]?.end(1012);
  await vi.advanceTimersByTimeAsync(1_000);
  const fresh = [message(1, 1, { content: "another life" })];
  (await socket(1)).say({ ...hello(2), epoch: "e2" }, sync(2, fresh, { reset: true }));
  expect(conversation.messages).toEqual(fresh);
  expect(conversation.cursor).toEqual({ epoch: "e2", rev: 2 });
});

test("changes of messages before the oldest loaded one are ignored; older ones are loaded as pages", async () => {
  const { conversation, sockets, socket } = connected();
  (await socket(0)).greet(9, [message(5, 5), message(6, 6)]);
  sockets[0]?.say(created(2, 10, { content: "edited" }), created(7, 11));
  expect(conversation.messages.map(({ number }) => number)).toEqual([5, 6, 7]);
  const loading = conversation.loadOlder(2);
  const asked = sockets[0]?.asked.at(-1);
  expect(asked).toMatchObject({ op: "history", before: message(5, 5).id, limit: 2 });
  const { to, ...page } = sync(0, [message(3, 3), message(4, 4)], { more: true });
  sockets[0]?.say({ ...page, id: String(asked?.["id"]) });
  expect(await loading).toBe(true);
  expect(conversation.messages.map(({ number }) => number)).toEqual([3, 4, 5, 6, 7]);
  expect(conversation.cursor.rev).toBe(11);
});

test("unread counts messages by others that the user has not read, including those not loaded", async () => {
  const { conversation, sockets, socket } = connected();
  const own = { senderId: "me" };
  const first = await socket(0);
  const page = [message(8, 8), message(9, 9, own), message(10, 10, { senderId: null })];
  // Two unread messages are before number 8, the first one loaded.
  first.say(hello(10, 3), sync(10, page));
  expect(conversation.unread).toBe(3);
  first.say(created(11, 11), created(12, 12, own), created(13, 13));
  expect(conversation.unread).toBe(5);
  first.say(created(13, 14, { deletedAt: READ_AT, content: "" }));
  expect(conversation.unread).toBe(4);
  first.say(read(15, 8, 8), read(16, 11, 11, "you"));
  expect(conversation.unread).toBe(3);
  first.say(read(17, 5, 5));
  expect(conversation.unread).toBe(2);
  first.say(read(18, 1, 4), read(19, 6, 7), read(20, 9, 13));
  expect(conversation.unread).toBe(0);
  sockets[0]?.end(1006);
  await vi.advanceTimersByTimeAsync(1_000);
  (await socket(1)).say(hello(21, 1), sync(21, [message(14, 21)]));
  expect(conversation.unread).toBe(1);
});

test("an iterator returns all events, buffers them until they are taken, and ends with the conversation", async () => {
  const { conversation, sockets, socket } = connected();
  (await socket(0)).greet();
  const texts: string[] = [];
  const listening = (async () => {
    for await (const event of conversation) {
      if (event.type === "message") texts.push(event.message.content);
    }
  })();
  sockets[0]?.say(created(1, 1), created(2, 2));
  sockets[0]?.say(created(3, 3));
  sockets[0]?.end(4403, "no longer a member");
  await listening;
  expect(texts).toEqual(["1", "2", "3"]);
  for await (const _ of conversation) throw new Error("nothing is left to be heard");
});

test("typing expires, and presence is updated", async () => {
  const { conversation, sockets, socket } = connected();
  (await socket(0)).greet();
  const typing = { type: "typing", userId: "you", active: true, expiresInMs: 6_000 } as const;
  sockets[0]?.say(typing, {
    ...{ type: "presence", userId: "you", online: true },
    lastSeenAt: READ_AT,
  });
  expect(conversation.typing).toEqual(["you"]);
  expect([...conversation.online]).toEqual(["me", "you"]);
  vi.setSystemTime(Date.now() + 6_001);
  expect(conversation.typing).toEqual([]);
});
