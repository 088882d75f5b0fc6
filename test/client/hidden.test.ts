import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ServerEvent } from "../../src/live/events.ts";
import { connected, created, hello, message, sync } from "./fake-server.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Messages of people whom the user blocks. */
const hidden = { hidden: true, content: "" } as const;

test("hidden messages are passed on, and are not unread", async () => {
  const { conversation, socket } = connected();
  const server = await socket(0);
  server.say(hello(3, 1), sync(3, [message(1, 1), message(2, 2, hidden)]));
  expect(conversation.messages[1]).toMatchObject(hidden);
  expect(conversation.unread).toBe(1);
  server.say(created(3, 4, hidden));
  expect(conversation.unread).toBe(1);
});

test("a reset on an open socket replaces everything, and its count holds until more is read", async () => {
  const { conversation, socket } = connected();
  const server = await socket(0);
  server.say(hello(3, 1), sync(3, [message(1, 1), message(2, 2, hidden), message(3, 3, hidden)]));
  const received: string[] = [];
  conversation.on("event", ({ type }) => received.push(type));
  // Unblocked: the texts are back, and have not to be read.
  const shown = [message(1, 1), message(2, 2), message(3, 3)];
  const lifted = [{ userId: "you", upTo: 3 }];
  server.say(sync(4, shown, { reset: true, unread: 0, lifted }));
  expect(received).toContain("reset");
  expect(conversation.messages).toEqual(shown);
  expect(conversation.status.state).toBe("live");
  expect(conversation.unread).toBe(0);
  server.say(created(4, 5));
  expect(conversation.unread).toBe(1);
  const all: ServerEvent = {
    ...{ type: "read", rev: 6, userId: "me", from: 1, to: 4, readAt: "2026-01-01T00:00:00.000Z" },
  };
  server.say(all);
  expect(conversation.unread).toBe(0);
  server.say(created(5, 7));
  expect(conversation.unread).toBe(1);
  // Of messages that are not loaded, the count is all that there is.
  server.say(sync(8, [message(5, 7)], { reset: true, unread: 4 }));
  expect(conversation.unread).toBe(4);
});
