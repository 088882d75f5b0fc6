import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import operations from "../../docs/operations.md?raw";
import { MAX_FOLLOWED, MAX_FOLLOWING } from "../../src/domain/presence.ts";
import { putPlace } from "../../src/inbox/presence/tables.ts";
import { Hub, Io } from "../gateway/line.ts";
import { block, unblock } from "../rest/blocked.ts";
import {
  type Caller,
  directPair,
  evict,
  fireAlarms,
  groupOf,
  objectOf,
  openLive,
  person,
  type Socket,
  send,
} from "../support.ts";
import { connectBy, onlineAt, WAYS } from "./connections.ts";
import { inboxOf, openInbox, openListed } from "./replica.ts";
import { evictInbox, leaving, rowsOf, usedBy } from "./watching.ts";

/** In conversations that are not large, members are online wherever they are connected. */

const HOUR_MS = 60 * 60_000;

describe("somebody who is connected to something else", () => {
  test.each(WAYS)("is online by %s of another conversation, until it ends", async (way) => {
    const { alice, bob, conversationId } = await directPair();
    const other = await groupOf(bob, await person("carol"));
    const a = await openLive(alice, conversationId);
    expect(onlineAt(a)).toEqual([alice.userId]);
    const connection = await connectBy(way, bob, other);
    await a.until(() => onlineAt(a).includes(bob.userId));
    connection.close();
    await a.until(() => !onlineAt(a).includes(bob.userId));
  });

  test("is online by their inbox alone, for whoever comes next, in every protocol", async () => {
    const { alice, bob, conversationId } = await directPair();
    const inbox = await openListed(bob);
    const a = await openLive(alice, conversationId);
    await a.until(() => onlineAt(a).includes(bob.userId));
    const hub = await Hub.connect(alice);
    const { online } = await hub.ask("JoinConversation", conversationId);
    expect(online.toSorted()).toEqual([alice.userId, bob.userId].sort());
    expect((await openLive(alice, conversationId)).all("hello")[0]?.online).toContain(bob.userId);
    inbox.close();
    await hub.until("UserOffline", 1);
    await a.until(() => !onlineAt(a).includes(bob.userId));
    expect(hub.all("UserOffline")).toMatchObject([{ conversationId, userId: bob.userId }]);
  });

  test("stays online when they leave the conversation, and is offline when all has ended", async () => {
    const { alice, bob, conversationId } = await directPair();
    const a = await openLive(alice, conversationId);
    const inbox = await openListed(bob);
    const b = await openLive(bob, conversationId);
    await a.until(() => onlineAt(a).includes(bob.userId));
    const sources = (count: number) =>
      vi.waitFor(async () => expect(await rowsOf(bob, "presence_sources")).toHaveLength(count), {
        timeout: 5_000,
      });
    // Before his inbox knows of it there is nothing to leave.
    await sources(1);
    b.close();
    await sources(0);
    await send(alice, conversationId, "still there?");
    await a.next("message");
    await a.until(() => onlineAt(a).includes(bob.userId));
    inbox.close();
    await a.until(() => !onlineAt(a).includes(bob.userId));
  });

  test("is told of by an inbox, and to a conversation, that hibernated", async () => {
    const { alice, bob, conversationId } = await directPair();
    const a = await openLive(alice, conversationId);
    await followed(bob, 1);
    const hibernate = async () => {
      await evict(conversationId);
      await evictInbox(bob);
    };
    await hibernate();
    let inbox = await openInbox(bob);
    await a.until(() => onlineAt(a).includes(bob.userId));
    await hibernate();
    inbox.close();
    await a.until(() => !onlineAt(a).includes(bob.userId));
    await hibernate();
    inbox = await openInbox(bob);
    await a.until(() => onlineAt(a).includes(bob.userId));
    await hibernate();
    // Who comes next is told, although the conversation has forgotten it.
    const second = await openLive(alice, conversationId);
    await second.until(() => onlineAt(second).includes(bob.userId));
    inbox.close();
    for (const socket of [a, second]) {
      await socket.until(() => !onlineAt(socket).includes(bob.userId));
    }
  });

  test.each([
    ["of few", 3],
    ["of many", MAX_FOLLOWED],
  ])("is offline if their socket closes while the conversation %s sleeps", async (_, members) => {
    const { alice, bob, conversationId } = await directPair();
    const [a, b] = [await openLive(alice, conversationId), await openLive(bob, conversationId)];
    await a.until(() => onlineAt(a).includes(bob.userId));
    await vi.waitFor(async () => expect(await rowsOf(bob, "presence_sources")).toHaveLength(1));
    await runInDurableObject(objectOf(conversationId), (_, { storage: { sql } }) => {
      sql.exec("UPDATE counters SET member_count = ?", members);
    });
    await evict(conversationId);
    await evictInbox(bob);
    b.close();
    await a.until(() => !onlineAt(a).includes(bob.userId));
    await vi.waitFor(async () => expect(await rowsOf(bob, "presence_sources")).toEqual([]));
  });

  test.each([
    ["Socket.IO", Io],
    ["SignalR", Hub],
  ] as const)("is offline if their connection of %s closes while it sleeps", async (_, Client) => {
    const { alice, bob, conversationId } = await directPair();
    const a = await openLive(alice, conversationId);
    const his = await Client.connect(bob);
    await a.until(() => onlineAt(a).includes(bob.userId));
    await vi.waitFor(async () => expect(await rowsOf(bob, "presence_sources")).toHaveLength(1));
    await his.evict();
    his.line.socket.close();
    await a.until(() => !onlineAt(a).includes(bob.userId));
  });

  test("is online although their inbox could not be reached at first", async () => {
    const { alice, bob, conversationId } = await directPair();
    const broken = await runInDurableObject(inboxOf(bob), (object) =>
      // biome-ignore lint/suspicious/noExplicitAny: replaces a private method
      vi.spyOn((object as any).presence, "follow").mockImplementation(() => {
        throw new Error("broken");
      }),
    );
    const a = await openLive(alice, conversationId);
    await vi.waitFor(() => expect(broken).toHaveBeenCalled());
    broken.mockRestore();
    await openInbox(bob);
    await vi.waitFor(
      async () => {
        await fireAlarms(conversationId);
        expect(onlineAt(a)).toContain(bob.userId);
      },
      { timeout: 5_000 },
    );
  });

  test("is not shown while invisible", async () => {
    const { alice, bob, conversationId } = await directPair();
    const inbox = await openListed(bob);
    inbox.send({ op: "set", id: 1, invisible: true });
    await inbox.until(() => inbox.events.some(({ type }) => type === "ack"));
    const a = await openLive(alice, conversationId);
    await followed(bob, 1);
    expect(onlineAt(a)).toEqual([alice.userId]);
    inbox.send({ op: "set", id: 2, invisible: false });
    await a.until(() => onlineAt(a).includes(bob.userId));
    inbox.send({ op: "set", id: 3, invisible: true });
    await a.until(() => !onlineAt(a).includes(bob.userId));
  });

  test("and joins is online; one who leaves is offline", async () => {
    const [alice, bob, carol] = [await person("alice"), await person("bob"), await person("carol")];
    const id = await groupOf(alice, bob);
    const a = await openLive(alice, id);
    await openInbox(carol);
    const participants = `/api/v1/chat/conversations/${id}/participants`;
    await alice.post(participants, { participantId: carol.userId });
    await a.until(() => onlineAt(a).includes(carol.userId));
    await alice.delete(`${participants}/${carol.userId}`);
    await a.until(() => !onlineAt(a).includes(carol.userId));
  });
});

