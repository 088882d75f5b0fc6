import { evictDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { expect, onTestFinished, test } from "vitest";
import { type Caller, directPair, ORIGIN, objectOf, openLive } from "../support.ts";
import { acked } from "./answer.ts";

test("a client's close frame is answered with a close frame with the same code", async () => {
  const { alice, conversationId } = await directPair();
  for (const [code, answered] of [
    [1000, 1000],
    // The code that a browser sends when its page is closed.
    [1001, 1001],
    [4000, 4000],
  ] as const) {
    const socket = await openLive(alice, conversationId);
    socket.close(code);
    expect((await socket.closed).code).toBe(answered);
  }
});

test("a close frame without a code is answered", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openLive(alice, conversationId);
  socket.close();
  expect((await socket.closed).code).not.toBe(1006);
});

/** A client that never answers a close frame, like a vanished tab or a hostile client. */
async function stubborn(caller: Caller, conversationId: string) {
  const response = await exports.default.fetch(
    new Request(`${ORIGIN}/live/${conversationId}`, {
      headers: { Upgrade: "websocket", Authorization: `Bearer ${caller.token}` },
    }),
  );
  const socket = response.webSocket;
  if (!socket) throw new Error("no socket");
  socket.accept({ allowHalfOpen: true });
  const closed = new Promise<number>((resolve) => {
    socket.addEventListener("close", ({ code }) => resolve(code));
  });
  onTestFinished(() => socket.close());
  return { socket, closed };
}

test("a client that was closed for abuse and does not close its side stays disconnected, also after the object sleeps", async () => {
  const { alice, bob, conversationId } = await directPair();
  const { socket, closed } = await stubborn(alice, conversationId);
  for (let i = 0; i < 10; i++) socket.send("nonsense");
  expect(await closed).toBe(4400);
  const b = await openLive(bob, conversationId);
  await evictDurableObject(objectOf(conversationId));
  const phone = await openLive(bob, conversationId);
  expect(phone.all("hello")[0]?.online).toEqual([bob.userId]);
  socket.send(JSON.stringify({ op: "typing", active: true }));
  socket.send(JSON.stringify({ op: "send", content: "still here" }));
  await acked(b, { op: "send", content: "who is there?" });
  await acked(b, { op: "send", content: "nobody" });
  expect(b.all("message").map(({ message }) => message.senderId)).toEqual([bob.userId, bob.userId]);
  expect(b.all("typing")).toEqual([]);
  expect(b.all("presence")).toEqual([]);
});

test("frames of a client that was closed for abuse are ignored while the object is awake", async () => {
  const { alice, bob, conversationId } = await directPair();
  const b = await openLive(bob, conversationId);
  const { socket, closed } = await stubborn(alice, conversationId);
  await b.next("presence");
  for (let i = 0; i < 10; i++) socket.send("nonsense");
  expect(await closed).toBe(4400);
  expect((await b.next("presence")).online).toBe(false);
  socket.send(JSON.stringify({ op: "typing", active: true }));
  socket.send(JSON.stringify({ op: "send", content: "still here" }));
  await acked(b, { op: "send", content: "who is there?" });
  await acked(b, { op: "send", content: "nobody" });
  expect(b.all("message").length).toBe(2);
  expect(b.all("typing")).toEqual([]);
});
