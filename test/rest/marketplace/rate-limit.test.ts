import { evictDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Answer, objectOf, open, person, send as sendByUniHub } from "../../support.ts";
import { CHATS, directChat, expectRefusal, newGroup, remove, send, sent } from "./chats.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: Date.now() }));
afterEach(() => void vi.useRealTimers());

const pass = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);

function remaining({ headers }: Answer): string | null {
  return headers.get("RateLimit-Remaining");
}

describe("429", () => {
  test("for the 21st message within a minute, and not a millisecond longer", async () => {
    const { alice, bob, chatId } = await directChat();
    await send(alice, chatId, "first");
    pass(10_000);
    for (let i = 0; i < 19; i++) expect((await send(alice, chatId, `${i}`)).status).toBe(201);
    const refused = await send(alice, chatId, "one more");
    expectRefusal(refused, 429, "rate_limited");
    expect(refused.headers.get("Retry-After")).toBe("50");
    expect((await send(bob, chatId, "mine are my own")).status).toBe(201);
    pass(49_999);
    expect((await send(alice, chatId, "still too early")).status).toBe(429);
    pass(1);
    expect((await send(alice, chatId, "again")).status).toBe(201);
    expect((await send(alice, chatId, "and no more")).status).toBe(429);
  });

  test("for messages of this API, of UniHub and of sockets together", async () => {
    const { alice, chatId } = await directChat();
    const socket = await open(alice, chatId);
    expect((await socket.next("hello")).limits.messagesPerMinute).toBe(20);
    for (let i = 0; i < 6; i++) {
      await send(alice, chatId, "here");
      await sendByUniHub(alice, chatId, "through UniHub");
      socket.send({ op: "send", id: i, content: "over a socket" });
      await socket.next("ack", (ack) => ack.id === i);
    }
    await send(alice, chatId, "19");
    const last = await sendByUniHub(alice, chatId, "20");
    expect(last.headers.get("RateLimit-Limit")).toBe("20");
    expect(remaining(last)).toBe("0");
    expectRefusal(await send(alice, chatId, "21"), 429, "rate_limited");
    expect((await sendByUniHub(alice, chatId, "21")).status).toBe(429);
    socket.send({ op: "send", id: "21", content: "21" });
    expect(await socket.next("error")).toMatchObject({ id: "21", code: "rate_limited" });
  });

  test("for staff as well", async () => {
    const { chatId } = await directChat();
    const resolver = await person("resolver", { role: "resolver" });
    for (let i = 0; i < 20; i++) await send(resolver, chatId, `${i}`);
    expectRefusal(await send(resolver, chatId, "one more"), 429, "rate_limited");
  });

  test("for the first message of a support chat, as for any other", async () => {
    const alice = await person("alice");
    const support = await alice.post(`${CHATS}/support`, { initialMessage: "help" });
    expect(remaining(await send(alice, support.body.data.chat._id, "hello?"))).toBe("18");
  });

  test("not for retries; deleting a message does not free its place", async () => {
    const { alice, chatId } = await directChat();
    const key = { clientMessageId: "key" };
    const first = await send(alice, chatId, "once", key);
    expect(remaining(first)).toBe("19");
    for (let i = 0; i < 25; i++) {
      expect((await send(alice, chatId, "once", key)).status).toBe(201);
    }
    expect(remaining(await send(alice, chatId, "second"))).toBe("18");
    await remove(alice, chatId, await sent(alice, chatId, "third"));
    expect(remaining(await send(alice, chatId, "fourth"))).toBe("16");
  });

  test("for each chat separately", async () => {
    const { alice, bob, chatId } = await directChat();
    const other = await newGroup(alice, bob);
    for (let i = 0; i < 20; i++) await send(alice, chatId, `${i}`);
    expect((await send(alice, chatId, "one more")).status).toBe(429);
    expect((await send(alice, other, "elsewhere")).status).toBe(201);
  });

  test("after the object has slept", async () => {
    const { alice, chatId } = await directChat();
    for (let i = 0; i < 20; i++) await send(alice, chatId, `${i}`);
    await evictDurableObject(objectOf(chatId));
    expect((await send(alice, chatId, "one more")).status).toBe(429);
  });
});
