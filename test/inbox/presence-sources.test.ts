import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { CONFIRMED_MS } from "../../src/domain/presence-sources.ts";
import { Hub, type Io } from "../gateway/line.ts";
import { directPair, evict, fireAlarms, objectOf, openLive } from "../support.ts";
import { inboxOf, openInbox, openListed } from "./replica.ts";
import {
  endGrace,
  evictInbox,
  fireAlarm,
  moveClock,
  presenceOver,
  rowsOf,
  stayConnected,
  stopClock,
  toldOf,
  watch,
} from "./watching.ts";

/** Connections that end without saying so, and reports that fail. */

beforeEach(() => stopClock());

const hasSources = (person: Parameters<typeof rowsOf>[0], count: number) =>
  vi.waitFor(async () => expect(await rowsOf(person, "presence_sources")).toHaveLength(count));

test("a conversation that was killed with its sockets is asked after five minutes", async () => {
  const { alice, bob, conversationId } = await directPair();
  const inbox = await openListed(alice);
  await openLive(bob, conversationId);
  await hasSources(bob, 1);
  await watch(inbox, bob);
  await killSilently(conversationId);
  expect(await presenceOver(alice, bob)).toMatchObject({ online: true });
  moveClock(CONFIRMED_MS);
  await stayConnected(inbox);
  await fireAlarm(bob);
  expect(await rowsOf(bob, "presence_sources")).toEqual([]);
  await endGrace(bob);
  await inbox.until(() => toldOf(inbox, bob).length === 2);
  expect(toldOf(inbox, bob)).toEqual([true, false]);
});

test("without watchers it is asked when somebody asks", async () => {
  const { alice, bob, conversationId } = await directPair();
  await openLive(bob, conversationId);
  await hasSources(bob, 1);
  await runInDurableObject(inboxOf(bob), async (_, { storage }) => {
    expect(await storage.getAlarm()).toBeNull();
  });
  await killSilently(conversationId);
  moveClock(CONFIRMED_MS);
  expect(await presenceOver(alice, bob)).toMatchObject({ online: true });
  moveClock(10_000);
  expect(await presenceOver(alice, bob)).toMatchObject({ online: false });
});

test("a gateway that was killed is found when the last other connection closes", async () => {
  const { alice, bob } = await directPair();
  const hub = await Hub.connect(bob);
  await hasSources(bob, 1);
  const his = await openInbox(bob);
  await runInDurableObject(hub.object as Io["object"], (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: what a crash leaves behind
    (object as any).rooms = undefined;
  });
  moveClock(CONFIRMED_MS);
  his.close();
  await hasSources(bob, 0);
  await endGrace(bob);
  expect(await presenceOver(alice, bob)).toMatchObject({ online: false });
});

test("one that has connections stays, and is not asked again for five minutes", async () => {
  const { alice, bob, conversationId } = await directPair();
  const socket = await openLive(bob, conversationId);
  await hasSources(bob, 1);
  const asked = await callsOf(
    (action) => runInDurableObject(objectOf(conversationId), action),
    "isConnected",
  );
  for (const milliseconds of [CONFIRMED_MS - 1_000, 2_000, CONFIRMED_MS - 2_000]) {
    moveClock(milliseconds);
    socket.send({ op: "history", id: milliseconds });
    await socket.next("sync", ({ id }) => id === milliseconds);
    await presenceOver(alice, bob);
  }
  expect(asked).toEqual(["isConnected"]);
  expect(await presenceOver(alice, bob)).toMatchObject({ online: true });
  expect(await rowsOf(bob, "presence_sources")).toHaveLength(1);
});

test("an inbox that was killed with its sockets goes offline with its next alarm", async () => {
  const { alice, bob } = await directPair();
  const inbox = await openListed(alice);
  await openInbox(bob);
  await watch(inbox, bob);
  await evictInbox(bob, { webSockets: "close" });
  moveClock(CONFIRMED_MS);
  await stayConnected(inbox);
  await fireAlarm(bob);
  await endGrace(bob);
  await inbox.until(() => toldOf(inbox, bob).length === 2);
  expect(toldOf(inbox, bob)).toEqual([true, false]);
});

test("a report that fails is repeated with the alarm of the conversation, also after it hibernated", async () => {
  const { alice, bob, conversationId } = await directPair();
  await breakInbox(bob, true);
  await fireAlarms(conversationId);
  await openLive(bob, conversationId);
  await vi.waitFor(() =>
    runInDurableObject(objectOf(conversationId), async (_, { storage }) => {
      expect(await storage.getAlarm()).not.toBeNull();
    }),
  );
  expect(await presenceOver(alice, bob)).toMatchObject({ online: false });
  await evict(conversationId);
  await breakInbox(bob, false);
  moveClock(1_000);
  await runDurableObjectAlarm(objectOf(conversationId));
  await hasSources(bob, 1);
  expect(await presenceOver(alice, bob)).toMatchObject({ online: true });
});

