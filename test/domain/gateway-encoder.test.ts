import { beforeEach, expect, test } from "vitest";
import type { Batch } from "../../src/conversation/outbound/subscribers/gateway-api.ts";
import { BoundedCache } from "../../src/gateway/bounded-cache.ts";
import { EventEncoder } from "../../src/gateway/event-encoder.ts";
import type { GatewayEvent } from "../../src/gateway/gateway-events.ts";

/** What the gateways of a protocol share: the encoded events of a broadcast. */

let encoded: GatewayEvent[];
let encoder: EventEncoder;

beforeEach(() => {
  encoded = [];
  encoder = new EventEncoder((event) => {
    encoded.push(event);
    const readers = event.note?.readers?.length ?? 0;
    const cause = event.event.type === "message" ? `/${event.event.cause}` : "";
    return [`${event.conversationId}:${event.event.type}${cause}/${readers}`];
  });
});

const message = (rev: number, cause = "created") =>
  JSON.stringify({ type: "message", rev, cause, message: { number: 1 } });
const batchOf = (more: Partial<Batch> = {}): Batch => {
  const lines = [message(2), message(3, "edited")];
  return { conversationId: "a", from: 1, to: 3, lines, notes: [], ...more };
};

test("a batch is encoded for the first gateway and looked up for the others", () => {
  const messages = ["a:message/created/0", "a:message/edited/0"];
  for (let gateway = 0; gateway < 20; gateway++) {
    expect(encoder.messagesOf(structuredClone(batchOf()), 1)).toEqual(messages);
  }
  expect(encoded).toHaveLength(2);
  expect(encoder.messagesOf(batchOf(), 2)).toEqual(messages.slice(1));
  expect(encoder.messagesOf(batchOf(), 3)).toEqual([]);
  expect(encoded).toHaveLength(2);
});

test("another conversation, other notes and other lines are other messages", () => {
  const receipt = { userId: "reader", readAt: 0 };
  encoder.messagesOf(batchOf(), 1);
  expect(encoder.messagesOf(batchOf({ conversationId: "b" }), 1)[0]).toBe("b:message/created/0");
  const notes = [{ rev: 3, readers: [receipt] }];
  expect(encoder.messagesOf(batchOf({ notes }), 1)[1]).toBe("a:message/edited/1");
  expect(encoder.messagesOf(batchOf({ lines: [message(2)] }), 1)).toHaveLength(1);
  expect(encoded).toHaveLength(7);
});

test("events without a revision are shared as well, by conversation", () => {
  const line = JSON.stringify({ type: "typing", userId: "x", active: true, expiresInMs: 1 });
  for (const id of ["a", "a", "b"]) {
    expect(encoder.ephemeral(id, line)?.messages).toEqual([`${id}:typing/0`]);
  }
  expect(encoded).toHaveLength(2);
});

test("a page is encoded for one gateway, with each message as new once", () => {
  const introduced = new Set<number>();
  const lines = [message(2)];
  const page = () => encoder.pageMessages(batchOf({ lines }), 1, introduced);
  expect([page(), page()]).toEqual([["a:message/created/0"], ["a:message/edited/0"]]);
});

test("an event of a newer conversation is ignored, and an unknown cause is an edit", () => {
  const unknown = JSON.stringify({ type: "poll", rev: 2 });
  const lines = [unknown, message(3, "translated")];
  expect(encoder.messagesOf(batchOf({ lines }), 1)).toEqual(["a:message/edited/0"]);
  expect(encoder.pageMessages(batchOf({ lines }), 1, new Set())).toEqual(["a:message/edited/0"]);
  expect(encoder.ephemeral("a", JSON.stringify({ type: "poll" }))).toBeUndefined();
});

test("a cache is bounded in entries and in size, and the oldest make room", () => {
  const cache = new BoundedCache<number>({ entries: 3, units: 100 });
  for (let i = 0; i < 5; i++) cache.set(`key ${i}`, i, 5);
  expect([1, 2, 3, 4].map((i) => cache.get(`key ${i}`))).toEqual([undefined, 2, 3, 4]);
  expect([cache.size, cache.units]).toEqual([3, 30]);
  cache.set("large", 5, 80);
  expect([cache.size, cache.units, cache.get("key 4")]).toEqual([2, 95, 4]);
  cache.set("too large", 6, 100);
  expect(cache.get("too large")).toBeUndefined();
  expect(cache.get("large")).toBe(5);
  cache.set("large", 7, 10);
  expect([cache.get("large"), cache.units]).toEqual([7, 25]);
});
