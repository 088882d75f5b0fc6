import { runInDurableObject } from "cloudflare:test";
import { beforeEach, expect, test, vi } from "vitest";
import operations from "../../docs/operations.md?raw";
import { MAX_WATCHERS } from "../../src/domain/presence.ts";
import { type Caller, directPair, groupOf, openLive, person } from "../support.ts";
import { type InboxReplica, inboxOf, openInbox, openListed } from "./replica.ts";
import {
  endGrace,
  evictInbox,
  fireAlarm,
  leaving,
  moveClock,
  presenceOver,
  rowsOf,
  stopClock,
  toldOf,
  type Used,
  usedBy,
  watch,
} from "./watching.ts";

/** What presence costs, by the platform's counters, and its bounds. */

beforeEach(() => stopClock());

/** Rows written, alarms included. */
function rows({ rowsWritten, alarms }: Used): number {
  return rowsWritten + alarms;
}

/**
 * Creates the tables of an inbox, which is counted once in the life of a user, and has it know that their
 * conversation is new.
 */
async function prepare(...people: Caller[]): Promise<void> {
  for (const one of people) {
    await vi.waitFor(async () => expect(await rowsOf(one, "pending")).toHaveLength(1));
    await runInDurableObject(inboxOf(one), (object, { storage }) => {
      storage.sql.exec("DELETE FROM pending");
      // biome-ignore lint/suspicious/noExplicitAny: calls a private method
      (object as any).presence.create();
    });
  }
}

/** The figures in the paragraph about presence in docs/operations.md, in order. */
function documented(): number[] {
  const [, paragraph = ""] = /\*\*Presence of users\*\*(.*)/.exec(operations) ?? [];
  return [...paragraph.matchAll(/(\d+) rows?\b/g)].map(([, count]) => Number(count));
}

test("rows of connecting, disconnecting, and a socket of a conversation are the documented ones", async () => {
  const { alice, bob, conversationId } = await directPair();
  await prepare(alice, bob);
  const connecting = await usedBy(bob, () => openListed(bob));
  const inbox = await openListed(alice);
  expect(rows(connecting)).toBe(1);
  let socket: Awaited<ReturnType<typeof openLive>> | undefined;
  const arriving = await usedBy(bob, async () => {
    socket = await openLive(bob, conversationId);
    await vi.waitFor(async () => expect(await rowsOf(bob, "presence_sources")).toHaveLength(1));
  });
  expect([rows(arriving), arriving.calls]).toEqual([1, ["arrived"]]);
  const departing = await usedBy(bob, async () => {
    socket?.close();
    await vi.waitFor(async () => expect(await rowsOf(bob, "presence_sources")).toHaveLength(0));
  });
  expect([rows(departing), departing.calls]).toEqual([1, ["left"]]);
  const disconnecting = await usedBy(alice, async () => {
    inbox.close();
    await leaving(alice);
    await endGrace(alice);
  });
  expect(rows(disconnecting)).toBe(3);
  expect(documented().slice(0, 4)).toEqual([1, 3, 1, 1]);
});

