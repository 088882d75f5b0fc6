import { abortAllDurableObjects, evictDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { directPair, objectOf, openLive } from "../support.ts";
import { acked } from "./answer.ts";
import { replicaOf } from "./replica.ts";

/** A pair, Alice's socket, and Bob's, which has received three messages. */
async function started() {
  const pair = await directPair();
  const a = await openLive(pair.alice, pair.conversationId);
  const b = await openLive(pair.bob, pair.conversationId);
  const ids: string[] = [];
  for (const content of ["one", "two", "three"]) {
    ids.push((await acked(a, { op: "send", content })).messageId ?? "");
  }
  await b.until(() => b.all("message").length === 3);
  return { ...pair, a, b, ids };
}

test("the first sync has all missed messages, edits, deletions and reads, and nothing else", async () => {
  const { bob, conversationId, a, b, ids } = await started();
  const replica = replicaOf(b.events);
  b.close();
  await a.next("presence", ({ online }) => !online);
  await acked(a, { op: "edit", messageId: ids[0], content: "first" });
  await acked(a, { op: "delete", messageId: ids[1] });
  await acked(a, { op: "send", content: "four" });
  await evictDurableObject(objectOf(conversationId));
  const phone = await openLive(bob, conversationId);
  const { rev } = await acked(phone, { op: "read", messageIds: [ids[2]] });

  const back = await openLive(bob, conversationId, `?since=${replica.rev}&epoch=${replica.epoch}`);
  const [sync] = back.all("sync");
  expect(sync).toMatchObject({ from: 6, to: rev, more: false, members: [], conversation: null });
  expect(sync?.messages.map(({ number, rev, content }) => [number, rev, content])).toEqual([
    [1, 7, "first"],
    [2, 8, ""],
    [4, 9, "four"],
  ]);
  expect(sync?.messages[1]?.deletedAt).not.toBeNull();
  expect(sync?.reads.map(({ userId, from, to }) => [userId, from, to])).toEqual([
    [bob.userId, 3, 3],
  ]);
  expect(sync).not.toHaveProperty("reset");
  const afresh = await openLive(bob, conversationId);
  const { messages, reads } = replicaOf(back.events, replica).state;
  expect({ messages, reads }).toEqual({
    messages: replicaOf(afresh.events).state.messages,
    reads: replicaOf(afresh.events).state.reads,
  });
});

test("a crash closes the sockets, and loses nothing that was acknowledged", async () => {
  const { alice, bob, conversationId, a, b } = await started();
  const replica = replicaOf(b.events);
  for (let i = 0; i < 50; i++) a.send({ op: "send", content: `${i}`, clientMessageId: `k${i}` });
  await a.until(() => a.all("ack").length >= 3 + 10);
  await abortAllDurableObjects();
  await Promise.all([a.closed, b.closed]);
  const acked = new Set(a.all("ack").map(({ messageId }) => messageId));
  const query = `?since=${replica.rev}&epoch=${replica.epoch}`;
  const back = await openLive(bob, conversationId, query);
  for (const message of back.all("sync")[0]?.messages ?? []) acked.delete(message.id);
  expect([...acked]).toEqual(
    a
      .all("ack")
      .slice(0, 3)
      .map(({ messageId }) => messageId),
  );
  // A client that got no ack sends again, and nothing is duplicated.
  const again = await openLive(alice, conversationId);
  for (let i = 0; i < 50; i++)
    again.send({ op: "send", content: `${i}`, clientMessageId: `k${i}` });
  await again.until(() => again.all("ack").length === 50);
  await back.until(() => replicaOf(back.events).messages.size === 50);
  const contents = replicaOf(back.events).state.messages.map(({ content }) => content);
  expect(new Set(contents).size).toBe(50);
});

test("since the newest revision: an empty page, and the socket is live", async () => {
  const { bob, conversationId, a, b } = await started();
  const replica = replicaOf(b.events);
  const back = await openLive(bob, conversationId, `?since=${replica.rev}&epoch=${replica.epoch}`);
  expect(back.all("sync")).toEqual([
    {
      ...{ type: "sync", from: 6, to: 6, messages: [], members: [], reads: [] },
      ...{ conversation: null, more: false },
    },
  ]);
  await acked(a, { op: "send", content: "four" });
  expect((await back.next("message")).message.number).toBe(4);
});

test("since without an epoch is treated as of the current epoch", async () => {
  const { bob, conversationId } = await started();
  const back = await openLive(bob, conversationId, "?since=5");
  expect(back.all("sync")[0]?.messages.map(({ number }) => number)).toEqual([3]);
});

test("since=0 returns everything", async () => {
  const { bob, conversationId, b } = await started();
  const { epoch, state } = replicaOf(b.events);
  const back = await openLive(bob, conversationId, `?since=0&epoch=${epoch}`);
  expect(replicaOf(back.events).state).toEqual(state);
  expect(back.all("sync")[0]?.conversation?.rev).toBe(1);
});

test.each([
  ["another epoch", "?since=3&epoch=00m0000000aaaaaaaaaa"],
  ["an empty epoch", "?since=3&epoch="],
  ["beyond the newest revision", "?since=7"],
  ["far beyond the newest revision", "?since=999999999999999"],
  ["beyond safe integers", "?since=99999999999999999999999"],
])("%s: a first visit, with reset", async (_, query) => {
  const { bob, conversationId, b } = await started();
  const back = await openLive(bob, conversationId, query);
  const [first] = (await openLive(bob, conversationId)).all("sync");
  expect(back.all("sync")).toEqual([{ ...first, reset: true, unread: 3 }]);
  expect(first?.messages).toEqual(b.all("message").map(({ message }) => message));
});

test("a sync beyond the newest revision, over an open socket, is answered with reset", async () => {
  const { b } = await started();
  b.send({ op: "sync", id: 1, since: 7 });
  expect(await b.next("sync")).toMatchObject({ id: 1, reset: true, from: 0, to: 6, more: false });
});

test.each(["?since=", "?since=-1", "?since=1.5", "?since=x", "?epoch=x", "?since=%00"])(
  "%s is a first visit",
  async (query) => {
    const { bob, conversationId } = await started();
    const back = await openLive(bob, conversationId, query);
    const [first] = (await openLive(bob, conversationId)).all("sync");
    expect(back.all("sync")).toEqual([first]);
  },
);