describe("is not shown by that", () => {
  test.each(["blocks", "is blocked by"])("to somebody whom one %s", async (side) => {
    const [alice, bob, carol] = [await person("alice"), await person("bob"), await person("carol")];
    const id = await groupOf(carol, alice, bob);
    const [a, c] = [await openLive(alice, id), await openLive(carol, id)];
    await openInbox(bob);
    for (const socket of [a, c]) await socket.until(() => onlineAt(socket).includes(bob.userId));
    const [blocker, blocked] = side === "blocks" ? [bob, alice] : [alice, bob];
    await block(blocker, blocked);
    await a.until(() => !onlineAt(a).includes(bob.userId));
    expect((await openLive(alice, id)).all("hello")[0]?.online).not.toContain(bob.userId);
    expect(onlineAt(c)).toContain(bob.userId);
    await unblock(blocker, blocked);
    await a.until(() => onlineAt(a).includes(bob.userId));
  });

  test("in a large conversation", async () => {
    const { alice, bob, conversationId } = await directPair();
    const setMembers = (count: number) =>
      runInDurableObject(objectOf(conversationId), (object) => {
        // biome-ignore lint/suspicious/noExplicitAny: as if there were so many members
        (object as any).open.memory.counters.memberCount = count;
      });
    await openInbox(bob);
    await setMembers(MAX_FOLLOWED + 1);
    const a = await openLive(alice, conversationId);
    await send(bob, conversationId, "hello");
    await a.next("message");
    // How many are connected to it.
    expect([onlineAt(a), await rowsOf(bob, "presence_places")]).toEqual([["1"], []]);
    await setMembers(MAX_FOLLOWED);
    const second = await openLive(alice, conversationId);
    await second.until(() => onlineAt(second).includes(bob.userId));
  });
});

test("in a group of sixty, those with an open inbox are online, and no more than twenty inboxes are asked at a time", async () => {
  const [alice, ...others] = await Promise.all(
    Array.from({ length: 60 }, (_, i) => person(`member-${i}`)),
  );
  if (!alice) throw new Error("nobody");
  const conversationId = await groupOf(alice, ...others);
  const online = others.filter((_, i) => i % 7 === 0);
  for (const one of online) await openInbox(one);
  let [asking, most, asked] = [0, 0, 0];
  await runInDurableObject(objectOf(conversationId), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: the calls of the object are counted where it makes them
    const { options } = (object as any).open.presences;
    const { stubOf } = options;
    options.stubOf = (userId: string) => ({
      showIn: async (id: string) => {
        asked++;
        most = Math.max(most, ++asking);
        return stubOf(userId)
          .showIn(id)
          .finally(() => asking--);
      },
    });
  });
  const a = await openLive(alice, conversationId);
  const expected = [alice, ...online].map(({ userId }) => userId).sort();
  await a.until(() => onlineAt(a).length === expected.length);
  expect(onlineAt(a).toSorted()).toEqual(expected);
  await vi.waitFor(() => expect(asked).toBe(59));
  expect(most).toBe(20);
});

