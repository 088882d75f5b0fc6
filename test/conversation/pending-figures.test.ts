import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import {
  currentFigures,
  MAX_PENDING,
  readPendingFigures,
} from "../../src/conversation/tables/pending-figures.ts";
import { Random } from "../random.ts";
import { evict, groupOf, objectOf, openLive, person, send, unreadOf } from "../support.ts";

describe("which figures count", () => {
  const row = { readUpTo: 3, readBeyond: 1 };
  const newer = { readUpTo: 5, readBeyond: 0 };
  test.each([
    ["the row's, where none are pending", undefined, row],
    ["pending ones that are based on the row's", { ...newer, base: row }, newer],
    ["the row's, where the version before has written it", { ...newer, base: newer }, row],
  ])("%s", (_, pending, expected) => {
    expect(currentFigures(row, pending)).toEqual(expected);
  });
});

async function stored(conversationId: string) {
  return runInDurableObject(objectOf(conversationId), (_, { storage: { sql } }) => ({
    pending: readPendingFigures(sql),
    rows: new Map(
      sql
        .exec("SELECT user_id, read_up_to FROM members")
        .toArray()
        .map((row) => [row["user_id"], row["read_up_to"]]),
    ),
  }));
}

test("figures of more people than are pending are written to their rows, and nothing changes", async () => {
  const people = await Promise.all(Array.from({ length: MAX_PENDING + 2 }, () => person()));
  const group = await groupOf(...people);
  const [first, ...others] = people;
  if (!first) throw new Error("nobody");
  await send(first, group, "hello");
  for (const other of others) {
    const socket = await openLive(other, group);
    socket.send({ op: "read", id: 1 });
    await socket.next("ack");
  }
  const { pending, rows } = await stored(group);
  expect(pending.size).toBeLessThanOrEqual(MAX_PENDING);
  expect([...rows.values()].filter((readUpTo) => readUpTo === 1).length).toBeGreaterThan(
    MAX_PENDING,
  );
  await evict(group);
  for (const one of people) expect(await unreadOf(one, group)).toBe(0);
});

test("random sends, reads and deletions, with evictions: unread counts are those of a model", async () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const random = new Random(seed);
  const people = await Promise.all([person("a"), person("b"), person("c")]);
  const group = await groupOf(...people);
  const sockets = await Promise.all(people.map((one) => openLive(one, group)));
  const messages: { id: string; by: number; isDeleted: boolean; readBy: Set<number> }[] = [];
  for (let step = 0; step < 80; step++) {
    const who = random.below(people.length);
    const socket = sockets[who];
    const what = random.next();
    const id = `step-${step}`;
    if (what < 0.5 || messages.length === 0) {
      socket?.send({ op: "send", id, content: id });
      const ack = await socket?.next("ack", (event) => event.id === id);
      messages.push({ id: ack?.messageId ?? "", by: who, isDeleted: false, readBy: new Set() });
    } else if (what < 0.7) {
      const upTo = random.pick(messages);
      socket?.send({ op: "read", id, upTo: upTo.id });
      await socket?.next("ack", (event) => event.id === id);
      for (const one of messages.slice(0, messages.indexOf(upTo) + 1)) one.readBy.add(who);
    } else if (what < 0.85) {
      const one = random.pick(messages);
      if (one.isDeleted) continue;
      socket?.send({ op: "read", id, messageIds: [one.id] });
      await socket?.next("ack", (event) => event.id === id);
      one.readBy.add(who);
    } else if (what < 0.93) {
      const own = messages.find((one) => one.by === who && !one.isDeleted);
      if (!own) continue;
      socket?.send({ op: "delete", id, messageId: own.id });
      await socket?.next("ack", (event) => event.id === id);
      own.isDeleted = true;
    } else {
      await evict(group, { webSockets: "hibernate" });
    }
  }
  await evict(group, { webSockets: "hibernate" });
  for (const [who, one] of people.entries()) {
    const unread = messages.filter(
      ({ by, isDeleted, readBy }) => by !== who && !isDeleted && !readBy.has(who),
    );
    expect(await unreadOf(one, group), `seed ${seed}, person ${who}`).toBe(unread.length);
  }
});
