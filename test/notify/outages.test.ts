import { runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { inboxOf } from "../inbox/replica.ts";
import { rowsOf, usedBy } from "../inbox/watching.ts";
import {
  type Caller,
  directPair,
  fireAlarms,
  groupOf,
  objectOf,
  openLive,
  person,
  send,
} from "../support.ts";
import type { Host } from "./host.ts";
import {
  checked,
  evictInbox,
  later,
  notifiedHost,
  toldOf,
  undoNotified,
  untilTold,
} from "./notified.ts";

/** The host application does not answer for a while: from the message to its delivery, by the real alarm. */

undoNotified();

const MINUTE = 60_000;

const ids = (told: Record<string, unknown>[]) => told.map(({ id }) => id);

/** Resolves once an inbox has stored so many failed deliveries. */
async function untilStored(who: Caller, count: number): Promise<void> {
  await vi.waitFor(async () => {
    await checked(who);
    expect(await rowsOf(who, "deliveries")).toHaveLength(count);
  });
}

/** The members whose inboxes a conversation calls. */
function armedIn(conversationId: string): Promise<unknown[]> {
  return runInDurableObject(objectOf(conversationId), (_, { storage: { sql } }) =>
    sql
      .exec("SELECT user_id FROM armed")
      .toArray()
      .map(({ user_id }) => user_id),
  );
}

/** What has arrived for a person, accepted or not. */
async function arrivedFor(host: Host, { userId }: Caller) {
  return (await host.arrived())
    .map(({ raw }) => JSON.parse(raw))
    .filter((b) => b.userId === userId);
}

/** Moves the clock step by step, with an eviction before each alarm. */
async function passing(milliseconds: number, step: number, who: Caller): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += step) {
    await evictInbox(who);
    await later(step, who);
  }
}

test("down for an hour: nothing is lost, nothing comes twice, and requests are few", async () => {
  const host = await notifiedHost();
  const [alice, bob] = [await person("alice"), await person("bob")];
  const groups = await Promise.all(Array.from({ length: 5 }, () => groupOf(alice, bob)));
  await host.answers({ status: 503 });
  for (const group of groups) await send(alice, group, `in ${group}`);
  await untilStored(bob, groups.length);
  await passing(60 * MINUTE, 2 * MINUTE, bob);
  const arrived = await arrivedFor(host, bob);
  expect(arrived.length).toBeLessThan(20);
  await host.answers({ status: 204 });
  await passing(20 * MINUTE, 2 * MINUTE, bob);
  const told = await toldOf(host, bob);
  expect(new Set(told.map(({ conversation }) => (conversation as { id: string }).id))).toEqual(
    new Set(groups),
  );
  expect(told).toHaveLength(groups.length);
  // What arrived before has kept its id.
  expect(ids(told)).toEqual(expect.arrayContaining(ids(arrived)));
  await passing(60 * MINUTE, 10 * MINUTE, bob);
  expect(await toldOf(host, bob)).toHaveLength(groups.length);
  expect(await rowsOf(bob, "deliveries")).toEqual([]);
  expect(await runInDurableObject(inboxOf(bob), (_, state) => state.storage.getAlarm())).toBeNull();
});

test("a message that comes between a failure and its retry is told once: by the next notification, not the retry", async () => {
  const host = await notifiedHost();
  const { alice, bob, conversationId } = await directPair();
  await host.answers({ status: 500 }, { status: 204 });
  await send(alice, conversationId, "first");
  await untilStored(bob, 1);
  await later(3_000, bob);
  await send(alice, conversationId, "second");
  await later(5_000, bob);
  // However much comes meanwhile: a refusal costs the pause behind it.
  expect(await toldOf(host, bob)).toMatchObject([{ message: { preview: "first" } }]);
  for (let i = 0; i < 2; i++) {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31_000 });
    // The conversation calls an inbox that only notifies every 30 seconds.
    await fireAlarms(conversationId);
    await checked(bob);
  }
  expect(await toldOf(host, bob)).toMatchObject([
    { message: { preview: "first" } },
    { unread: 2, message: { preview: "second" } },
  ]);
});