describe("costs", () => {
  /** The figures about conversations in the paragraph about presence in docs/operations.md. */
  function documented(): string {
    return /\*\*Presence in conversations\*\*(.*)/.exec(operations)?.[1] ?? "";
  }

  test("a call and a row for each member who is not here; then none, whoever comes", async () => {
    const { alice, bob, conversationId } = await directPair();
    const sockets: Socket[] = [];
    const come = async () => {
      const socket = await openLive(alice, conversationId);
      sockets.push(socket);
      return socket;
    };
    // The table, once in the life of a user.
    await runInDurableObject(inboxOf(bob), (_, { storage }) => putPlace(storage.sql, "none", 0));
    const first = await usedBy(bob, async () => {
      await come();
      await followed(bob, 2);
    });
    expect([first.calls, first.rowsWritten, first.alarms]).toEqual([["showIn"], 1, 0]);
    const again = await usedBy(bob, async () => {
      sockets[0]?.close();
      const socket = await come();
      await send(alice, conversationId, "once more");
      await socket.next("message");
    });
    expect(again.calls.filter((name) => name === "showIn")).toEqual([]);
    await openListed(bob);
    for (const socket of sockets.slice(1)) {
      await socket.until(() => onlineAt(socket).includes(bob.userId));
    }
    const afterSleep = await usedBy(bob, async () => {
      await evict(conversationId);
      const woken = await openLive(alice, conversationId);
      await woken.until(() => onlineAt(woken).includes(bob.userId));
    });
    expect([afterSleep.calls, afterSleep.rowsWritten]).toEqual([["showIn"], 0]);
    expect(documented()).toContain("1 call and 1 row");
  });

  test("a change writes no row for it, and is a call for each conversation", async () => {
    const { alice, bob, conversationId } = await directPair();
    const a = await openLive(alice, conversationId);
    await followed(bob, 1);
    await openListed(bob);
    await a.until(() => onlineAt(a).includes(bob.userId));
    const tables = await rowsOf(bob, "presence");
    // Online, and that all were told of it, in one row: nobody else watches.
    expect(tables).toMatchObject([{ online: 1, version: 1, told: 1 }]);
  });

  test("an empty conversation is told for a day after it has asked, and then removed", async () => {
    const { alice, bob, conversationId } = await directPair();
    const a = await openLive(alice, conversationId);
    await followed(bob, 1);
    a.close();
    await vi.waitFor(() =>
      runInDurableObject(objectOf(conversationId), (object) => {
        // biome-ignore lint/suspicious/noExplicitAny: looks at a private field
        expect((object as any).open.sessions.size).toBe(0);
      }),
    );
    for (const [hours, kept] of [
      [23, 1],
      [24, 0],
    ] as const) {
      await runInDurableObject(inboxOf(bob), (object, { storage: { sql } }) => {
        sql.exec("UPDATE presence_places SET since = ?", Date.now() - hours * HOUR_MS);
        // biome-ignore lint/suspicious/noExplicitAny: has it read the table again
        (object as any).presence.following.known = undefined;
      });
      const inbox = await openListed(bob);
      await vi.waitFor(() =>
        runInDurableObject(inboxOf(bob), async (object) => {
          // biome-ignore lint/suspicious/noExplicitAny: waits for its calls
          expect(await (object as any).presence.places.settled()).toBe(true);
        }),
      );
      await followed(bob, kept);
      inbox.close();
      await leaving(bob);
    }
  });

  test("the conversations that asked last are told; one that is dropped shows the user no longer", async () => {
    const { alice, bob, conversationId } = await directPair();
    await openInbox(bob);
    const a = await openLive(alice, conversationId);
    await a.until(() => onlineAt(a).includes(bob.userId));
    await runInDurableObject(inboxOf(bob), (object) => {
      // biome-ignore lint/suspicious/noExplicitAny: adds conversations that do not exist
      const { following } = (object as any).presence;
      for (let i = 1; i < MAX_FOLLOWING; i++) following.add(`none-${i}`, Date.now() + i);
    });
    const other = await groupOf(bob, await person("carol"), alice);
    await openLive(alice, other);
    await a.until(() => !onlineAt(a).includes(bob.userId));
    expect(await rowsOf(bob, "presence_places")).toHaveLength(MAX_FOLLOWING);
  });
});

/** Waits until so many conversations are told of somebody's presence. */
function followed(caller: Caller, count: number): Promise<void> {
  return vi.waitFor(async () =>
    expect(await rowsOf(caller, "presence_places")).toHaveLength(count),
  );
}
