import { afterEach, describe, expect, test, vi } from "vitest";
import { CLOSE, SILENCE_MS, TYPING_EXPIRES_MS } from "../../src/live/version.ts";
import { noEvents, type Peer, presence, twoEvents, typing, withRoom } from "./sockets-of-object.ts";

afterEach(() => void vi.useRealTimers());

const ONE = typing("one", true);
const TWO = typing("two", true);
const own = (peer: Peer) => new Map([[peer.session, [JSON.stringify(typing("own", true))]]]);
const OWN = typing("own", true);

describe("a broadcast", () => {
  test("is sent to live sockets only, in one frame each", () =>
    withRoom(async (room) => {
      const [ada, bob] = [await room.live("ada"), await room.live("bob")];
      const cyd = room.enter("cyd");
      await ada.received();
      await bob.received();
      room.sessions.deliver(twoEvents(), new Map());
      expect(await ada.events()).toEqual([[ONE, TWO]]);
      expect(await bob.events()).toEqual([[ONE, TWO]]);
      expect(await cyd.events()).toEqual([]);
    }));

  test("puts a socket's own lines after the events, in the same frame", () =>
    withRoom(async (room) => {
      const [ada, bob] = [await room.live("ada"), await room.live("bob")];
      await ada.received();
      room.sessions.deliver(twoEvents(), own(ada));
      expect(await ada.events()).toEqual([[ONE, TWO, OWN]]);
      expect(await bob.events()).toEqual([[ONE, TWO]]);
    }));

  test("sends only its own lines to a socket that is not live", () =>
    withRoom(async (room) => {
      const ada = room.enter("ada");
      room.sessions.deliver(twoEvents(), own(ada));
      expect(await ada.events()).toEqual([[OWN]]);
    }));

  test("without events is sent only to sockets with own lines", () =>
    withRoom(async (room) => {
      const [ada, bob] = [await room.live("ada"), await room.live("bob")];
      await ada.received();
      room.sessions.deliver(noEvents(), own(ada));
      expect(await ada.events()).toEqual([[OWN]]);
      expect(await bob.events()).toEqual([]);
    }));

  test("uses the lean form for clients that asked for it, also after a wake", () =>
    withRoom(async (room) => {
      const ada = await room.live("ada", ["reactions"]);
      const bob = await room.live("bob");
      await ada.received();
      for (let round = 0; round < 2; round++) {
        room.sessions.deliver(twoEvents(), new Map());
        expect(await ada.events()).toEqual([[ONE, typing("two", false)]]);
        expect(await bob.events()).toEqual([[ONE, TWO]]);
        room.wake();
      }
    }));
});

describe("presence", () => {
  test("is announced to others with a person's first socket and after the last", () =>
    withRoom(async (room) => {
      const ada = await room.live("ada");
      const [one, two] = [await room.live("bob"), await room.live("bob")];
      expect(await ada.events()).toEqual([[presence("bob", true)]]);
      room.sessions.leave(one.session);
      expect(await ada.events()).toEqual([]);
      room.sessions.leave(two.session);
      room.sessions.leave(two.session);
      expect(await ada.events()).toEqual([[presence("bob", false)]]);
      expect(await one.events()).toEqual([]);
      expect(await two.events()).toEqual([]);
    }));

  test("is held back for a socket that catches up: the last one per person, in one frame", () =>
    withRoom(async (room) => {
      const ada = room.enter("ada");
      const bob = room.enter("bob");
      room.enter("cyd");
      room.enter("ada");
      room.sessions.leave(bob.session);
      expect(await ada.received()).toEqual([]);
      room.sessions.goLive(ada.session);
      room.sessions.goLive(ada.session);
      expect(await ada.events()).toEqual([[presence("bob", false), presence("cyd", true)]]);
    }));

  test("takes gateways into account: a person online there is not announced by sockets", () =>
    withRoom(async (room) => {
      room.elsewhere.add("bob");
      room.wake();
      const ada = await room.live("ada");
      expect(room.passed.splice(0)).toEqual([[presence("ada", true), "ada"]]);
      expect(room.sessions.online("ada").toSorted()).toEqual(["ada", "bob"]);
      const bob = await room.live("bob");
      room.sessions.leave(bob.session);
      expect(await ada.events()).toEqual([]);
      room.elsewhere.delete("bob");
      room.sessions.presenceChanged("bob");
      expect(await ada.events()).toEqual([[presence("bob", false)]]);
      expect(room.passed).toEqual([[presence("bob", false), "bob"]]);
    }));

  test("is neither announced nor held back in a large conversation, but tracked", () =>
    withRoom(async (room) => {
      room.quiet = true;
      const ada = await room.live("ada");
      const cyd = room.enter("cyd");
      const bob = await room.live("bob");
      room.sessions.leave(bob.session);
      room.sessions.goLive(cyd.session);
      expect(await ada.events()).toEqual([]);
      expect(await cyd.events()).toEqual([]);
      expect(room.passed).toEqual([]);
      expect(room.sessions.online("ada").toSorted()).toEqual(["ada", "cyd"]);
    }));

  test("that changes back within the delay is not announced", () =>
    withRoom(async (room) => {
      room.presenceDelayMs = 2_000;
      room.wake();
      const ada = await room.live("ada");
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      const bob = room.enter("bob");
      vi.advanceTimersByTime(1_999);
      expect(room.sessions.online("ada")).toEqual(["ada"]);
      room.sessions.leave(bob.session);
      vi.advanceTimersByTime(2_000);
      const cyd = room.enter("cyd");
      vi.advanceTimersByTime(2_000);
      room.sessions.leave(cyd.session);
      room.sessions.leave(ada.session);
      vi.useRealTimers();
      expect(await ada.events()).toEqual([[presence("cyd", true)]]);
    }));
});

