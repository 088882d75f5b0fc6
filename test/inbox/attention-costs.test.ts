import { runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { Inbox } from "../../src/index.ts";
import { counting, tellInboxes } from "../conversation/counters.ts";
import { seededId, seedMembers } from "../conversation/seeds.ts";
import {
  Caller,
  channelOf,
  directPair,
  groupOf,
  objectOf,
  person,
  send,
  tokenFor,
} from "../support.ts";
import { inboxOf, openListed } from "./replica.ts";

afterEach(() => void vi.restoreAllMocks());

/** Counts the calls that conversations make to inboxes from now on. */
function countCalls(): { readonly calls: number } {
  const update = vi.spyOn(Inbox.prototype, "update");
  return {
    get calls() {
      return update.mock.calls.length;
    },
  };
}

/** The conversations that an inbox has stored as pending. */
function pendingOf(person: Caller): Promise<unknown[]> {
  return runInDurableObject(inboxOf(person), (_, { storage: { sql } }) =>
    sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'pending'").toArray().length === 0
      ? []
      : sql.exec("SELECT conversation_id FROM pending").toArray(),
  );
}

test("two people with both inboxes open: two calls and no row beyond the message's", async () => {
  const { alice, bob, conversationId } = await directPair();
  const [a, b] = [await openListed(alice), await openListed(bob)];
  await send(alice, conversationId, "first");
  await b.until(() => b.entry(conversationId)?.unread === 1);
  await tellInboxes(conversationId);
  await send(alice, conversationId, "awake");
  const counted = countCalls();
  const { rowsWritten, alarms } = await counting(conversationId, () =>
    send(alice, conversationId, "counted"),
  );
  await b.until(() => b.entry(conversationId)?.unread === 3);
  await a.until(() => a.entry(conversationId)?.lastMessage?.content === "counted");
  expect(counted.calls).toBe(2);
  expect({ rowsWritten, alarms }).toEqual({ rowsWritten: 2, alarms: 0 });
});

test("a group of 200 of whom 190 are away: one call and two rows an absence, none later", async () => {
  const people = await Promise.all(Array.from({ length: 200 }, () => person()));
  const [alice, ...others] = people;
  if (!alice) throw new Error("200 people");
  const group = await groupOf(alice, ...others);
  await tellInboxes(group);
  const watching = await Promise.all(people.slice(0, 10).map(openListed));
  const away = people.slice(10);
  const counted = countCalls();
  const first = await counting(group, async () => {
    await send(alice, group, "first");
    await vi.waitFor(() => expect(counted.calls).toBe(200), { timeout: 20_000 });
    await tellInboxes(group);
  });
  // The message and its counters, and a row for each of those who rest from now on.
  expect(first.rowsWritten).toBe(2 + 190);
  for (const one of away) expect(await pendingOf(one)).toHaveLength(1);
  await Promise.all(Array.from({ length: 98 }, (_, i) => send(alice, group, `${i + 2}`)));
  const before = counted.calls;
  const hundredth = await counting(group, () => send(alice, group, "100"));
  for (const inbox of watching) {
    await inbox.until(() => inbox.entry(group)?.lastMessage?.content === "100");
  }
  expect(counted.calls - before).toBeLessThanOrEqual(10);
  expect(hundredth.rowsWritten).toBe(2);
});

test("a channel of 10,000: only those are called who watch it, so many a second, with the newest state", async () => {
  const owner = await person("owner");
  const channel = await channelOf(owner);
  await seedMembers(channel, 9_999);
  await objectOf(channel).rebuild("start");
  const watchers = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      const userId = seededId(i + 1);
      return openListed(new Caller(userId, await tokenFor(userId)));
    }),
  );
  for (const inbox of watchers) await inbox.until(() => inbox.entry(channel) !== undefined);
  const shown = (content: string) =>
    Promise.all(
      watchers.map((inbox) =>
        inbox.until(() => inbox.entry(channel)?.lastMessage?.content === content),
      ),
    );
  await send(owner, channel, "first");
  await shown("first");
  await tellInboxes(channel);
  await send(owner, channel, "awake");
  await shown("awake");
  await runInDurableObject(objectOf(channel), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: sets a private option
    (object as any).open.inboxes.options.callsPerSecond = 25;
  });
  const counted = countCalls();
  const started = Date.now();
  const { rowsWritten, alarms } = await counting(channel, async () => {
    for (let i = 0; i < 20; i++) await send(owner, channel, `message ${i}`);
  });
  await shown("message 19");
  const seconds = Math.ceil((Date.now() - started) / 1_000) + 1;
  expect(counted.calls).toBeLessThanOrEqual(25 * seconds);
  expect(rowsWritten).toBe(20 * 2);
  expect(alarms).toBeLessThanOrEqual(Math.ceil(seconds / 8));
});
