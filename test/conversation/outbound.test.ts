import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { OpenConversation } from "../../src/conversation/open.ts";
import { CHECK_AFTER_MS } from "../../src/conversation/outbound/alarms.ts";
import type { Consumer, PushedCommit } from "../../src/conversation/outbound/consumer.ts";
import { changesSince } from "../../src/conversation/tables/changes.ts";
import { Hub } from "../gateway/line.ts";
import { type Caller, directPair, objectOf, openLive, type Socket, send } from "../support.ts";
import { counting } from "./counters.ts";

/** Consumers of committed changes: one that fails affects no other, and loses nothing. */

let alice: Caller;
let bob: Caller;
let conversationId: string;
let live: Socket;
let hub: Hub;

beforeEach(async () => {
  ({ alice, bob, conversationId } = await directPair());
  live = await openLive(bob, conversationId);
  hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
});
afterEach(() => void vi.restoreAllMocks());

/** Does something in the object with what it has open. */
function within<T>(action: (open: OpenConversation, storage: DurableObjectStorage) => T) {
  return runInDurableObject(objectOf(conversationId), (object, { storage }) =>
    // biome-ignore lint/suspicious/noExplicitAny: the open conversation is the object's own
    action((object as any).open, storage),
  );
}

const fire = () => runDurableObjectAlarm(objectOf(conversationId));
const alarmAt = () => within((_, storage) => storage.getAlarm());
const broken = () => {
  throw new Error("a bug");
};

const onSocket = (socket: Socket) => socket.all("message").map(({ message }) => message.content);
const onHub = () => hub.all("ReceiveMessage").map(({ content }) => content);
async function inInbox() {
  const { body } = await bob.get("/api/v1/chat/conversations");
  return body[0].lastMessage?.content;
}

/** The consumers that logged a failure in this conversation since the log was watched. */
function failures(): () => string[] {
  const logged = vi.spyOn(console, "log");
  return () =>
    logged.mock.calls
      .map(([line]) => JSON.parse(String(line)))
      .filter((one) => one.event === "consumer_failed" && one.conversationId === conversationId)
      .map(({ consumer }) => consumer);
}

/** Everybody has the messages in the end; a socket that was closed resumes. */
async function expectEverywhere(contents: string[]): Promise<void> {
  await fire();
  const since = live.all("sync")[0]?.to ?? 0;
  const resumed = await openLive(bob, conversationId, `?since=${since}`);
  const [sync] = resumed.all("sync");
  expect(sync?.messages.map(({ content }) => content)).toEqual(contents);
  await hub.until("ReceiveMessage", contents.length);
  expect(onHub()).toEqual(contents);
  await vi.waitFor(async () => expect(await inInbox()).toBe(contents.at(-1)));
}

test.each([
  ["sockets", ({ sessions }: OpenConversation) => vi.spyOn(sessions, "deliver")],
  ["gateways", ({ subscribers }: OpenConversation) => vi.spyOn(subscribers, "committed")],
  ["projection", ({ projector }: OpenConversation) => vi.spyOn(projector, "committed")],
])("an exception in %s leaves an alarm and an answer, and loses nothing", async (name, spy) => {
  const failed = failures();
  await within((open) => void spy(open).mockImplementationOnce(broken as () => never));
  expect((await send(alice, conversationId, "one")).status).toBe(201);
  expect(await alarmAt()).toBeLessThanOrEqual(Date.now() + CHECK_AFTER_MS);
  expect(failed()).toEqual([name]);
  if (name === "sockets") {
    // It would not notice otherwise that it has missed something.
    expect((await live.closed).code).toBe(1012);
  } else {
    await live.until(() => onSocket(live).length === 1);
  }
  expect((await send(alice, conversationId, "two")).status).toBe(201);
  await expectEverywhere(["one", "two"]);
  expect(failed()).toEqual([name]);
});

