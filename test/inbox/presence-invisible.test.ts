import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { Hub } from "../gateway/line.ts";
import {
  type Caller,
  channelOf,
  evict,
  groupOf,
  objectOf,
  openLive,
  person,
  send,
} from "../support.ts";
import { connectBy, onlineAt, WAYS, type Way } from "./connections.ts";
import { type InboxReplica, openListed } from "./replica.ts";
import { evictInbox, fireAlarm } from "./watching.ts";

/** Who is invisible is shown as offline in the conversations that they are connected to, however that is. */

async function setInvisible(inbox: InboxReplica, invisible: boolean): Promise<void> {
  const id = crypto.randomUUID();
  inbox.send({ op: "set", id, invisible });
  await inbox.until(() => inbox.events.some((event) => event.type === "ack" && event.id === id));
}

/** Makes a person invisible, and leaves their inbox. */
async function hide(caller: Caller): Promise<void> {
  const inbox = await openListed(caller);
  await setInvisible(inbox, true);
  inbox.close();
}

async function group() {
  const [alice, bob, carol] = [await person("alice"), await person("bob"), await person("carol")];
  return { alice, bob, carol, id: await groupOf(alice, bob, carol) };
}

/** The last event of somebody's presence that a SignalR client was sent. */
function lastOf(hub: Hub, { userId }: Caller): string | undefined {
  return hub.messages().findLast(({ target, arguments: [about] = [] }) => {
    return (target === "UserOnline" || target === "UserOffline") && about.userId === userId;
  })?.target;
}

/** Waits until the conversation knows what the inbox of somebody says. */
function reported(conversationId: string, { userId }: Caller): Promise<void> {
  return vi.waitFor(() =>
    runInDurableObject(objectOf(conversationId), (object) => {
      // biome-ignore lint/suspicious/noExplicitAny: looks at a private field
      expect((object as any).open.presences.visibleOf(userId)).toBeDefined();
    }),
  );
}

describe.each(WAYS)("connected by %s", (way: Way) => {
  test("an invisible user is in no list of who is online, and no event says so", async () => {
    const { alice, bob, carol, id } = await group();
    await hide(bob);
    const a = await openLive(alice, id);
    const hub = await Hub.connect(alice);
    await hub.ask("JoinConversation", id);
    const connection = await connectBy(way, bob, id);
    await reported(id, bob);
    await evict(id);
    const c = await openLive(carol, id);
    expect(c.all("hello")[0]?.online).not.toContain(bob.userId);
    const joined = await Hub.connect(carol);
    const { online } = await joined.ask("JoinConversation", id);
    expect(online).toContain(alice.userId);
    expect(online).not.toContain(bob.userId);
    connection.close();
    await send(bob, id, "last");
    await a.next("message");
    await hub.until("ReceiveMessage", 1);
    for (const socket of [a, c]) {
      expect(socket.all("presence").filter(({ userId }) => userId === bob.userId)).toEqual([]);
    }
    const events = [...hub.all("UserOnline"), ...hub.all("UserOffline")];
    expect(events.filter(({ userId }) => userId === bob.userId)).toEqual([]);
  });

  test("becoming invisible looks like leaving, and the opposite like coming, also after hibernation", async () => {
    const { alice, bob, id } = await group();
    const inbox = await openListed(bob);
    await connectBy(way, bob, id);
    const a = await openLive(alice, id);
    const hub = await Hub.connect(alice);
    await hub.ask("JoinConversation", id);
    await a.until(() => onlineAt(a).includes(bob.userId));
    for (const round of [1, 2]) {
      if (round === 2) {
        await evict(id);
        await evictInbox(bob);
      }
      await setInvisible(inbox, true);
      await a.until(() => !onlineAt(a).includes(bob.userId));
      await hub.line.until(() => lastOf(hub, bob) === "UserOffline");
      const again = await openLive(alice, id);
      expect(again.all("hello")[0]?.online).toEqual([alice.userId]);
      again.close();
      await setInvisible(inbox, false);
      await a.until(() => onlineAt(a).includes(bob.userId));
      await hub.line.until(() => lastOf(hub, bob) === "UserOnline");
    }
  });

  test("a conversation that cannot be reached is told by the next alarm", async () => {
    const { alice, bob, id } = await group();
    const inbox = await openListed(bob);
    await connectBy(way, bob, id);
    const a = await openLive(alice, id);
    await a.until(() => onlineAt(a).includes(bob.userId));
    const broken = await runInDurableObject(objectOf(id), (object) => {
      // biome-ignore lint/suspicious/noExplicitAny: replaces a private method
      const { presences } = (object as any).open;
      const learn = presences.learn.bind(presences);
      // What is said of others is taken: alice's inbox may still be telling of her own connection.
      return vi.spyOn(presences, "learn").mockImplementation((userId, ...said) => {
        if (userId === bob.userId) throw new Error("broken");
        learn(userId, ...said);
      });
    });
    await setInvisible(inbox, true);
    await vi.waitFor(() =>
      expect(broken).toHaveBeenCalledWith(
        bob.userId,
        expect.objectContaining({ visible: false }),
        expect.anything(),
      ),
    );
    broken.mockRestore();
    await vi.waitFor(async () => {
      await fireAlarm(bob);
      expect(onlineAt(a)).toEqual([alice.userId]);
    });
  });
});

test("the number of those who are online in a large conversation does not count them", async () => {
  const [alice, bob, carol] = [await person("alice"), await person("bob"), await person("carol")];
  const id = await channelOf(alice, [bob, carol]);
  await hide(bob);
  const b = await openLive(bob, id);
  await reported(id, bob);
  await runInDurableObject(objectOf(id), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: as if there were so many members
    (object as any).open.memory.counters.memberCount = 201;
  });
  expect((await openLive(carol, id)).all("hello")[0]?.online).toBe(1);
  b.close();
});

test("nobody is shown whose inbox cannot be reached", async () => {
  const { alice, bob, id } = await group();
  const a = await openLive(alice, id);
  await reported(id, alice);
  await runInDurableObject(objectOf(id), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: replaces a private method
    const { reports, presences } = (object as any).open;
    // Nothing is known of them by following them.
    presences.options.isFollowing = () => false;
    presences.membersChanged([]);
    const { stubOf } = reports.options;
    reports.options.stubOf = () => {
      reports.options.stubOf = stubOf;
      throw new Error("out of reach");
    };
  });
  await openLive(bob, id);
  await send(bob, id, "hello");
  await a.next("message");
  expect(onlineAt(a)).toEqual([alice.userId]);
  await vi.waitFor(
    async () => {
      await runInDurableObject(objectOf(id), (object) =>
        // biome-ignore lint/suspicious/noExplicitAny: its alarm
        (object as any).open.reports.catchUp(),
      );
      expect(onlineAt(a)).toEqual([alice.userId, bob.userId].sort());
    },
    { timeout: 10_000 },
  );
});
