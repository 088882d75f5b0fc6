import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connected, created, hello, message, sync } from "./fake-server.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("the token is sent in the subprotocol list; a first visit has no cursor", async () => {
  const { conversation, socket } = connected();
  expect(conversation.status.state).toBe("connecting");
  const first = await socket(0);
  expect(first.protocols).toEqual(["parley.v1", "bearer.t1"]);
  expect(first.url).toMatch(/^wss:\/\/parley\.test\/live\/[0-9a-f-]{36}\?features=reactions$/);
  first.greet();
  expect(conversation.status).toMatchObject({ state: "live" });
});

test("a lost socket is reopened after a wait that starts at the value in hello and doubles", async () => {
  const { conversation, sockets, socket } = connected();
  (await socket(0)).greet(7);
  sockets[0]?.end(1006);
  for (const [index, wait] of [1_000, 2_000, 4_000].entries()) {
    expect(conversation.status).toMatchObject({ state: "offline", retryInMs: wait });
    await vi.advanceTimersByTimeAsync(wait - 1);
    expect(sockets).toHaveLength(index + 1);
    await vi.advanceTimersByTimeAsync(1);
    expect((await socket(index + 1)).url).toMatch(/\?since=7&epoch=e1&features=reactions$/);
    sockets[index + 1]?.end(1012);
  }
  await vi.advanceTimersByTimeAsync(8_000);
  sockets[4]?.greet(7);
  sockets[4]?.end(1006);
  expect(conversation.status).toMatchObject({ state: "offline", retryInMs: 1_000 });
});

test("after 4401 the client reconnects at once with a new token; after a second 4401 it waits", async () => {
  let count = 0;
  const { conversation, sockets, socket } = connected(async () => `t${++count}`);
  (await socket(0)).greet();
  sockets[0]?.end(4401, "the token expired");
  await vi.advanceTimersByTimeAsync(0);
  expect((await socket(1)).protocols[1]).toBe("bearer.t2");
  sockets[1]?.end(4401);
  await vi.advanceTimersByTimeAsync(0);
  expect(conversation.status).toMatchObject({ state: "offline", retryInMs: 2_000 });
});

test("a token that expired during a long wait is replaced at once", async () => {
  let count = 0;
  const { conversation, sockets, socket } = connected(() => `t${++count}`);
  (await socket(0)).end(1012);
  await vi.advanceTimersByTimeAsync(500);
  (await socket(1)).end(4401, "no valid token");
  await vi.advanceTimersByTimeAsync(0);
  expect((await socket(2)).protocols[1]).toBe("bearer.t2");
  sockets[2]?.greet();
  expect(conversation.status.state).toBe("live");
});

test("a token that cannot be fetched is requested again later", async () => {
  let broken = true;
  const { conversation, socket } = connected(() => {
    if (broken) throw new Error("no network");
    return "t";
  });
  await vi.advanceTimersByTimeAsync(0);
  expect(conversation.status).toMatchObject({ state: "offline", reason: "no token: no network" });
  broken = false;
  await vi.advanceTimersByTimeAsync(500);
  (await socket(0)).greet();
  expect(conversation.status.state).toBe("live");
});

test.each([
  [4400, "too many frames that cannot be read"],
  [4403, "no longer a member"],
  [4404, "no such conversation"],
])("%i is final, and pending sends are rejected with the reason", async (code, reason) => {
  const { conversation, sockets, socket } = connected();
  const sent = conversation.send("hello");
  const refused = expect(sent).rejects.toMatchObject({ code: "closed", message: reason });
  (await socket(0)).end(code, reason);
  await refused;
  expect(conversation.status).toEqual({ type: "status", state: "closed", code, reason });
  await vi.advanceTimersByTimeAsync(100_000);
  conversation.connect();
  expect(sockets).toHaveLength(1);
  await expect(conversation.send("more")).rejects.toMatchObject({ code: "closed" });
  expect(conversation.pending).toEqual([]);
});

