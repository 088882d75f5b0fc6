import { evictDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { directPair, objectOf, openLive, send } from "../support.ts";

test("a message reaches every socket once, in the same order as in the history", async () => {
  const { alice, bob, conversationId } = await directPair();
  const sockets = await Promise.all([
    openLive(alice, conversationId),
    openLive(bob, conversationId),
  ]);
  const [a, b] = sockets;
  await Promise.all(
    Array.from({ length: 30 }, (_, i) =>
      i % 3 === 0
        ? send(bob, conversationId, `rest ${i}`)
        : (i % 3 === 1 ? a : b).send({ op: "send", id: i, content: `socket ${i}` }),
    ),
  );
  for (const socket of sockets) {
    await socket.until(() => socket.all("message").length === 30);
    expect(socket.all("message").map((event) => event.message.number)).toEqual(
      Array.from({ length: 30 }, (_, i) => i + 1),
    );
  }
  expect(a.all("message")).toEqual(b.all("message"));
  const { body } = await alice.get(
    `/api/v1/chat/messages?conversationId=${conversationId}&pageSize=100`,
  );
  expect(body.items.map((item: { content: string }) => item.content).reverse()).toEqual(
    a.all("message").map((event) => event.message.content),
  );
});

test("clients notice nothing when the object sleeps between two messages", async () => {
  const { alice, bob, conversationId } = await directPair();
  const a = await openLive(alice, conversationId);
  const b = await openLive(bob, conversationId);
  a.send({ op: "send", id: 1, content: "before" });
  await b.next("message");
  await evictDurableObject(objectOf(conversationId));
  b.send({ op: "send", id: "x", content: "after" });
  const heard = await a.next("message", (event) => event.message.content === "after");
  expect(heard.message.number).toBe(2);
  expect(await b.next("ack")).toEqual({
    type: "ack",
    id: "x",
    rev: heard.rev,
    messageId: heard.message.id,
    remaining: 99,
  });
});
