import { afterEach, describe, expect, test, vi } from "vitest";
import { type Answer, directPair, openLive, send } from "../support.ts";
import { carryOut, FOREIGN, NOBODYS } from "./requests.ts";

/** The rate limit headers of an answer to a send: limit, remaining, seconds. */
function allowance({ headers }: Answer): (string | null)[] {
  return ["Limit", "Remaining", "Reset"].map((name) => headers.get(`RateLimit-${name}`));
}

afterEach(() => {
  vi.useRealTimers();
});

describe("429", () => {
  test("for the 101st within a minute, over REST and socket together", async () => {
    const { alice, bob, conversationId } = await directPair();
    const socket = await openLive(alice, conversationId);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    await send(alice, conversationId, "first");
    vi.setSystemTime(Date.now() + 10_000);
    await Promise.all(
      Array.from({ length: 99 }, (_, i) =>
        i % 2
          ? send(alice, conversationId, `${i}`)
          : carryOut(socket, { op: "send", content: `${i}` }),
      ),
    );
    const refused = await send(alice, conversationId, "one more");
    expect(refused.status).toBe(429);
    expect(refused.headers.get("Retry-After")).toBe("50");
    expect(refused.body).toEqual({ error: expect.any(String), code: "rate_limited" });
    socket.send({ op: "send", id: "refused", content: "one more" });
    const error = await socket.next("error");
    expect(error).toMatchObject({ id: "refused", code: "rate_limited", retryAfterMs: 50_000 });
    expect((await send(bob, conversationId, "mine are my own")).status).toBe(201);

    vi.setSystemTime(Date.now() + 49_999);
    const still = await send(alice, conversationId, "still");
    expect(still.status).toBe(429);
    expect(still.headers.get("Retry-After")).toBe("1");
    vi.setSystemTime(Date.now() + 1);
    expect((await send(alice, conversationId, "again")).status).toBe(201);
    expect((await send(alice, conversationId, "and no more")).status).toBe(429);
  });

  test("is checked after all errors of the request itself", async () => {
    const { alice, conversationId } = await directPair();
    await Promise.all(Array.from({ length: 100 }, () => send(alice, conversationId, "x")));
    expect((await send(alice, conversationId, "x")).status).toBe(429);
    expect((await send(alice, conversationId, " ")).status).toBe(400);
    const reply = { replyToMessageId: FOREIGN };
    expect((await send(alice, conversationId, "x", reply)).status).toBe(400);
    expect((await send(alice, NOBODYS, "x")).status).toBe(404);
  });
});

describe("RateLimit-*", () => {
  test("count down with every send, for each sender separately, and not for retries", async () => {
    const { alice, bob, conversationId } = await directPair();
    const key = { clientMessageId: "key" };
    const seen = [
      await send(alice, conversationId, "one"),
      await send(alice, conversationId, "two", key),
      await send(alice, conversationId, "two", key),
      await send(bob, conversationId, "one"),
      await send(alice, conversationId, "three"),
    ].map(allowance);
    expect(seen.map(([limit]) => limit)).toEqual(Array(5).fill("100"));
    expect(seen.map(([, remaining]) => remaining)).toEqual(["99", "98", "98", "99", "97"]);
  });

  test("are on refused requests too", async () => {
    const { alice, conversationId } = await directPair();
    await Promise.all(Array.from({ length: 100 }, () => send(alice, conversationId, "x")));
    const refused = await send(alice, conversationId, "x");
    expect(allowance(refused).slice(0, 2)).toEqual(["100", "0"]);
  });

  test("contain the remaining number and when the first message leaves the window", async () => {
    const { alice, conversationId } = await directPair();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    expect(allowance(await send(alice, conversationId, "one"))).toEqual(["100", "99", "60"]);
    vi.setSystemTime(Date.now() + 20_500);
    expect(allowance(await send(alice, conversationId, "two"))).toEqual(["100", "98", "40"]);
  });
});
