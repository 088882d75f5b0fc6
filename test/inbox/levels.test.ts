import { runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { ChosenLevel } from "../../src/domain/notification-level.ts";
import { MAX_LEVELS } from "../../src/domain/notification-level.ts";
import { type Caller, channelOf, directPair, groupOf, person, send } from "../support.ts";
import { type InboxReplica, inboxOf, openListed } from "./replica.ts";
import {
  evictInbox,
  fireAlarm,
  moveClock,
  rowsOf,
  stayConnected,
  stopClock,
  usedBy,
} from "./watching.ts";

/** Levels of notifications in the rows of an inbox, and what they store. */

/** Tokens are valid for an hour. */
const SPAN = 20 * 60_000;

beforeEach(() => stopClock());

function setLevel(who: Caller, conversationId: string, level: string, until?: number) {
  return who.put(`/api/v1/chat/conversations/${conversationId}/notifications`, {
    level,
    ...(until !== undefined && { until: new Date(until).toISOString() }),
  });
}

async function levelOf(who: Caller, conversationId: string) {
  const { body } = await who.get(`/api/v1/chat/conversations/${conversationId}/notifications`);
  return [body.level, body.until];
}

/** The level of a row, as it is shown. */
function shown(inbox: InboxReplica, conversationId: string) {
  const entry = inbox.entry(conversationId);
  return entry && [entry.level, entry.muted];
}

function levelEvents(inbox: InboxReplica) {
  return inbox.events.filter(({ type }) => type === "level");
}

/** The time of the alarm of an inbox. */
function alarmOf(who: Caller): Promise<number | null> {
  return runInDurableObject(inboxOf(who), (_, { storage }) => storage.getAlarm());
}

describe("rows", () => {
  test("have the level where it is not the default: in the list, in changes, after an eviction", async () => {
    const { alice, bob, conversationId } = await directPair();
    const [group, channel] = [await groupOf(alice, bob), await channelOf(alice, [bob])];
    await setLevel(bob, conversationId, "none");
    await setLevel(bob, group, "mentions");
    await setLevel(bob, channel, "all");
    const expected = new Map<string, unknown>([
      [conversationId, ["none", true]],
      [group, ["mentions", undefined]],
      [channel, ["all", undefined]],
    ]);
    for (let round = 0; round < 2; round++) {
      const inbox = await openListed(bob);
      for (const [id, level] of expected) expect(shown(inbox, id)).toEqual(level);
      await evictInbox(bob);
      for (const [id, level] of expected) {
        await send(alice, id, `round ${round}`);
        await inbox.until(() => inbox.entry(id)?.lastMessage?.content === `round ${round}`);
        expect(shown(inbox, id)).toEqual(level);
      }
      const [, first] = inbox.events;
      expect(JSON.stringify(first)).toContain('"muted":true');
    }
    const other = await openListed(alice);
    for (const id of expected.keys()) expect(shown(other, id)).toEqual([undefined, undefined]);
    expect(JSON.stringify(other.events)).not.toContain("muted");
  });

  test("a change is told to every socket of the user, once, and to nobody else", async () => {
    const { alice, bob, conversationId } = await directPair();
    const sockets = [await openListed(bob), await openListed(bob)];
    const other = await openListed(alice);
    for (const level of ["none", "none", "mentions", "all", "default", "none", "default"]) {
      await setLevel(bob, conversationId, level);
    }
    // Only the end differs: that is not shown.
    await setLevel(bob, conversationId, "none", Date.now() + SPAN);
    await setLevel(bob, conversationId, "none", Date.now() + 2 * SPAN);
    const at = { type: "level", conversationId };
    for (const socket of sockets) {
      await socket.until(() => levelEvents(socket).length === 6);
      expect(levelEvents(socket)).toEqual([
        { ...at, level: "none", muted: true },
        { ...at, level: "mentions" },
        at,
        { ...at, level: "none", muted: true },
        at,
        { ...at, level: "none", muted: true },
      ]);
      expect(shown(socket, conversationId)).toEqual(["none", true]);
    }
    expect(levelEvents(other)).toEqual([]);
  });
});

describe("an end", () => {
  test("is told by the alarm, which is set to it, and nothing of the level is left", async () => {
    const { bob, conversationId } = await directPair();
    const until = Date.now() + SPAN;
    const inbox = await openListed(bob);
    await setLevel(bob, conversationId, "none", until);
    expect(await levelOf(bob, conversationId)).toEqual(["none", new Date(until).toISOString()]);
    await vi.waitFor(async () => expect(await alarmOf(bob)).toBe(until));
    // Waiting has moved the clock.
    moveClock(until - 1 - Date.now());
    await stayConnected(inbox);
    expect(await levelOf(bob, conversationId)).toEqual(["none", new Date(until).toISOString()]);
    moveClock(1);
    await stayConnected(inbox);
    // Also before the alarm, which may be late.
    expect(await levelOf(bob, conversationId)).toEqual(["all", null]);
    expect(await fireAlarm(bob)).toBe(true);
    await inbox.until(() => levelEvents(inbox).length === 2);
    expect(shown(inbox, conversationId)).toEqual([undefined, undefined]);
    expect(await rowsOf(bob, "notification_levels")).toEqual([]);
  });

  test("of several, each has its alarm, although another one fires before, and after an eviction", async () => {
    const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
    const groups = [await groupOf(alice, bob, carol), await groupOf(alice, bob, carol)];
    const [first = "", second = ""] = groups;
    const now = Date.now();
    await setLevel(bob, second, "none", now + 2 * SPAN);
    await setLevel(bob, first, "mentions", now + SPAN);
    await vi.waitFor(async () => expect(await alarmOf(bob)).toBe(now + SPAN));
    await evictInbox(bob);
    await fireAlarm(bob);
    await vi.waitFor(async () => expect(await alarmOf(bob)).toBe(now + SPAN));
    moveClock(SPAN);
    await fireAlarm(bob);
    await vi.waitFor(async () => expect(await alarmOf(bob)).toBe(now + 2 * SPAN));
    expect(await rowsOf(bob, "notification_levels")).toMatchObject([{ conversation_id: second }]);
    moveClock(SPAN);
    await fireAlarm(bob);
    expect(await rowsOf(bob, "notification_levels")).toEqual([]);
    expect(await alarmOf(bob)).toBeNull();
  });
});

describe("what is stored", () => {
  test("nothing of a user who has chosen nothing; a row for each choice, none for the same again", async () => {
    const { alice, bob, conversationId } = await directPair();
    await levelOf(bob, conversationId);
    await bob.get("/api/notifications/settings");
    await setLevel(bob, conversationId, "default");
    await setLevel(bob, conversationId, "all");
    const tables = () =>
      runInDurableObject(inboxOf(bob), (_, { storage: { sql } }) =>
        sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'notification%'").toArray(),
      );
    expect(await tables()).toEqual([]);
    await setLevel(bob, await groupOf(alice, bob), "none");
    const rowsFor = async (level: string, until?: number) =>
      (await usedBy(bob, () => setLevel(bob, conversationId, level, until))).rowsWritten;
    const until = Date.now() + SPAN;
    const choices: [string, number?][] = [["none"], ["none"], ["none", until], ["none", until]];
    const written: number[] = [];
    for (const choice of choices) written.push(await rowsFor(...choice));
    written.push(await rowsFor("default"), await rowsFor("default"));
    expect(written).toEqual([1, 0, 1, 0, 1, 0]);
    const settings = await usedBy(bob, () =>
      bob.put("/api/notifications/settings", { preview: false }),
    );
    expect(settings.rowsWritten).toBe(1);
  });

  test("settings and levels survive an eviction", async () => {
    const { bob, conversationId } = await directPair();
    const settings = {
      preview: false,
      doNotDisturb: { from: "22:00", to: "07:00", timeZone: "Asia/Kolkata" },
    };
    await bob.put("/api/notifications/settings", settings);
    const until = Date.now() + SPAN;
    await setLevel(bob, conversationId, "mentions", until);
    await evictInbox(bob);
    expect((await bob.get("/api/notifications/settings")).body).toEqual(settings);
    expect(await levelOf(bob, conversationId)).toEqual(["mentions", new Date(until).toISOString()]);
  });

  test("the hours are those of the last settings, by the time zones of the runtime", async () => {
    const { bob } = await directPair();
    const quietUntil = (now: string) =>
      runInDurableObject(inboxOf(bob), (object) => {
        // biome-ignore lint/suspicious/noExplicitAny: looks at what the inbox decides by
        const until = (object as any).notifications.preferences.quietUntil(Date.parse(now));
        return until === undefined ? undefined : new Date(until).toISOString();
      });
    // The night in which clocks in Berlin are put back.
    const night = "2026-10-24T22:00:00.000Z";
    expect(await quietUntil(night)).toBeUndefined();
    for (const [doNotDisturb, until] of [
      [{ from: "22:00", to: "07:00", timeZone: "Europe/Berlin" }, "2026-10-25T06:00:00.000Z"],
      [{ from: "17:00", to: "19:15", timeZone: "America/New_York" }, "2026-10-24T23:15:00.000Z"],
      [{ from: "17:00", to: "18:00", timeZone: "America/New_York" }, undefined],
      [null, undefined],
    ] as const) {
      await bob.put("/api/notifications/settings", { doNotDisturb });
      expect(await quietUntil(night)).toBe(until);
      await evictInbox(bob);
      expect(await quietUntil(night)).toBe(until);
    }
  });

  test("what a later version has stored is as if it had not been chosen", async () => {
    const { alice, bob, conversationId } = await directPair();
    const group = await groupOf(alice, bob);
    const doNotDisturb = { from: "22:00", to: "07:00", timeZone: "Europe/Berlin" };
    await bob.put("/api/notifications/settings", { preview: false, doNotDisturb });
    for (const id of [conversationId, group]) await setLevel(bob, id, "none");
    await runInDurableObject(inboxOf(bob), (_, { storage: { sql } }) => {
      sql.exec("UPDATE notification_settings SET time_zone = 'Mars/Olympus'");
      const where = "WHERE conversation_id = ?";
      sql.exec(`UPDATE notification_levels SET level = 'urgent' ${where}`, conversationId);
    });
    await evictInbox(bob);
    const settings = await bob.get("/api/notifications/settings");
    expect(settings.body).toEqual({ preview: false, doNotDisturb: null });
    expect(await levelOf(bob, conversationId)).toEqual(["all", null]);
    expect(await levelOf(bob, group)).toEqual(["none", null]);
    await setLevel(bob, conversationId, "mentions");
    expect(await levelOf(bob, conversationId)).toEqual(["mentions", null]);
  });

  test("is forgotten of a conversation that the user is no longer in, connected or not", async () => {
    const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
    for (const isConnected of [false, true]) {
      if (isConnected) await openListed(bob);
      const group = await groupOf(alice, bob, carol);
      await setLevel(bob, group, "none");
      expect(await rowsOf(bob, "notification_levels")).toHaveLength(1);
      await alice.delete(`/api/v1/chat/conversations/${group}/participants/${bob.userId}`);
      await vi.waitFor(async () => expect(await rowsOf(bob, "notification_levels")).toEqual([]));
    }
  });

  test("at most 1,000 levels; those that are stored can be changed and removed", async () => {
    const { alice, bob, conversationId } = await directPair();
    const group = await groupOf(alice, bob);
    await setLevel(bob, conversationId, "none");
    await runInDurableObject(inboxOf(bob), (_, { storage: { sql } }) => {
      const chosen: ChosenLevel = { level: "none", until: null };
      for (let i = 1; i < MAX_LEVELS; i++) {
        sql.exec(
          "INSERT INTO notification_levels VALUES (?, ?, ?)",
          ...[`c${i}`, chosen.level, chosen.until],
        );
      }
    });
    await evictInbox(bob);
    const refused = await setLevel(bob, group, "none");
    expect([refused.status, refused.body.code]).toEqual([400, "too_many_levels"]);
    expect(await levelOf(bob, group)).toEqual(["all", null]);
    expect((await setLevel(bob, conversationId, "mentions")).status).toBe(200);
    expect((await setLevel(bob, conversationId, "default")).status).toBe(200);
    expect((await setLevel(bob, group, "none")).status).toBe(200);
  });
});
