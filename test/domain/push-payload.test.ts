import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KINDS } from "../../src/domain/conversation.ts";
import type { Notification } from "../../src/domain/notification.ts";
import {
  encodedPayload,
  PAYLOAD_BYTES,
  pushPayloadOf,
  topicOf,
  ttlSecondsOf,
  urgencyOf,
} from "../../src/domain/push-payload.ts";

type Message = NonNullable<Notification["message"]>;

const MESSAGE: Message = {
  ...{ id: "m", senderId: "alice", senderName: "Alice", text: "Hello", attachments: 0 },
  createdAt: 0,
};

function notificationOf(
  conversation: Partial<Notification["conversation"]>,
  message: Partial<Message> | undefined,
  more: Partial<Notification> = {},
): Notification {
  return {
    ...{ id: "n", userId: "bob", reason: "message", unread: 1, total: undefined, url: "u" },
    ...{ read: [], expiresAt: 0 },
    conversation: { id: "c", kind: "group", title: "Ops", ...conversation },
    message: message && { ...MESSAGE, ...message },
    ...more,
  };
}

describe("what is shown", () => {
  test.each([
    ["a direct conversation: who", { kind: "direct", title: null }, {}, "Alice", "Hello"],
    ["its title is not shown", { kind: "direct", title: "x" }, {}, "Alice", "Hello"],
    ["a group: its title, and who", {}, {}, "Ops", "Alice: Hello"],
    ["a channel likewise", { kind: "channel" }, {}, "Ops", "Alice: Hello"],
    ["a group without a title", { title: null }, {}, "Alice", "Hello"],
    ["nobody's name", { title: null }, { senderName: null }, "New message", "Hello"],
    ["in a group", {}, { senderName: null }, "Ops", "Hello"],
    ["a file", {}, { text: "", attachments: 1 }, "Ops", "Alice: Sent a file"],
    ["files", { title: null }, { text: "", attachments: 3 }, "Alice", "Sent 3 files"],
    ["a text with files", {}, { attachments: 3 }, "Ops", "Alice: Hello"],
    ["half a surrogate pair", {}, { text: "\ud83d" }, "Ops", "Alice: \ufffd"],
    ["a long title", { title: "é".repeat(65) }, {}, `${"é".repeat(63)}…`, "Alice: Hello"],
    ["one that just fits", { title: "é".repeat(64) }, {}, "é".repeat(64), "Alice: Hello"],
    ["a long name", { title: null }, { senderName: "é".repeat(65) }, `${"é".repeat(63)}…`, "Hello"],
  ] as const)("%s", (_, conversation, message, title, body) => {
    expect(pushPayloadOf(notificationOf(conversation, message))).toMatchObject({ title, body });
  });

  test("without a preview: nothing of message and sender", () => {
    const payload = pushPayloadOf(notificationOf({}, undefined));
    expect(payload).toEqual({
      ...{ id: "n", conversationId: "c", userId: "bob", kind: "group" },
      ...{ title: "New message", body: "" },
      ...{ reason: "message", unread: 1, url: "u", tag: "c", read: [] },
    });
  });
});

const text = (max: number) =>
  fc
    .array(fc.constantFrom("a", '"', "\\", "\n", "🦜", "Ω", "\ud83d", "\u2028"), {
      maxLength: max,
      size: "max",
    })
    .map((parts) => parts.join(""));
const notifications = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    title: fc.option(text(200)),
    message: fc.option(
      fc.record({
        senderName: fc.option(text(200)),
        text: text(140),
        attachments: fc.nat({ max: 10 }),
      }),
      { nil: undefined },
    ),
    userId: fc.nat({ max: 128 }).map((length) => "🦜".repeat(length)),
    total: fc.option(fc.nat(), { nil: undefined }),
    unread: fc.nat(),
    read: fc.array(fc.uuid(), { maxLength: 20, size: "max" }),
    url: fc.nat({ max: 300 }).map((length) => `https://${"x".repeat(length)}`),
  })
  .map(({ kind, title, message, ...more }) =>
    notificationOf({ id: crypto.randomUUID(), kind, title }, message, {
      ...more,
      id: crypto.randomUUID(),
    }),
  );

test("every notification fits: of what is read, the first are named", () => {
  fc.assert(
    fc.property(notifications, (notification) => {
      const payload = pushPayloadOf(notification);
      const bytes = encodedPayload(payload);
      expect(bytes?.length).toBe(PAYLOAD_BYTES);
      const { read, ...rest } = JSON.parse(
        new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
      );
      const { read: all, ...expected } = payload;
      expect(rest).toEqual(expected);
      expect(read).toEqual(all.slice(0, read.length));
      // One more would not have fitted.
      const more = JSON.stringify({ ...payload, read: all.slice(0, read.length + 1) });
      if (read.length < all.length) {
        expect(new TextEncoder().encode(more).length).toBeGreaterThan(PAYLOAD_BYTES);
      }
    }),
  );
});

test("the longest ids and names leave room for some of what was read", () => {
  const parrots = (count: number) => "🦜".repeat(count);
  const read = Array.from({ length: 20 }, () => crypto.randomUUID());
  const namedWith = (url: string) => {
    const notification = notificationOf(
      { id: crypto.randomUUID(), kind: "purchase-request", title: parrots(200) },
      { senderName: parrots(200), text: parrots(140) },
      {
        ...{ id: crypto.randomUUID(), userId: parrots(128), read, url },
        ...{ total: 2 ** 40, unread: 2 ** 40 },
      },
    );
    const bytes = encodedPayload(pushPayloadOf(notification));
    const { read: named } = JSON.parse(new TextDecoder().decode(bytes));
    expect(named).toEqual(read.slice(0, named.length));
    return named.length;
  };
  expect(namedWith("u".repeat(100))).toBeGreaterThan(5);
  expect(namedWith("u".repeat(320))).toBeGreaterThanOrEqual(0);
});

test("an address that is too long is the only thing that does not fit", () => {
  const notification = notificationOf({}, {}, { url: "x".repeat(PAYLOAD_BYTES) });
  expect(encodedPayload(pushPayloadOf(notification))).toBeUndefined();
});

test("topic: 32 characters of a conversation's id; urgency", () => {
  const id = "3fa85f64-5717-8562-b3fc-2c0000000000";
  expect(topicOf(notificationOf({ id }, {}))).toBe("3fa85f6457178562b3fc2c0000000000");
  for (const kind of KINDS) {
    const isDirect = kind === "direct";
    expect(urgencyOf(notificationOf({ kind }, {}))).toBe(isDirect ? "high" : "normal");
    expect(urgencyOf(notificationOf({ kind }, {}, { reason: "mention" }))).toBe("high");
  }
});

test.each([
  [1, 1],
  [1_000, 1],
  [1_001, 2],
  [0, 0],
  [-1, 0],
])("%i ms are left: a TTL of %i s", (left, seconds) => {
  expect(ttlSecondsOf(notificationOf({}, {}, { expiresAt: 5_000 + left }), 5_000)).toBe(seconds);
});
