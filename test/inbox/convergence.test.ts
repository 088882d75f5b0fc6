import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { Inbox } from "../../src/index.ts";
import { backToStep } from "../conversation/older-schema.ts";
import {
  type Caller,
  directPair,
  evict,
  fireAlarms,
  groupOf,
  objectOf,
  person,
  send,
} from "../support.ts";
import { expectSameAsList, inboxOf, openInbox, openListed } from "./replica.ts";

/** The inbox of a connected client becomes the list that REST gives, whatever failed before. */

afterEach(() => void vi.restoreAllMocks());

/** Aborts an object: its memory is lost, and its sockets are. */
function abort(object: { kind: "conversation"; id: string } | { kind: "inbox"; of: Caller }) {
  const stub = object.kind === "inbox" ? inboxOf(object.of) : objectOf(object.id);
  return runInDurableObject(stub, (_, ctx) => ctx.abort("test")).catch(() => undefined);
}

test("a call that fails is repeated, and delays no commit", async () => {
  const { alice, bob, conversationId } = await directPair();
  const inbox = await openListed(alice);
  const update = vi.spyOn(Inbox.prototype, "update");
  update.mockImplementationOnce(() => {
    throw new Error("out of order");
  });
  await send(bob, conversationId, "one");
  await vi.waitFor(() => expect(update).toHaveBeenCalled());
  await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
  expect(update.mock.calls.length).toBeGreaterThanOrEqual(2);
  await expectSameAsList(alice, inbox);
});

test("a call that is never answered delays no commit, and is repeated", async () => {
  const { alice, bob, conversationId } = await directPair();
  const inbox = await openListed(alice);
  await send(bob, conversationId, "before");
  await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
  const { promise } = Promise.withResolvers<never>();
  const update = vi.spyOn(Inbox.prototype, "update");
  // The type of an answer that comes too late.
  update.mockImplementationOnce(() => promise as never);
  await send(bob, conversationId, "one");
  await vi.waitFor(() => expect(update).toHaveBeenCalled());
  expect((await send(bob, conversationId, "two")).status).toBe(201);
  await inbox.until(() => inbox.entry(conversationId)?.lastMessage?.content === "two");
  await expectSameAsList(alice, inbox);
});

test("a conversation that crashes before it has called the inbox calls it when its alarm fires", async () => {
  const { alice, bob, conversationId } = await directPair();
  const inbox = await openListed(alice);
  await send(bob, conversationId, "before");
  await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
  await fireAlarms(conversationId);
  await runInDurableObject(objectOf(conversationId), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: replaces a private method
    const { inboxes } = (object as any).open;
    inboxes.deliver = () => undefined;
  });
  await send(bob, conversationId, "lost with the object");
  await abort({ kind: "conversation", id: conversationId });
  await fireAlarms(conversationId);
  await inbox.until(() => inbox.entry(conversationId)?.unread === 2);
  await expectSameAsList(alice, inbox);
});

test("an evicted conversation knows whom to call; with nothing missed, a read calls nobody else", async () => {
  const people = await Promise.all(["alice", "bob", "carol"].map((name) => person(name)));
  const [alice, bob, carol] = people;
  if (!alice || !bob || !carol) throw new Error("three people");
  const group = await groupOf(alice, bob, carol);
  const inboxes = await Promise.all(people.map(openListed));
  await send(bob, group, "one");
  for (const inbox of inboxes) {
    await inbox.until(() => inbox.entry(group)?.lastMessage?.content === "one");
  }
  await fireAlarms(group);
  await evict(group);
  const update = vi.spyOn(Inbox.prototype, "update");
  inboxes[0]?.send({ op: "read", conversationId: group });
  await inboxes[0]?.until(() => inboxes[0]?.entry(group)?.unread === 0);
  await fireAlarms(group);
  expect(update.mock.calls.length).toBe(1);
  await evict(group);
  await send(bob, group, "two");
  for (const [i, inbox] of inboxes.entries()) {
    await inbox.until(() => inbox.entry(group)?.lastMessage?.content === "two");
    await expectSameAsList(people[i] as Caller, inbox);
  }
});