test("watching 50 users, and a transition that 50 watch: calls and rows are the documented ones", async () => {
  const alice = await person("alice");
  const others: Caller[] = [];
  for (let i = 0; i < 50; i++) others.push(await person("other"));
  await groupOf(alice, ...others);
  const inbox = await openListed(alice);
  await prepare(...others);
  const [bob] = others;
  if (!bob) throw new Error("nobody");
  let atOne: Used | undefined;
  const watching = await usedBy(alice, async () => {
    atOne = await usedBy(bob, () => watch(inbox, ...others));
  });
  // One row for the socket; one in each of the watched users' inboxes, which is called once.
  expect(rows(watching)).toBe(1);
  expect(atOne && [rows(atOne), atOne.calls]).toEqual([1, ["watch"]]);
  const again = await usedBy(bob, () => watch(inbox, ...others));
  expect([rows(again), again.calls]).toEqual([0, ["watch"]]);

  const watchers: InboxReplica[] = [];
  for (const one of others) {
    const socket = await openListed(one);
    await watch(socket, alice);
    watchers.push(socket);
  }
  const transition = await usedBy(alice, async () => {
    inbox.send({ op: "set", id: 1, invisible: true });
    await Promise.all(
      watchers.map((socket) => socket.until(() => toldOf(socket, alice).length === 2)),
    );
    await vi.waitFor(async () => {
      const [state] = await rowsOf(alice, "presence");
      expect(state?.["told"]).toBe(state?.["version"]);
    });
    await fireAlarm(alice);
  });
  expect(transition.calls).toEqual([]);
  // The state, that all were told, and the alarm twice: to check that, and to ask after five minutes.
  expect(rows(transition)).toBe(4);
  expect(documented().slice(4)).toEqual([1, 1, 4]);
});

test("flapping: twenty connections within a minute tell watchers at most 12 times", async () => {
  const { alice, bob } = await directPair();
  const inbox = await openListed(alice);
  await watch(inbox, bob);
  const { calls } = await usedBy(alice, async () => {
    for (let i = 0; i < 20; i++) {
      const his = await openInbox(bob);
      his.close();
      await leaving(bob);
      moveClock(3_000);
      await fireAlarm(bob);
    }
  });
  expect(calls.length).toBeLessThanOrEqual(12);
  expect(calls.length).toBe(1);
});

test("the newest thousand watchers are kept; one that is dropped is told so", async () => {
  const { alice, bob } = await directPair();
  const inbox = await openListed(alice);
  await watch(inbox, bob);
  await runInDurableObject(inboxOf(bob), async (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: adds watchers without their inboxes
    const { watchers } = (object as any).presence;
    for (let i = 1; i < MAX_WATCHERS; i++) watchers.add(["user", `nobody-${i}`]);
  });
  expect(await rowsOf(bob, "watchers")).toHaveLength(MAX_WATCHERS);
  expect(inbox.events.some(({ type }) => type === "unwatched")).toBe(false);
  await runInDurableObject(inboxOf(bob), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    (object as any).presence.watchers.add(["user", "one-more"]);
  });
  await inbox.until(() => inbox.events.some(({ type }) => type === "unwatched"));
  expect(inbox.events.at(-1)).toEqual({ type: "unwatched", userIds: [bob.userId] });
  expect(await rowsOf(bob, "watchers")).toHaveLength(MAX_WATCHERS);
  expect(await rowsOf(alice, "watched")).toEqual([]);
});

test("a watcher that could not be told is told with the next alarm; so are all after a crash", async () => {
  const { alice, bob } = await directPair();
  const inbox = await openListed(alice);
  await watch(inbox, bob);
  const broken = await runInDurableObject(inboxOf(alice), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: replaces a private method
    const { watching } = object as any;
    return vi.spyOn(watching, "take").mockImplementation(() => {
      throw new Error("broken");
    });
  });
  await openInbox(bob);
  await vi.waitFor(() => expect(broken).toHaveBeenCalled());
  expect(await presenceOver(alice, bob)).toMatchObject({ online: true });
  broken.mockRestore();
  moveClock(1_000);
  await fireAlarm(bob);
  await inbox.until(() => toldOf(inbox, bob).length === 2);
  await vi.waitFor(async () => expect(await rowsOf(bob, "presence")).toMatchObject([{ told: 1 }]));
  await runInDurableObject(inboxOf(bob), (_, { storage: { sql } }) => {
    sql.exec("UPDATE presence SET version = 2, told = 1, invisible = 1");
  });
  await evictInbox(bob);
  await fireAlarm(bob);
  await inbox.until(() => toldOf(inbox, bob).length === 3);
  expect(toldOf(inbox, bob)).toEqual([false, true, false]);
});
