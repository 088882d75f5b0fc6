import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Conversation } from "../../src/client/conversation.ts";
import { idOf, inboxHello, inboxOf, page } from "./fake-inbox.ts";
import { CONVERSATION, created, type FakeSocket, hello, message, sync } from "./fake-server.ts";

/** Conversations over the socket of an inbox, as docs/protocol.md describes it. */

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function wrapped(event: object, id?: unknown) {
  return { type: "conversation", conversationId: CONVERSATION, event, ...(id ? { id } : {}) };
}

function closed(code: number, reason: string, id?: unknown) {
  return {
    ...{ type: "closed", conversationId: CONVERSATION, code, reason },
    ...(id ? { id } : {}),
  };
}

/** The newest command with this `op`. */
function asked(socket: FakeSocket, op: string): Record<string, unknown> {
  const found = socket.asked.findLast((frame) => frame["op"] === op);
  if (!found) throw new Error(`no ${op}`);
  return found;
}

/** Answers the newest `open` with a complete page. */
function answer(socket: FakeSocket, rev = 0, messages = [message(1, 1)]): void {
  const { id } = asked(socket, "open");
  socket.say(wrapped(hello(rev), id), wrapped(sync(rev, messages)));
}

/** A conversation that is live over an inbox. */
async function overInbox() {
  const all = inboxOf();
  const socket = await all.greeted();
  const conversation = all.parley.conversation(CONVERSATION, { over: all.inbox }).connect();
  answer(socket, 4);
  expect(conversation.status.state).toBe("live");
  return { ...all, conversation, first: socket };
}

function contents({ messages }: Conversation): string[] {
  return messages.map(({ content }) => content);
}

test("it is opened once the inbox has its hello, and everything goes over that socket", async () => {
  const { parley, inbox, sockets, socket } = inboxOf();
  const conversation = parley.conversation(CONVERSATION, { over: inbox }).connect();
  const first = await socket(0);
  expect(conversation.status.state).toBe("connecting");
  expect(first.asked).toEqual([]);
  // The list cannot be read: that is no reason not to talk.
  first.say(inboxHello(), {
    type: "error",
    code: "unavailable",
    message: "!",
    retryAfterMs: 9_000,
  });
  expect(first.asked).toEqual([
    { op: "open", conversationId: CONVERSATION, id: expect.any(String) },
  ]);
  answer(first, 4);
  expect([conversation.status.state, inbox.status.state]).toEqual(["live", "connecting"]);
  first.say(wrapped(created(2, 5)));
  expect(contents(conversation)).toEqual(["1", "2"]);
  const sending = conversation.send("hello");
  expect(asked(first, "send")).toMatchObject({ conversationId: CONVERSATION, content: "hello" });
  const { id } = asked(first, "send");
  first.say(wrapped({ type: "ack", id, rev: 6, messageId: "m3" }));
  expect(await sending).toMatchObject({ messageId: "m3" });
  conversation.sayTyping();
  expect(asked(first, "typing")).toEqual({
    ...{ op: "typing", active: true },
    conversationId: CONVERSATION,
  });
  expect(sockets).toHaveLength(1);
});

test("connecting a conversation connects its inbox", async () => {
  const { parley, socket } = inboxOf();
  const inbox = parley.inbox();
  const conversation = parley.conversation(CONVERSATION, { over: inbox }).connect();
  const second = await socket(1);
  second.say(inboxHello(), page([]));
  answer(second);
  expect([inbox.status.state, conversation.status.state]).toEqual(["live", "live"]);
});

test("pages of catching up are requested over the inbox", async () => {
  const { parley, inbox, greeted } = inboxOf();
  const socket = await greeted();
  const conversation = parley.conversation(CONVERSATION, { over: inbox }).connect();
  const { id } = asked(socket, "open");
  socket.say(wrapped(hello(9), id), wrapped(sync(5, [message(1, 5)], { more: true })));
  expect(asked(socket, "sync")).toMatchObject({ since: 5, conversationId: CONVERSATION });
  socket.say(wrapped(sync(9, [message(2, 9)])));
  expect(conversation.status.state).toBe("live");
  expect(contents(conversation)).toEqual(["1", "2"]);
});

test("after a disconnect of the inbox it resumes after its revision and sends again", async () => {
  const { conversation, first, greeted } = await overInbox();
  const sending = conversation.send({ content: "lost?", clientMessageId: "k" });
  first.end(1006, "gone");
  expect(conversation.status).toMatchObject({ state: "offline", retryInMs: 1_000 });
  await vi.advanceTimersByTimeAsync(1_000);
  const second = await greeted(1);
  expect(asked(second, "open")).toMatchObject({ since: 4, epoch: "e1" });
  answer(second, 5, [message(2, 5, { senderId: "me", clientMessageId: "k" })]);
  expect(conversation.status.state).toBe("live");
  expect(contents(conversation)).toEqual(["1", "2"]);
  const { id } = asked(second, "send");
  second.say(wrapped({ type: "ack", id, rev: 5, messageId: "m2", deduplicated: true }));
  expect(await sending).toMatchObject({ messageId: "m2", deduplicated: true });
});

