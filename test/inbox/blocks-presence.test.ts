import { beforeEach, describe, expect, test, vi } from "vitest";
import { BLOCKS, block, unblock } from "../rest/blocked.ts";
import { type Caller, directPair, groupOf, person } from "../support.ts";
import { throughCalls } from "./blocking.ts";
import { type InboxReplica, openInbox, openListed } from "./replica.ts";
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
  watch,
} from "./watching.ts";

/** Across a block neither sees the other online, whoever blocks. */

beforeEach(() => stopClock());

const unseen = (other: Caller) => ({ id: other.userId, online: false, lastSeenAt: null });
const lastOf = (inbox: InboxReplica, other: Caller) =>
  inbox.events.findLast((event) => event.type === "presence" && event.userId === other.userId);

describe.each(["who blocks", "who is blocked"])("the one %s", (side) => {
  /** Alice looks; bob is looked at. */
  async function world() {
    const { alice, bob } = await directPair();
    const [blocker, blocked] = side === "who blocks" ? [alice, bob] : [bob, alice];
    return { alice, bob, blocker, blocked };
  }

  test("is told that the other is offline, and nothing more until the block is lifted", async () => {
    const { alice, bob, blocker, blocked } = await world();
    const inbox = await openListed(alice);
    await openInbox(bob);
    await watch(inbox, bob);
    expect(toldOf(inbox, bob)).toEqual([true]);
    await block(blocker, blocked);
    await inbox.until(() => toldOf(inbox, bob).length === 2);
    expect(lastOf(inbox, bob)).toEqual({ type: "presence", userId: bob.userId, online: false });
    const before = toldOf(inbox, bob).length;
    for (let i = 0; i < 2; i++) {
      const more = await openInbox(bob);
      more.close();
    }
    expect(toldOf(inbox, bob).slice(before)).not.toContain(true);
    await unblock(blocker, blocked);
    await inbox.until(() => toldOf(inbox, bob).at(-1) === true);
  });

  test("is not told when the other comes and goes, nor of when they were last seen", async () => {
    const { alice, bob, blocker, blocked } = await world();
    const inbox = await openListed(alice);
    await watch(inbox, bob);
    await block(blocker, blocked);
    const his = await openInbox(bob);
    his.close();
    await leaving(bob);
    await endGrace(bob);
    await vi.waitFor(async () => {
      const [row] = await rowsOf(bob, "presence");
      expect([row?.["online"], row?.["told"]]).toEqual([0, row?.["version"]]);
    });
    expect(toldOf(inbox, bob)).not.toContain(true);
    expect(lastOf(inbox, bob)).not.toHaveProperty("lastSeenAt");
  });

  test("sees nothing when they begin to watch, nor over REST; also after hibernation", async () => {
    const { alice, bob, blocker, blocked } = await world();
    await openInbox(bob);
    expect(await presenceOver(alice, bob)).toMatchObject({ online: true });
    await block(blocker, blocked);
    for (let i = 0; i < 2; i++) {
      const inbox = await openListed(alice);
      await watch(inbox, bob);
      expect(toldOf(inbox, bob)).toEqual([false]);
      expect(await presenceOver(alice, bob)).toStrictEqual(unseen(bob));
      await evictInbox(alice);
      await evictInbox(bob);
    }
    await unblock(blocker, blocked);
    expect(await presenceOver(alice, bob)).toMatchObject({ online: true });
  });

  test("is told also where both inboxes hibernate", async () => {
    const { alice, bob, blocker, blocked } = await world();
    const inbox = await openListed(alice);
    await openInbox(bob);
    await watch(inbox, bob);
    await evictInbox(alice);
    await evictInbox(bob);
    await block(blocker, blocked);
    moveClock(10_000);
    await fireAlarm(bob);
    await inbox.until(() => toldOf(inbox, bob).at(-1) === false);
  });
});

test("others are told nothing, and see both", async () => {
  const [alice, bob, carol] = [await person("alice"), await person("bob"), await person("carol")];
  await groupOf(carol, alice, bob);
  await openInbox(bob);
  await openInbox(alice);
  const inbox = await openListed(carol);
  await watch(inbox, alice, bob);
  const before = inbox.events.length;
  await block(alice, bob);
  await unblock(alice, bob);
  await block(bob, alice);
  await watch(inbox, alice, bob);
  expect(
    inbox.events
      .slice(before)
      .flatMap((event) => (event.type === "presence" ? [event.online] : [])),
  ).toEqual([true, true]);
  expect(await presenceOver(carol, bob)).toMatchObject({ online: true });
});

test("the other is offline before the conversations have the block", async () => {
  const { alice, bob } = await directPair();
  const inbox = await openListed(bob);
  await openInbox(alice);
  await watch(inbox, alice);
  const held = Promise.withResolvers<void>();
  await throughCalls(() => held.promise);
  const blocking = alice.put(BLOCKS, { userId: bob.userId });
  await inbox.until(() => toldOf(inbox, alice).at(-1) === false);
  held.resolve();
  await blocking;
});
