import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Conversation } from "../../src/conversation/object.ts";
import { Hub, Io } from "../gateway/line.ts";
import { type Caller, directPair, groupOf, openLive, person } from "../support.ts";
import { callsOf, completions, count, frameOf } from "./gateway-calls.ts";

/** However often a client sends typing, the conversation gets at most one call in three seconds. */

let alice: Caller;
let bob: Caller;
let conversationId: string;

beforeEach(async () => {
  ({ alice, bob, conversationId } = await directPair());
  vi.setSystemTime(Date.now());
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("one start and one stop in three seconds are forwarded, and each call is answered", async () => {
  const hub = await Hub.connect(alice);
  const calls = callsOf(conversationId);
  for (const [second, told] of [2, 2, 2, 4, 4, 4].entries()) {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        hub.ask(i % 2 === 0 ? "StartTyping" : "StopTyping", conversationId),
      ),
    );
    expect(answers.filter((answer) => answer === null)).toHaveLength(20);
    expect(count(calls, "typing"), `second ${second}`).toBe(told);
    vi.setSystemTime(Date.now() + 1_000);
  }
});

test("600 of them in a frame cause two calls, and close the connection", async () => {
  const io = await Io.connect(alice);
  const calls = callsOf(conversationId);
  for (let i = 0; i < 600; i++) {
    io.line.say(`42${JSON.stringify([i % 2 ? "typing-stop" : "typing-start", conversationId])}`);
  }
  await io.line.closed;
  expect(count(calls, "typing")).toBe(2);
});

test("separately for each conversation", async () => {
  const other = await groupOf(alice, bob, await person());
  const calls = callsOf(conversationId, other);
  const hub = await Hub.connect(alice);
  hub.line.say(
    frameOf([conversationId, other, conversationId, other].map((id) => ["StartTyping", id])),
  );
  await hub.line.until(() => completions(hub).length === 4);
  expect(count(calls, "typing")).toBe(2);
});

test("a failed call is repeated", async () => {
  const live = await openLive(bob, conversationId);
  const hub = await Hub.connect(alice);
  const typing = vi.spyOn(Conversation.prototype, "typing");
  typing.mockImplementationOnce(() => {
    throw new Error("out of order");
  });
  expect(await hub.ask("StartTyping", conversationId)).toHaveProperty("error");
  expect(await hub.ask("StartTyping", conversationId)).toBeNull();
  expect(await live.next("typing")).toMatchObject({ userId: alice.userId, active: true });
});
