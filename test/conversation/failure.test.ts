import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { directPair, objectOf, open, openLive, send } from "../support.ts";

/** Makes a conversation's storage reject matching statements, until mocks are restored. */
function refuse(conversationId: string, matches: (query: string, bindings: unknown[]) => boolean) {
  return runInDurableObject(objectOf(conversationId), (_, { storage }) => {
    const { sql } = storage;
    const exec = sql.exec.bind(sql);
    vi.spyOn(sql, "exec").mockImplementation((query, ...bindings) => {
      if (matches(query, bindings)) throw new Error("the disk said no");
      return exec(query, ...bindings) as ReturnType<typeof sql.exec<never>>;
    });
  });
}

test("a failing command in a group commit changes nothing and does not affect the others", async () => {
  const { alice, bob, conversationId } = await directPair();
  const a = await openLive(alice, conversationId);
  const b = await openLive(bob, conversationId);
  await refuse(conversationId, (query, bindings) =>
    query.startsWith("INSERT INTO messages") ? bindings.includes("poison") : false,
  );
  const contents = ["one", "two", "poison", "three", "four"];
  for (const [id, content] of contents.entries()) a.send({ op: "send", id, content });
  await a.until(() => a.all("ack").length + a.all("error").length === 5);
  vi.restoreAllMocks();
  expect(a.all("error")).toMatchObject([{ id: 2, code: "internal" }]);
  expect(a.all("ack").map((ack) => ack.id)).toEqual([0, 1, 3, 4]);
  const revs = a.all("ack").map((ack) => ack.rev);
  expect(revs).toEqual(revs.map((_, i) => (revs[0] ?? 0) + i));
  await b.until(() => b.all("message").length === 4);
  expect(b.all("message").map((event) => event.message.number)).toEqual([1, 2, 3, 4]);

  const { body } = await bob.get(`/api/v1/chat/messages?conversationId=${conversationId}`);
  expect(body.items.map((item: { content: string }) => item.content)).toEqual([
    "four",
    "three",
    "two",
    "one",
  ]);
});

test("when the whole transaction throws, no command is acknowledged, and the next command succeeds", async () => {
  const { alice, bob, conversationId } = await directPair();
  const a = await openLive(alice, conversationId);
  await send(alice, conversationId, "before");
  const synced = (await a.next("message")).rev;
  await refuse(conversationId, (query) => query.startsWith("UPDATE counters"));
  a.send({ op: "send", id: "lost", content: "never stored" });
  const answer = await send(bob, conversationId, "never stored either");
  expect(answer.status).toBeGreaterThanOrEqual(500);
  expect(JSON.stringify(answer.body)).not.toContain("disk");
  await a.closed;
  vi.restoreAllMocks();
  expect(a.all("ack")).toEqual([]);
  expect(a.all("message").length).toBe(1);

  const again = await send(alice, conversationId, "after");
  expect(again.status).toBe(201);
  const b = await open(bob, conversationId, `?since=${synced}`);
  const sync = await b.next("sync");
  expect(sync.messages.map((message) => [message.number, message.content])).toEqual([[2, "after"]]);
});

test("after a failure, the state in memory is the same as in storage after an eviction", async () => {
  const { alice, conversationId } = await directPair();
  const a = await openLive(alice, conversationId);
  await refuse(conversationId, (query, bindings) =>
    query.startsWith("INSERT INTO messages") ? bindings.includes("poison") : false,
  );
  a.send({ op: "send", id: 1, content: "poison" });
  a.send({ op: "send", id: 2, content: "good" });
  await a.next("ack");
  vi.restoreAllMocks();
  const hello = async () => (await (await open(alice, conversationId)).next("hello")).rev;
  const inMemory = await hello();
  await evictDurableObject(objectOf(conversationId));
  expect(await hello()).toBe(inMemory);
});
