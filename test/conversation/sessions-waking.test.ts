import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { CLOSE, SILENCE_MS } from "../../src/live/version.ts";
import { type Caller, directPair, objectOf, openLive, send } from "../support.ts";
import { presence, twoEvents, withRoom } from "./sockets-of-object.ts";

/** Sessions restored from socket attachments, as this version and earlier ones wrote them. */

const seat = {
  ...{ userId: "ada", name: null, avatarUrl: null, role: "user" },
  ...{ expiresAt: 4_000_000_000_000, origin: "https://a.test" },
};

describe("after a wake", () => {
  test("a session keeps its live flag, features and opening time", () =>
    withRoom(async (room) => {
      const ada = await room.live("ada", ["reactions"]);
      const bob = room.enter("bob");
      const openedAt = room.clock;
      room.clock += 5_000;
      ada.spoke(room.clock);
      room.wake();
      expect(room.again(ada)).toMatchObject({ live: true, features: ["reactions"], openedAt });
      expect(room.again(bob)).toMatchObject({ live: false, features: [], openedAt });
      expect(room.sessions.ofUser("ada").size).toBe(1);
      expect(room.sessions.size).toBe(2);
      // When it spoke last is not stored with every frame.
      room.clock = openedAt + SILENCE_MS + 1;
      room.sessions.evictStale(room.sessions.ofUser("ada"));
      expect(room.again(ada)).toBeUndefined();
    }));

  test("people online before are not announced; those who leave are", () =>
    withRoom(async (room) => {
      const ada = await room.live("ada");
      const [one, two] = [await room.live("bob"), await room.live("bob")];
      await ada.received();
      room.wake();
      expect(await ada.events()).toEqual([]);
      expect(room.sessions.online("ada").toSorted()).toEqual(["ada", "bob"]);
      for (const peer of [one, two]) {
        const session = room.again(peer);
        if (session) room.sessions.leave(session);
      }
      expect(await ada.events()).toEqual([[presence("bob", false)]]);
    }));

  test("a session that was closed is not restored, although its socket still exists", () =>
    withRoom(async (room) => {
      const ada = await room.live("ada");
      room.sessions.leave(ada.session, CLOSE.goingAway, "nothing heard for 90 seconds");
      room.wake();
      expect(room.sessions.size).toBe(0);
      expect(await ada.closed).toEqual([CLOSE.goingAway, "nothing heard for 90 seconds"]);
    }));
});

test("an attachment without features restores a session without features", () =>
  withRoom(async (room) => {
    const ada = await room.live("ada");
    ada.session.socket.serializeAttachment({ seat, live: true, openedAt: 1 });
    room.wake();
    expect(room.again(ada)).toMatchObject({ live: true, openedAt: 1, features: [] });
    expect(room.sessions.ofUser("ada").size).toBe(1);
    room.sessions.deliver(twoEvents(), new Map());
    expect((await ada.events()).length).toBe(1);
  }));

test("unknown fields of a later version are ignored", () =>
  withRoom(async (room) => {
    const ada = await room.live("ada");
    const later = {
      seat: { ...seat, more: 1 },
      live: true,
      openedAt: 1,
      features: ["new"],
      more: 1,
    };
    ada.session.socket.serializeAttachment(later);
    room.wake();
    expect(room.again(ada)).toMatchObject({ live: true, features: ["new"] });
  }));

test.each<[string, unknown]>([
  ["null", null],
  ["a text", "seat"],
  ["an object without an identity", { live: true, openedAt: 1 }],
  [
    "an identity without an origin",
    { seat: { ...seat, origin: undefined }, live: true, openedAt: 1 },
  ],
  ["an unknown role", { seat: { ...seat, role: "king" }, live: true, openedAt: 1 }],
  ["an object without the live flag", { seat, openedAt: 1 }],
  ["features that are not a list", { seat, live: true, openedAt: 1, features: "reactions" }],
])("a socket whose attachment is %s is closed", (_, kept) =>
  withRoom(async (room) => {
    const [ada, bob] = [await room.live("ada"), await room.live("bob")];
    ada.session.socket.serializeAttachment(kept);
    room.wake();
    expect(await ada.closed).toEqual([CLOSE.goingAway, "please reconnect"]);
    expect(room.again(ada)).toBeUndefined();
    expect(room.again(bob)).toBeDefined();
    expect(room.sessions.online("bob")).toEqual(["bob"]);
  }),
);

describe("an evicted object", () => {
  test("restores a socket with an attachment of the previous version", async () => {
    const { alice, bob, conversationId } = await directPair();
    const socket = await openLive(alice, conversationId);
    await rewrite(conversationId, ({ features: _, ...before }) => before);
    await evictDurableObject(objectOf(conversationId));
    await send(bob, conversationId, "still there?");
    expect((await socket.next("message")).message.content).toBe("still there?");
    socket.send({ op: "send", id: 1, content: "yes" });
    expect(await socket.next("ack")).toMatchObject({ id: 1 });
  });

  test("closes a socket with a malformed attachment when it wakes", async () => {
    const { alice, bob, conversationId } = await directPair();
    const socket = await openLive(alice, conversationId);
    await rewrite(conversationId, () => ({ version: 0 }));
    await evictDurableObject(objectOf(conversationId));
    await sendSomething(bob, conversationId);
    expect(await socket.closed).toEqual({ code: CLOSE.goingAway, reason: "please reconnect" });
  });

  function sendSomething(caller: Caller, conversationId: string) {
    return send(caller, conversationId, "wake up");
  }

  /** Replaces what the only socket of a conversation keeps, once nothing more is written to it. */
  async function rewrite(conversationId: string, as: (kept: Record<string, unknown>) => unknown) {
    await vi.waitFor(() =>
      runInDurableObject(objectOf(conversationId), (_, ctx) => {
        for (const socket of ctx.getWebSockets()) {
          expect(socket.deserializeAttachment()).toMatchObject({ reported: true });
        }
      }),
    );
    await runInDurableObject(objectOf(conversationId), (_, ctx) => {
      for (const socket of ctx.getWebSockets()) {
        socket.serializeAttachment(as(socket.deserializeAttachment()));
      }
    });
  }
});