test("what is read during an outage is not told after it, but that it was read is", async () => {
  const host = await notifiedHost();
  const { alice, bob, conversationId } = await directPair();
  await host.answers({ status: 500 });
  await send(alice, conversationId, "hello");
  await untilStored(bob, 1);
  await bob.patch(`/api/chat/${conversationId}/messages/read`);
  await host.answers({ status: 204 });
  await passing(5 * MINUTE, MINUTE, bob);
  expect(await toldOf(host, bob)).toMatchObject([
    { type: "notification-read", conversation: { id: conversationId } },
  ]);
});

test("others are not delayed by a user whom the host does not answer", async () => {
  const host = await notifiedHost();
  const first = await directPair();
  const second = await directPair();
  await host.answers("hang", { status: 204 });
  await send(first.alice, first.conversationId, "hangs");
  await host.untilArrived(1);
  await send(second.alice, second.conversationId, "hello");
  await untilTold(host, second.bob, 1);
  expect(await toldOf(host, first.bob)).toEqual([]);
});

test("410 stops until the user comes back; nothing is stored of them meanwhile", async () => {
  const host = await notifiedHost();
  const { alice, bob, conversationId } = await directPair();
  await host.answers({ status: 410 });
  await send(alice, conversationId, "hello");
  await vi.waitFor(async () => {
    expect(await rowsOf(bob, "delivery_receivers")).toMatchObject([{ stopped: 1 }]);
  });
  await host.answers({ status: 204 });
  await send(alice, conversationId, "more");
  await passing(10 * MINUTE, 5 * MINUTE, bob);
  expect(await host.arrived()).toHaveLength(1);
  expect(await rowsOf(bob, "deliveries")).toEqual([]);
});

test("410 stops until the user comes back, in one conversation: then all of them call again", async () => {
  const host = await notifiedHost();
  const { alice, bob, conversationId } = await directPair();
  const group = await groupOf(alice, bob);
  await host.answers({ status: 410 });
  await send(alice, conversationId, "hello");
  await vi.waitFor(async () => {
    expect(await rowsOf(bob, "delivery_receivers")).toMatchObject([{ stopped: 1 }]);
  });
  await host.answers({ status: 204 });
  await later(31_000, bob);
  // The conversation learns that the inbox wants no calls.
  await send(alice, conversationId, "nobody is told");
  await fireAlarms(conversationId);
  await vi.waitFor(async () => expect(await armedIn(conversationId)).not.toContain(bob.userId));
  const socket = await openLive(bob, group);
  await vi.waitFor(async () => {
    await fireAlarms(group);
    expect(await rowsOf(bob, "delivery_receivers")).toEqual([]);
  });
  socket.close();
  await vi.waitFor(async () => {
    await send(alice, conversationId, "bob is told");
    await fireAlarms(conversationId);
    await checked(bob);
    expect(await toldOf(host, bob)).toMatchObject([{ message: { preview: "bob is told" } }]);
  });
});

test("rows of an outage: two at its beginning, two for each request, two at its end", async () => {
  const host = await notifiedHost();
  const { alice, bob, conversationId } = await directPair();
  // The tables, once in the life of a user.
  await host.answers({ status: 500 }, { status: 204 });
  await send(alice, conversationId, "hello");
  await untilStored(bob, 1);
  await later(MINUTE, bob);
  await untilTold(host, bob, 1);

  // What comes after a retry waits for as long as behind any other notification.
  await later(MINUTE, bob);
  await host.answers({ status: 500 });
  await send(alice, conversationId, "again");
  await untilStored(bob, 1);
  const failing = await usedBy(bob, () => later(MINUTE, bob));
  expect(failing).toMatchObject({ rowsWritten: 2 });
  await host.answers({ status: 204 });
  const accepted = await usedBy(bob, () => later(20 * MINUTE, bob));
  expect(accepted).toMatchObject({ rowsWritten: 2, alarms: 0 });
});