test("too many sockets is not final: the client reconnects", async () => {
  const { conversation, sockets, socket } = connected();
  (await socket(0)).say({ type: "error", code: "rate_limited", message: "too many" });
  sockets[0]?.end(4400, "too many sockets");
  expect(conversation.status.state).toBe("offline");
});

test("a ping is sent as soon as the socket is open, because the server closes silent sockets late", async () => {
  const { conversation, sockets, socket } = connected();
  const first = await socket(0);
  expect(first.sent).toEqual([]);
  first.open();
  expect(first.sent).toEqual(["ping"]);
  // A pong does not mean that the session is accepted.
  first.say("pong");
  await vi.advanceTimersByTimeAsync(20_000);
  expect(conversation.status.state).toBe("offline");
  first.open();
  expect(sockets[0]?.sent).toEqual(["ping"]);
});

test("after 1013 the client reconnects after a wait", async () => {
  const { conversation, sockets, socket } = connected();
  (await socket(0)).say({
    ...{ type: "error", code: "rate_limited", message: "too often" },
    retryAfterMs: 60_000,
  });
  sockets[0]?.end(1013, "too many connections");
  expect(conversation.status.state).toBe("offline");
  await vi.advanceTimersByTimeAsync(500);
  (await socket(1)).greet();
  expect(conversation.status.state).toBe("live");
});

test("nothing is sent on a socket that is closed while it opens", async () => {
  const { socket } = connected();
  const first = await socket(0);
  first.readyState = 2;
  first.open();
  expect(first.sent).toEqual([]);
});

test("a ping every 30 seconds; without a pong within ten the socket is replaced", async () => {
  const { conversation, sockets, socket } = connected();
  (await socket(0)).greet();
  for (let i = 1; i <= 3; i++) {
    await vi.advanceTimersByTimeAsync(30_000);
    expect(sockets[0]?.sent).toEqual(Array(i).fill("ping"));
    sockets[0]?.say("pong");
  }
  await vi.advanceTimersByTimeAsync(39_999);
  expect(conversation.status.state).toBe("live");
  await vi.advanceTimersByTimeAsync(1);
  expect(conversation.status).toMatchObject({ state: "offline", reason: "no answer to a ping" });
  expect(sockets[0]?.isClosed).toBe(true);
  // Events of a replaced socket are ignored.
  sockets[0]?.say(created(1, 5));
  expect(conversation.messages).toEqual([]);
});

test("wake() pings an open socket at once, and ends a wait for reconnecting", async () => {
  const { conversation, sockets, socket } = connected();
  conversation.wake();
  (await socket(0)).greet();
  conversation.wake();
  expect(sockets[0]?.sent).toEqual(["ping"]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(conversation.status).toMatchObject({ state: "offline", reason: "no answer to a ping" });
  conversation.wake();
  (await socket(1)).greet();
  expect(conversation.status.state).toBe("live");
  conversation.close();
  conversation.wake();
  expect(sockets).toHaveLength(2);
});

test("a socket that opens and receives nothing is replaced", async () => {
  const { conversation, socket } = connected();
  await socket(0);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(conversation.status.state).toBe("offline");
});

test("while there are more pages the client requests them, and is live after the last", async () => {
  const { conversation, sockets, socket } = connected();
  const first = await socket(0);
  first.say(hello(900), sync(500, [message(1, 500)], { more: true }));
  expect(conversation.status.state).toBe("connecting");
  expect(first.asked).toMatchObject([{ op: "sync", since: 500 }]);
  // Refused for its rate: requested again after the wait.
  first.say({
    ...{ type: "error", id: "since 500", code: "rate_limited", message: "slowly" },
    retryAfterMs: 1_000,
  });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(first.asked.at(-1)).toMatchObject({ op: "sync", since: 500 });
  expect(first.asked).toHaveLength(2);
  first.end(1006);
  await vi.advanceTimersByTimeAsync(1_000);
  expect((await socket(1)).url).toContain("since=500&");
  sockets[1]?.say(hello(900), sync(900, [message(2, 900)]));
  expect(conversation.status.state).toBe("live");
  expect(conversation.messages.map(({ number }) => number)).toEqual([1, 2]);
});