describe("leaving", () => {
  test("with a code closes the socket and clears its attachment", () =>
    withRoom(async (room) => {
      const ada = await room.live("ada");
      room.sessions.leave(ada.session, CLOSE.notAMember, "no longer a member");
      expect(await ada.closed).toEqual([CLOSE.notAMember, "no longer a member"]);
      expect(ada.session.socket.deserializeAttachment()).toBeNull();
      expect(room.again(ada)).toBeUndefined();
      expect(room.sessions.ofUser("ada").size).toBe(0);
      expect(room.sessions.size).toBe(0);
    }));

  test("prevents going live afterwards", () =>
    withRoom(async (room) => {
      const ada = room.enter("ada");
      room.enter("bob");
      room.sessions.leave(ada.session);
      room.sessions.goLive(ada.session);
      expect(ada.session.live).toBe(false);
      expect(await ada.received()).toEqual([]);
    }));

  test("happens instead of a send once the token has expired", () =>
    withRoom(async (room) => {
      const ada = await room.live("ada");
      ada.expireAt(room.clock + 1);
      room.sessions.send(ada.session, "in time");
      expect(await ada.received()).toEqual(["in time"]);
      room.clock++;
      room.sessions.send(ada.session, "too late");
      expect(await ada.closed).toEqual([CLOSE.unauthenticated, "the token expired"]);
    }));

  test("happens when the socket cannot be written to", () =>
    withRoom(async (room) => {
      const ada = await room.live("ada");
      const bob = await room.live("bob");
      ada.session.socket.close(1_000, "closed before");
      room.sessions.deliver(twoEvents(), new Map());
      expect(room.again(ada)).toBeUndefined();
      expect((await bob.events()).flat()).toContainEqual(presence("ada", false));
      expect(ada.session.socket.deserializeAttachment()).toBeNull();
    }));
});

describe("stale sockets", () => {
  test.each([
    [SILENCE_MS, true],
    [SILENCE_MS + 1, false],
  ])("after %i ms of silence: kept is %s", (ms, stays) =>
    withRoom(async (room) => {
      const ada = await room.live("ada");
      room.clock += ms;
      room.sessions.evictStale(room.sessions.ofUser("ada"));
      expect(room.again(ada) !== undefined).toBe(stays);
      if (!stays) {
        expect(await ada.closed).toEqual([CLOSE.goingAway, "nothing heard for 90 seconds"]);
      }
    }),
  );

  test("are those without a recent frame or ping, or with an expired token", () =>
    withRoom(async (room) => {
      room.clock = Date.now() - 10 * SILENCE_MS;
      const pinging = await room.live("ada");
      const speaking = await room.live("bob");
      const silent = await room.live("cyd");
      const expired = await room.live("dee");
      await pinging.received();
      await pinging.ping();
      room.clock = Date.now();
      speaking.spoke(room.clock);
      expired.spoke(room.clock);
      expired.expireAt(room.clock);
      const all = [pinging, speaking, silent, expired];
      room.sessions.evictStale(all.map(({ session }) => session));
      expect(all.map((peer) => room.again(peer) !== undefined)).toEqual([true, true, false, false]);
      expect((await expired.closed)[0]).toBe(CLOSE.unauthenticated);
    }));

  test("are looked for at most every 30 seconds", () =>
    withRoom(async (room) => {
      const ada = await room.live("ada");
      ada.spoke(room.clock - 2 * SILENCE_MS);
      room.clock += 29_999;
      room.sessions.reap();
      expect(room.again(ada)).toBeDefined();
      room.clock++;
      room.sessions.reap();
      expect(room.again(ada)).toBeUndefined();
    }));
});

describe("typing", () => {
  test("is sent to the live sockets and gateways of others, throttled", () =>
    withRoom(async (room) => {
      const [ada, bob] = [await room.live("ada"), await room.live("bob")];
      const cyd = room.enter("cyd");
      await ada.received();
      await bob.received();
      room.passed.length = 0;
      room.sessions.broadcastTyping("ada", true);
      room.sessions.broadcastTyping("ada", true);
      room.sessions.broadcastTyping("ada", false);
      const start = { ...typing("ada", true), expiresInMs: TYPING_EXPIRES_MS };
      expect(await bob.events()).toEqual([[start], [typing("ada", false)]]);
      expect(await ada.events()).toEqual([]);
      expect(await cyd.events()).toEqual([]);
      expect(room.passed).toEqual([
        [start, "ada"],
        [typing("ada", false), "ada"],
      ]);
    }));

  test("is not sent in a large conversation", () =>
    withRoom(async (room) => {
      const bob = await room.live("bob");
      room.quiet = true;
      room.passed.length = 0;
      room.sessions.broadcastTyping("ada", true);
      expect(await bob.events()).toEqual([]);
      expect(room.passed).toEqual([]);
    }));
});
