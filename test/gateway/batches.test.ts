import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Command } from "../../src/conversation/decide/types.ts";
import { Conversation } from "../../src/conversation/object.ts";
import { conversationOf } from "../../src/conversation/stub.ts";
import type { Actor } from "../../src/domain/policy.ts";
import { carryOutAll } from "../../src/edge/conversations.ts";
import { callsOf, completions, count, frameOf, Polled } from "../abuse/gateway-calls.ts";
import { type Caller, directPair, objectOf, openLive, send } from "../support.ts";
import { Hub, Io } from "./line.ts";

/** Commands of one connection to a conversation that has not yet answered: one call, in order. */

let alice: Caller;
let bob: Caller;
let conversationId: string;

beforeEach(async () => {
  ({ alice, bob, conversationId } = await directPair());
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const texts = ["a", "b", "c", "d", "e", "f", "g"];
const sends = () =>
  texts.map((text): [string, string, string] => ["SendMessage", conversationId, text]);

test("the first command is sent at once; commands that wait are sent as one call and committed together", async () => {
  const live = await openLive(bob, conversationId);
  const hub = await Hub.connect(alice);
  const calls = callsOf(conversationId);
  hub.line.say(frameOf(sends()));
  await live.until(() => live.all("message").length === texts.length);
  await hub.line.until(() => completions(hub).length === texts.length);
  expect(calls).toEqual(["submit", "submitAll"]);
  expect(live.all("message").map(({ message }) => message.content)).toEqual(texts);
  // Each commit is one frame.
  expect(live.frames.filter((frame) => frame.includes('"cause":"created"'))).toHaveLength(2);
  const ids = completions(hub).map(({ result }) => result.messageId);
  expect(ids).toEqual(live.all("message").map(({ message }) => message.id));
});

test("while no call is pending, a command is sent at once", async () => {
  const hub = await Hub.connect(alice);
  const calls = callsOf(conversationId);
  for (const text of texts) await hub.ask("SendMessage", conversationId, text);
  expect(calls).toEqual(texts.map(() => "submit"));
});

test("a read mark between sends is executed in order", async () => {
  await send(bob, conversationId, "unread");
  const live = await openLive(bob, conversationId);
  const one = await Polled.connect(alice);
  const calls = callsOf(conversationId);
  const emit = (id: number, ...event: unknown[]) => `42${id}${JSON.stringify(event)}`;
  const say = (id: number, content: string) =>
    emit(id, "send-message", { chatId: conversationId, content });
  await one.post(
    say(0, "a"),
    say(1, "b"),
    emit(2, "mark-read", { chatId: conversationId }),
    say(3, "c"),
    emit(4, "join-chat-room", conversationId),
    say(5, "d"),
    emit(6, "leave-chat-room", conversationId),
    say(7, "e"),
  );
  await live.until(() => live.all("message").length === 5);
  const happened = live.events.flatMap((event) => {
    if (event.type === "message") return event.message.content;
    return event.type === "read" ? "read" : [];
  });
  expect(happened.slice(-6)).toEqual(["a", "b", "read", "c", "d", "e"]);
  const received = await one.until((packet) => packet.startsWith("437"));
  expect(received.find((packet) => packet.startsWith("432"))).toBe(
    '432[{"success":true,"data":{"modifiedCount":1}}]',
  );
  expect(calls).toEqual(["submit", "submitAll", "subscribe", "submit", "unsubscribe", "submit"]);
});

test("commands sent before the end of a connection are executed", async () => {
  const live = await openLive(bob, conversationId);
  const hub = await Hub.connect(alice);
  hub.line.say(`${frameOf(sends())}{"type":7}\x1e`);
  await live.until(() => live.all("message").length === texts.length);
  expect(live.all("message").map(({ message }) => message.content)).toEqual(texts);
});

test("each command of a call has its own answer", async () => {
  const io = await Io.connect(alice);
  const say = (content: string) => io.ask("send-message", { chatId: conversationId, content });
  const unknown = conversationId.replace(/..$/, "ff");
  const answers = await Promise.all([
    say("a"),
    say("b"),
    io.ask("send-message", { chatId: conversationId, content: "c", replyToMessageId: unknown }),
    say("d"),
  ]);
  expect(answers.map(({ success, code }) => code ?? success)).toEqual([
    true,
    true,
    "invalid_reply",
    true,
  ]);
});

const actorOf = ({ userId }: Caller): Actor => ({
  ...{ userId, name: null, avatarUrl: null, role: "user", reach: "member" },
});
const OPTIONS = { wait: false, readers: false };
const command = (content: string, clientMessageId?: string): Command => ({
  ...{ type: "send", kind: "text", content, clientMessageId, maxLength: 100 },
});

/** A stub of an object that has restarted since. */
async function staleStub() {
  const stub = conversationOf(env, conversationId);
  await stub.info(actorOf(alice));
  await runInDurableObject(objectOf(conversationId), (_, context) =>
    context.abort("restart"),
  ).catch(() => undefined);
  return stub;
}

test("a failed call is repeated if all of its commands are idempotent", async () => {
  const commands = [command("a", "1"), command("b", "2")];
  const asker = { env };
  const submitted = await carryOutAll(
    ...[asker, conversationId, actorOf(alice), commands, OPTIONS, await staleStub()],
  );
  expect(submitted.map(({ result }) => result.ok)).toEqual([true, true]);
});

test("a failed call is not repeated if one of its commands is not idempotent", async () => {
  const commands = [command("a", "1"), command("b")];
  const asker = { env };
  const failed = carryOutAll(
    ...[asker, conversationId, actorOf(alice), commands, OPTIONS, await staleStub()],
  );
  await expect(failed).rejects.toThrow();
});

test("after a failed call each of its commands gets an error, and later commands are executed", async () => {
  const hub = await Hub.connect(alice);
  vi.spyOn(Conversation.prototype, "submitAll").mockRejectedValueOnce(new Error("out of order"));
  hub.line.say(frameOf(sends()));
  await hub.line.until(() => completions(hub).length === texts.length);
  const failures = completions(hub).filter(({ error }) => error !== undefined);
  expect(failures).toHaveLength(texts.length - 1);
  expect(await hub.ask("SendMessage", conversationId, "later")).toHaveProperty("messageId");
});

test("a call that is never answered is answered as unavailable, and does not block the next", async () => {
  const hub = await Hub.connect(alice);
  vi.spyOn(Conversation.prototype, "submit").mockReturnValueOnce(new Promise(() => undefined));
  const [lost, next] = await Promise.all([
    hub.ask("SendMessage", conversationId, "lost"),
    hub.ask("SendMessage", conversationId, "next"),
  ]);
  expect(lost.error).toContain("try again soon");
  expect(next).toHaveProperty("messageId");
});

test("an object of the previous version, without submitAll, gets the commands one by one, in order", async () => {
  const live = await openLive(bob, conversationId);
  const hub = await Hub.connect(alice);
  const { submitAll } = Conversation.prototype;
  Reflect.deleteProperty(Conversation.prototype, "submitAll");
  try {
    const calls = callsOf(conversationId);
    hub.line.say(frameOf(sends()));
    await hub.line.until(() => completions(hub).length === texts.length);
    expect(count(calls, "submit")).toBe(texts.length);
  } finally {
    Object.defineProperty(Conversation.prototype, "submitAll", {
      ...{ value: submitAll, configurable: true, writable: true },
    });
  }
  await live.until(() => live.all("message").length === texts.length);
  expect(live.all("message").map(({ message }) => message.content)).toEqual(texts);
  expect(completions(hub).filter(({ error }) => error !== undefined)).toEqual([]);
});
