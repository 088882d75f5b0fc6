import { expect, test } from "vitest";
import type { WireMessage } from "../../src/live/events.ts";
import { connected, created, type FakeSocket, message, sync } from "./fake-server.ts";

/** A part of the history further back, without what is between it and the newest messages. */

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => message(from + i, from + i));
const numbers = (messages: readonly { number: number }[] | undefined) =>
  messages?.map(({ number }) => number);
const idOf = (number: number) => message(number, 1).id;

/** Answers the last request for history. */
function answer(socket: FakeSocket, messages: WireMessage[]): void {
  const { to, ...page } = sync(0, messages);
  socket.say({ ...page, id: String(socket.asked.at(-1)?.["id"]) });
}

/** A conversation of 100 messages of which the newest five are loaded, and what is around one. */
async function lookingAt(number: number, from: number, to: number) {
  const { conversation, socket } = connected();
  const server = await socket(0);
  const looking = conversation.loadAround(idOf(number), 5);
  server.greet(100, range(96, 100));
  await conversation.live();
  await Promise.resolve();
  expect(server.asked.at(-1)).toMatchObject({ op: "history", around: idOf(number), limit: 5 });
  answer(server, range(from, to));
  await looking;
  return { conversation, server };
}

test("messages around one are apart from the newest ones, and both are kept up to date", async () => {
  const { conversation, server } = await lookingAt(40, 38, 42);
  expect(numbers(conversation.earlier)).toEqual([38, 39, 40, 41, 42]);
  expect(numbers(conversation.messages)).toEqual([96, 97, 98, 99, 100]);
  const heard: number[] = [];
  conversation.on("message", (event) => heard.push(event.message.number));
  server.say(created(40, 101, { content: "edited" }), created(60, 102), created(101, 103));
  const reactions = [{ emoji: "👍", count: 1, userIds: ["you"] }];
  server.say({
    ...{ type: "reaction", rev: 104, messageId: idOf(41), reactions, added: true },
    ...{ userId: "you", emoji: "👍" },
  });
  // What is in the gap is not loaded.
  expect(heard).toEqual([40, 101, 41]);
  expect(conversation.earlier?.[2]?.content).toBe("edited");
  expect(conversation.earlier?.[3]?.reactions).toEqual(reactions);
  expect(numbers(conversation.earlier)).toEqual([38, 39, 40, 41, 42]);
});

test("it grows in both directions, and becomes one with the newest messages where it meets them", async () => {
  const { conversation, server } = await lookingAt(90, 88, 92);
  const before = conversation.loadEarlier("before", 3);
  expect(server.asked.at(-1)).toMatchObject({ op: "history", before: idOf(88), limit: 3 });
  answer(server, range(85, 87));
  await before;
  expect(numbers(conversation.earlier)?.at(0)).toBe(85);
  const after = conversation.loadEarlier("after", 3);
  expect(server.asked.at(-1)).toMatchObject({ op: "history", after: idOf(92), limit: 3 });
  answer(server, range(93, 95));
  await after;
  expect(conversation.earlier).toBeUndefined();
  expect(numbers(conversation.messages)).toEqual(numbers(range(85, 100)));
  server.say(created(86, 101, { content: "edited" }));
  expect(conversation.messages[1]?.content).toBe("edited");
});

test("a message without a gap to the newest ones is simply loaded, and one that is there is not requested", async () => {
  const { conversation, server } = await lookingAt(94, 92, 96);
  expect(conversation.earlier).toBeUndefined();
  expect(numbers(conversation.messages)?.at(0)).toBe(92);
  const count = server.asked.length;
  await conversation.loadAround(idOf(93));
  expect(server.asked).toHaveLength(count);
});

test("it is left for a message among the newest, by request, and where the state is reset", async () => {
  const { conversation, server } = await lookingAt(40, 38, 42);
  await conversation.loadAround(idOf(41));
  expect(numbers(conversation.earlier)).toEqual([38, 39, 40, 41, 42]);
  await conversation.loadAround(idOf(99));
  expect(conversation.earlier).toBeUndefined();

  const again = conversation.loadAround(idOf(40));
  await Promise.resolve();
  answer(server, range(38, 42));
  await again;
  conversation.leaveEarlier();
  expect(conversation.earlier).toBeUndefined();

  const last = conversation.loadAround(idOf(40));
  await Promise.resolve();
  answer(server, range(38, 42));
  await last;
  server.say(sync(101, range(97, 101), { reset: true }));
  expect(conversation.earlier).toBeUndefined();
});

test("a page that is answered after it was left is dropped", async () => {
  const { conversation, server } = await lookingAt(40, 38, 42);
  const older = conversation.loadEarlier("before");
  conversation.leaveEarlier();
  answer(server, range(33, 37));
  await older;
  expect(conversation.earlier).toBeUndefined();
  expect(numbers(conversation.messages)).toEqual([96, 97, 98, 99, 100]);
});