test.each(
  ["sockets", "gateways", "projection"].flatMap((name) => [
    [name, "alarm"] as const,
    [name, "commit"] as const,
  ]),
)("%s: a commit that was not delivered at all is found with the next %s", async (name, next) => {
  await within(({ outbound }) => {
    const { consumers } = outbound as unknown as { consumers: Consumer[] };
    const consumer = consumers.find((one) => one.name === name);
    if (consumer) vi.spyOn(consumer, "deliver").mockImplementationOnce(broken);
  });
  expect((await send(alice, conversationId, "one")).status).toBe(201);
  if (next === "alarm") await fire();
  expect((await send(alice, conversationId, "two")).status).toBe(201);
  await hub.until("ReceiveMessage", 2);
  if (name === "sockets") {
    expect((await live.closed).code).toBe(1012);
    expect(onSocket(live)).toEqual([]);
  }
  await expectEverywhere(["one", "two"]);
});

test("events that cannot be prepared are missed by sockets and gateways alone, and not lost", async () => {
  const failed = failures();
  const acting = await openLive(alice, conversationId);
  await within((open) => {
    const { outbound } = open as unknown as { outbound: { options: { prepare: () => unknown } } };
    vi.spyOn(outbound.options, "prepare")
      .mockImplementationOnce(broken)
      .mockImplementationOnce(broken);
  });
  acting.send({ op: "send", id: 1, content: "one", clientMessageId: "key" });
  // A command of a socket is answered by its end: the client sends it again.
  expect((await acting.closed).code).toBe(1012);
  expect(failed()).toEqual(["sockets", "gateways"]);
  const again = await openLive(alice, conversationId);
  again.send({ op: "send", id: 2, content: "one", clientMessageId: "key" });
  expect(await again.next("ack")).toMatchObject({ id: 2, deduplicated: true });
  await expectEverywhere(["one"]);
});

test("answers to commands that changed nothing and cannot be sent end their socket", async () => {
  await within(({ sessions }) => void vi.spyOn(sessions, "deliver").mockImplementationOnce(broken));
  live.send({ op: "delete", id: 1, messageId: "none" });
  expect((await live.closed).code).toBe(1012);
});

test("one socket that cannot be sent to is closed, and the others have the event", async () => {
  const other = await openLive(alice, conversationId);
  await within(({ sessions }) => {
    for (const { socket } of sessions.ofUser(bob.userId)) {
      vi.spyOn(socket, "send").mockImplementation(broken);
    }
  });
  expect((await send(alice, conversationId, "one")).status).toBe(201);
  await other.until(() => onSocket(other).length === 1);
  expect((await live.closed).code).toBe(1012);
  await expectEverywhere(["one"]);
});

test("somebody removed in a commit that gateways missed gets nothing more by them", async () => {
  const { subscribers } = await within((open) => ({ subscribers: open.subscribers.userIds() }));
  expect(subscribers).toEqual([alice.userId]);
  await within((open) => {
    vi.spyOn(open.subscribers, "committed").mockImplementationOnce(broken);
    // A direct conversation cannot be left: this simulates it.
    open.sql.exec("UPDATE members SET left_at = 1 WHERE user_id = ?", alice.userId);
    open.memory.members.clear();
  });
  expect((await send(bob, conversationId, "one")).status).toBe(201);
  expect((await send(bob, conversationId, "among ourselves")).status).toBe(201);
  await fire();
  await vi.waitFor(() => expect(hub.all("ParticipantRemoved")).toHaveLength(1));
  expect(onHub()).toEqual([]);
  expect(await within(({ subscribers }) => subscribers.userIds())).toEqual([]);
});

/** A consumer as a developer would write one: the contents of messages, in order of revision. */
class ContentIndex implements Consumer {
  readonly name = "index";
  readonly stage = "background";
  readonly contents: string[] = [];
  readonly pushed: (readonly [from: number, to: number])[] = [];
  cursor: number;
  /** What happens to it instead of what should. */
  trouble: "fails" | "lags" | "hangs" | undefined;
  catchUps = 0;
  private readonly open: OpenConversation;

  constructor(open: OpenConversation) {
    this.open = open;
    this.cursor = open.memory.counters.rev;
  }