test("`closed` with 1012 opens it again after a wait; the inbox and what is late are not concerned", async () => {
  const { conversation, inbox, first } = await overInbox();
  const before = asked(first, "open")["id"];
  first.say(closed(1012, "moved"));
  expect(conversation.status).toEqual({
    ...{ type: "status", state: "offline", reason: "moved", retryInMs: 1_000 },
  });
  // Nothing more comes of the opening that has ended.
  first.say(wrapped(created(7, 7)));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked(first, "open")).toMatchObject({ since: 4 });
  expect(asked(first, "open")["id"]).not.toBe(before);
  first.say(wrapped(created(8, 8)), closed(1000, "late", before));
  expect(contents(conversation)).toEqual(["1"]);
  answer(first, 5, [message(2, 5)]);
  expect(contents(conversation)).toEqual(["1", "2"]);
  expect([conversation.status.state, inbox.status.state]).toEqual(["live", "live"]);
});

test("4403 and 4404 are final, also as the answer to `open`; 4400 because of many is not", async () => {
  const { parley, conversation, inbox, first } = await overInbox();
  const refused = expect(conversation.send("!")).rejects.toMatchObject({ code: "closed" });
  first.say(closed(4403, "no longer a member"));
  await refused;
  expect(conversation.status).toMatchObject({ state: "closed", code: 4403 });
  const again = parley.conversation(CONVERSATION, { over: inbox }).connect();
  first.say({ ...wrapped({ type: "error", code: "rate_limited", message: "101" }) });
  const { id } = asked(first, "open");
  first.say(
    wrapped({ type: "error", code: "rate_limited", message: "more than 100" }, id),
    closed(4400, "too many"),
  );
  expect(again.status).toMatchObject({ state: "offline", reason: "too many" });
  again.connect();
  first.say(closed(4404, "no such conversation", asked(first, "open")["id"]));
  expect(again.status).toMatchObject({ state: "closed", code: 4404 });
  expect(inbox.status.state).toBe("live");
});

test("an `open` that is refused for its rate, or not answered, is repeated after a wait", async () => {
  const { parley, inbox, greeted } = inboxOf();
  const socket = await greeted();
  const conversation = parley.conversation(CONVERSATION, { over: inbox }).connect();
  const first = asked(socket, "open")["id"];
  socket.say({ type: "error", id: first, code: "rate_limited", message: "slowly" });
  expect(conversation.status).toMatchObject({ state: "offline", reason: "slowly" });
  await vi.advanceTimersByTimeAsync(500);
  expect(asked(socket, "open")["id"]).not.toBe(first);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(conversation.status).toMatchObject({ state: "offline", retryInMs: 1_000 });
  expect(socket.asked.at(-1)).toEqual({ op: "close", conversationId: CONVERSATION });
});

test("close() closes the conversation alone; closing the inbox closes what is open over it", async () => {
  const { parley, conversation, inbox, first } = await overInbox();
  conversation.close();
  expect(first.asked.at(-1)).toEqual({ op: "close", conversationId: CONVERSATION });
  expect([conversation.status.state, inbox.status.state]).toEqual(["closed", "live"]);
  const other = parley.conversation(CONVERSATION, { over: inbox }).connect();
  answer(first);
  const third = parley.conversation(CONVERSATION, { over: inbox }).connect();
  expect(other.status).toMatchObject({ state: "closed", reason: "opened again over this inbox" });
  answer(first);
  inbox.close();
  expect(third.status).toMatchObject({ state: "closed", reason: "closed by the caller" });
  expect(vi.getTimerCount()).toBe(0);
});

test("a read over the inbox of a conversation that is open is answered as that one's", async () => {
  const { inbox, first } = await overInbox();
  const reading = inbox.read(CONVERSATION);
  const { id } = asked(first, "read");
  first.say(wrapped({ type: "ack", id, rev: 5 }));
  await reading;
});

test("many conversations are opened no faster than the server takes commands; texts do not wait", async () => {
  const { parley, inbox, greeted } = inboxOf();
  const socket = await greeted();
  const all = Array.from({ length: 40 }, (_, i) =>
    parley.conversation(idOf(i + 20), { over: inbox }).connect(),
  );
  expect(socket.asked).toHaveLength(10);
  const id = socket.asked[0]?.["id"];
  const events = [hello(0), sync(0)].map((event) => ({ ...wrapped(event, id) }));
  socket.say(...events.map((event) => ({ ...event, conversationId: all[0]?.id })));
  void all[0]?.send("at once").catch(() => undefined);
  expect(socket.asked.splice(-1)).toMatchObject([{ content: "at once" }]);
  expect(socket.sent.pop()).toContain("at once");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(socket.asked).toHaveLength(20);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(socket.asked.map(({ conversationId }) => conversationId)).toEqual(all.map(({ id }) => id));
  socket.end(1006);
  await vi.advanceTimersByTimeAsync(1_000);
  const second = await greeted(1);
  expect(second.asked).toHaveLength(10);
  second.end(1006);
  // What waited for the socket that is gone is not sent over the next one.
  await vi.advanceTimersByTimeAsync(2_000);
  const third = await greeted(2);
  await vi.advanceTimersByTimeAsync(4_000);
  expect(new Set(third.asked.map(({ id }) => id)).size).toBe(40);
  expect(third.asked).toHaveLength(40);
});