test("an inbox that is evicted keeps its sockets; one that is aborted is read again", async () => {
  const { alice, bob, conversationId } = await directPair();
  const inbox = await openListed(alice);
  await evictDurableObject(inboxOf(alice));
  await send(bob, conversationId, "asleep");
  await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
  await abort({ kind: "inbox", of: alice });
  await inbox.closed;
  await send(bob, conversationId, "gone");
  const again = await openListed(alice);
  await again.until(() => again.entry(conversationId)?.unread === 2);
  await expectSameAsList(alice, again);
});

test("removed while away, added again while away, removed while connected", async () => {
  const [alice, bob, carol] = await Promise.all([person("alice"), person("bob"), person("carol")]);
  const group = await groupOf(bob, alice, carol);
  const participants = `/api/v1/chat/conversations/${group}/participants`;
  const first = await openListed(alice);
  expect(first.entry(group)).toBeDefined();
  first.close();
  await bob.delete(`${participants}/${alice.userId}`);
  const second = await openListed(alice);
  await second.until(() => second.entry(group) === undefined);
  second.close();
  await bob.post(participants, { participantId: alice.userId });
  await send(bob, group, "welcome back");
  const third = await openListed(alice);
  await third.until(() => third.entry(group)?.unread === 1);
  await bob.delete(`${participants}/${alice.userId}`);
  await third.until(() => third.entry(group) === undefined);
  await bob.post(participants, { participantId: alice.userId });
  await third.until(() => third.entry(group) !== undefined);
  await send(bob, group, "and again");
  await third.until(() => third.entry(group)?.lastMessage?.content === "and again");
  await expectSameAsList(alice, third);
});

test("while D1 is down, what is live goes on; the list comes when D1 does", async () => {
  const { alice, bob, conversationId } = await directPair();
  const inbox = await openListed(alice);
  vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1_ERROR: out of order"));
  vi.spyOn(env.DB, "withSession").mockImplementation(() => {
    throw new Error("D1_ERROR: out of order");
  });
  await send(bob, conversationId, "live");
  await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
  const other = await openInbox(alice);
  await other.until(() => other.events.some(({ type }) => type === "error"));
  expect(other.events).toMatchObject([{ type: "hello" }, { code: "unavailable" }]);
  await send(bob, conversationId, "live too");
  await other.until(() => other.entry(conversationId)?.unread === 2);
  vi.restoreAllMocks();
  other.send({ op: "list" });
  await other.listed();
  await fireAlarms(conversationId);
  await expectSameAsList(alice, other);
});

test("a socket that opens while D1 lacks what the inbox was told of before", async () => {
  const { alice, bob, conversationId } = await directPair();
  const inbox = await openListed(alice);
  // D1 hangs: its list is old, but can be read.
  const { promise, reject } = await runInDurableObject(objectOf(conversationId), () =>
    Promise.withResolvers<never>(),
  );
  const batch = vi.spyOn(env.DB, "batch").mockReturnValue(promise);
  void send(bob, conversationId, "one");
  await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
  const second = await openListed(alice);
  expect(second.entry(conversationId)?.unread).toBe(1);
  // It fails, and the inbox forgets: the conversation calls again when D1 has caught up.
  await runInDurableObject(objectOf(conversationId), () => reject(new Error("D1_ERROR: gone")));
  batch.mockRejectedValue(new Error("D1_ERROR: out of order"));
  await evictDurableObject(inboxOf(alice));
  const third = await openListed(alice);
  expect(third.entry(conversationId)?.unread).toBe(0);
  batch.mockRestore();
  await fireAlarms(conversationId);
  await third.until(() => third.entry(conversationId)?.unread === 1);
  await expectSameAsList(alice, third);
});

test("members of a conversation that was stored before are told of the next commit, and then rest", async () => {
  const { alice, bob, conversationId } = await directPair();
  await runInDurableObject(objectOf(conversationId), (_, { storage: { sql } }) => {
    backToStep(sql, 6);
  });
  await runInDurableObject(inboxOf(alice), (_, { storage }) => storage.deleteAll());
  await evictDurableObject(inboxOf(alice));
  await evict(conversationId);
  const inbox = await openListed(alice);
  await send(bob, conversationId, "first");
  await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
  await expectSameAsList(alice, inbox);
});