  deliver({ from, to, changes }: PushedCommit): void {
    this.pushed.push([from, to]);
    if (this.trouble === "fails") throw new Error("the index is full");
    if (this.trouble || from !== this.cursor) return;
    for (const change of changes) if (change.type === "message") this.take(change.message.content);
    this.cursor = to;
  }

  async catchUp(): Promise<void> {
    this.catchUps++;
    if (this.trouble === "fails") throw new Error("the index is full");
    if (this.trouble === "hangs") await new Promise(() => undefined);
    if (this.trouble) return;
    const { sql, memory } = this.open;
    if (this.cursor === memory.counters.rev) return;
    const changes = changesSince(sql, memory.conversation, memory.counters, this.cursor);
    for (const row of changes.rows) if (row.type === "message") this.take(row.message.content);
    this.cursor = changes.to;
  }

  private take(content: string): void {
    this.contents.push(content);
  }
}

/** Adds it to the running conversation, by the registration that the others are added by. */
function withIndex(): Promise<ContentIndex> {
  return within((open) => {
    const index = new ContentIndex(open);
    open.outbound.add(index);
    return index;
  });
}

test("a fourth consumer gets every commit with its range, at no row", async () => {
  await send(alice, conversationId, "first");
  await fire();
  const cost = (content: string) =>
    counting(conversationId, async () => {
      await send(alice, conversationId, content);
      await fire();
      expect(await alarmAt()).toBeNull();
    });
  const { d1RowsRead: _, ...without } = await cost("before");
  const index = await withIndex();
  const start = index.cursor;
  const { d1RowsRead: __, ...withIt } = await cost("one");
  expect(withIt).toEqual(without);
  await send(alice, conversationId, "two");
  expect(index.contents).toEqual(["one", "two"]);
  expect(index.pushed).toEqual([
    [start, start + 1],
    [start + 1, start + 2],
  ]);
});

test.each(["fails", "lags", "hangs"] as const)(
  "a fourth consumer that %s is noticed by nobody, and catches up once it does not",
  async (trouble) => {
    const failed = failures();
    const index = await withIndex();
    const start = index.cursor;
    index.trouble = trouble;
    const all = ["one", "two", "three"];
    for (const content of all) {
      const counted = await counting(conversationId, () => send(alice, conversationId, content));
      expect(counted.rowsWritten).toBeLessThanOrEqual(3);
      expect(counted.alarms).toBeLessThanOrEqual(1);
    }
    await live.until(() => onSocket(live).length === 3);
    await hub.until("ReceiveMessage", 3);
    expect([onSocket(live), onHub(), await inInbox()]).toEqual([all, all, "three"]);
    if (trouble === "hangs") {
      void runInDurableObject(objectOf(conversationId), (object) => object.alarm());
      await vi.waitFor(() => expect(index.catchUps).toBe(1));
    } else {
      await fire();
    }
    expect([index.cursor, index.contents]).toEqual([start, []]);
    expect(failed().length > 0).toBe(trouble === "fails");
    // It is retried, and the others do not wait for that.
    if (trouble !== "hangs") expect(await alarmAt()).not.toBeNull();
    await send(alice, conversationId, "four");
    await hub.until("ReceiveMessage", 4);
    expect(await alarmAt()).toBeLessThanOrEqual(Date.now() + CHECK_AFTER_MS);
    index.trouble = undefined;
    if (trouble === "hangs") return;
    await vi.waitFor(async () => {
      await fire();
      expect(index.contents).toEqual([...all, "four"]);
    });
    await send(alice, conversationId, "five");
    expect(index.contents).toEqual([...all, "four", "five"]);
  },
);

test("after a crash every consumer is run by the stored alarm", async () => {
  await within(({ projector }) => void vi.spyOn(projector, "reached").mockResolvedValue(false));
  await send(alice, conversationId, "one");
  await evictDurableObject(objectOf(conversationId));
  const index = await withIndex();
  await fire();
  expect(index.catchUps).toBe(1);
  expect(await inInbox()).toBe("one");
});