test("reports that failed at different times are all repeated", async () => {
  const { alice, bob, conversationId } = await directPair();
  const failures = (person: typeof bob) =>
    runInDurableObject(objectOf(conversationId), (object) => {
      // biome-ignore lint/suspicious/noExplicitAny: looks at a private field
      return (object as any).open.reports.pending.get(person.userId)?.failures;
    });
  const hasFailed = (person: typeof bob, times: number) =>
    vi.waitFor(async () => expect(await failures(person)).toBe(times));
  for (const person of [alice, bob]) await breakInbox(person, true);
  await openLive(bob, conversationId);
  await hasFailed(bob, 1);
  moveClock(1_000);
  await runDurableObjectAlarm(objectOf(conversationId));
  // Bob's waits two seconds now, and alice's one.
  await hasFailed(bob, 2);
  await openLive(alice, conversationId);
  await hasFailed(alice, 1);
  for (const person of [alice, bob]) await breakInbox(person, false);
  moveClock(1_000);
  await runDurableObjectAlarm(objectOf(conversationId));
  await hasSources(alice, 1);
  moveClock(2_000);
  await fireAlarms(conversationId);
  await hasSources(bob, 1);
});

test("a gateway's report that fails is repeated", async () => {
  const { alice, bob } = await directPair();
  await breakInbox(bob, true);
  await Hub.connect(bob);
  expect(await presenceOver(alice, bob)).toMatchObject({ online: false });
  await breakInbox(bob, false);
  await vi.waitFor(
    async () => expect(await rowsOf(bob, "presence_sources")).toHaveLength(1),
    5_000,
  );
  expect(await presenceOver(alice, bob)).toMatchObject({ online: true });
});

test("a conversation that hibernated reports the end of sockets from before, and no arrival twice", async () => {
  const { bob, conversationId } = await directPair();
  const socket = await openLive(bob, conversationId);
  await hasSources(bob, 1);
  await evict(conversationId);
  const calls = await callsOf(
    (action) => runInDurableObject(inboxOf(bob), action),
    "arrived",
    "left",
  );
  const second = await openLive(bob, conversationId);
  second.close();
  socket.close();
  await hasSources(bob, 0);
  expect(calls).toEqual(["left"]);
});

test("reports that arrive in another order than they were made change nothing", async () => {
  const { alice, bob } = await directPair();
  const source = ["conversation", crypto.randomUUID()] as const;
  const now = Date.now();
  await runInDurableObject(inboxOf(bob), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: its RPC
    const inbox = object as any;
    inbox.left(source, now + 2);
    inbox.arrived(source, now + 1);
  });
  expect(await presenceOver(alice, bob)).toMatchObject({ online: false });
  expect(await rowsOf(bob, "presence_sources")).toEqual([]);
});

/** What a crash leaves behind: no sockets, and no report of it. */
function killSilently(conversationId: string): Promise<void> {
  return runInDurableObject(objectOf(conversationId), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: replaces private methods
    const { sessions, reports } = (object as any).open;
    reports.changed = () => undefined;
    for (const session of sessions.all()) sessions.leave(session, 1012);
  });
}

/** The calls of methods of an object's RPC from now on. */
async function callsOf(
  run: (action: (instance: object) => void) => Promise<void>,
  ...methods: string[]
): Promise<string[]> {
  const calls: string[] = [];
  await run((instance) => {
    for (const name of methods) {
      // biome-ignore lint/suspicious/noExplicitAny: wraps methods of a class
      const type: any = Object.getPrototypeOf(instance);
      const real = type[name];
      const spy = vi.spyOn(type, name).mockImplementation(function (this: unknown, ...parameters) {
        if (this === instance) calls.push(name);
        return real.apply(this, parameters);
      });
      onTestFinished(() => spy.mockRestore());
    }
  });
  return calls;
}

/** Has the reports to an inbox fail, or succeed again. */
function breakInbox(person: Parameters<typeof inboxOf>[0], isBroken: boolean): Promise<void> {
  return runInDurableObject(inboxOf(person), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: replaces a private method
    const { presence } = object as any;
    if (!isBroken) delete presence.arrived;
    else {
      presence.arrived = () => {
        throw new Error("broken");
      };
    }
  });
}
