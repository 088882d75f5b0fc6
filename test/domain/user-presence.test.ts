import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  afterEvent,
  NEVER_ONLINE,
  OFFLINE_AFTER_MS,
  type Presence,
  type PresenceEvent,
  shownOf,
} from "../../src/domain/presence.ts";

const ONLINE: Presence = { ...NEVER_ONLINE, online: true, version: 1, told: 1 };
const LEAVING: Presence = { ...ONLINE, leftAt: 100 };
const OFFLINE: Presence = { ...ONLINE, online: false, lastSeenAt: 100, version: 2 };
const HIDDEN: Presence = { ...ONLINE, invisible: true, version: 2 };
const END = 100 + OFFLINE_AFTER_MS;

describe("one event", () => {
  test.each<[name: string, Presence, PresenceEvent, Presence]>([
    ["never online, connects", NEVER_ONLINE, { type: "connected" }, { ...ONLINE, told: 0 }],
    ["never online, disconnects", NEVER_ONLINE, { type: "disconnected", at: 1 }, NEVER_ONLINE],
    ["online, connects", ONLINE, { type: "connected" }, ONLINE],
    ["online, disconnects", ONLINE, { type: "disconnected", at: 100 }, LEAVING],
    ["leaving, disconnects again", LEAVING, { type: "disconnected", at: 200 }, LEAVING],
    ["leaving, connects", LEAVING, { type: "connected" }, ONLINE],
    ["leaving, before the end of the grace", LEAVING, { type: "time", now: END - 1 }, LEAVING],
    ["leaving, at its end", LEAVING, { type: "time", now: END }, OFFLINE],
    ["online, time passes", ONLINE, { type: "time", now: END }, ONLINE],
    ["offline, connects", OFFLINE, { type: "connected" }, { ...OFFLINE, online: true, version: 3 }],
    ["online, hides", ONLINE, { type: "invisible", invisible: true }, HIDDEN],
    ["hidden, hides", HIDDEN, { type: "invisible", invisible: true }, HIDDEN],
    [
      "hidden, leaves",
      { ...HIDDEN, leftAt: 100 },
      { type: "time", now: END },
      { ...HIDDEN, online: false, lastSeenAt: 100 },
    ],
    ["told", { ...ONLINE, told: 0 }, { type: "told", version: 1 }, ONLINE],
    ["told of an older version", ONLINE, { type: "told", version: 0 }, ONLINE],
  ])("%s", (_, before, event, after) => {
    expect(afterEvent(before, event)).toEqual(after);
  });
});

test.each<[name: string, Presence, ReturnType<typeof shownOf>]>([
  ["never online", NEVER_ONLINE, { online: false, version: 0 }],
  ["online", { ...OFFLINE, online: true }, { online: true, version: 2 }],
  ["leaving", LEAVING, { online: true, version: 1 }],
  ["offline", OFFLINE, { online: false, lastSeenAt: 100, version: 2 }],
  ["hidden and online", HIDDEN, { online: false, version: 2 }],
  ["hidden and offline", { ...OFFLINE, invisible: true }, { online: false, version: 2 }],
])("others are shown somebody who is %s", (_, presence, shown) => {
  expect(shownOf(presence)).toEqual(shown);
});

const step = fc.record({
  wait: fc.nat({ max: 2 * OFFLINE_AFTER_MS }),
  event: fc.constantFrom("connected", "disconnected", "hide", "show", "time"),
});

function eventOf(name: string, now: number): PresenceEvent {
  switch (name) {
    case "connected":
      return { type: "connected" };
    case "disconnected":
      return { type: "disconnected", at: now };
    case "time":
      return { type: "time", now };
    default:
      return { type: "invisible", invisible: name === "hide" };
  }
}

test("properties: versions rise with what is shown and only then; nobody is offline within the grace", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let [presence, now, leftAt] = [NEVER_ONLINE, 0, -Infinity];
      let isConnected = false;
      for (const { wait, event } of steps) {
        now += wait;
        if (event === "connected") isConnected = true;
        if (event === "disconnected") {
          if (isConnected) leftAt = now;
          isConnected = false;
        }
        const [before, shown] = [presence, shownOf(presence)];
        presence = afterEvent(presence, eventOf(event, now));
        const { version, ...state } = shownOf(presence);
        const { version: previous, ...previousState } = shown;
        const isSame = JSON.stringify(state) === JSON.stringify(previousState);
        expect(version).toBe(isSame ? previous : previous + 1);
        if (isConnected || now < leftAt + OFFLINE_AFTER_MS) expect(presence.online).toBe(true);
        if (presence.invisible) expect(state).toEqual({ online: false });
        if (before.online && !presence.online) expect(presence.lastSeenAt).toBe(leftAt);
      }
    }),
  );
});

test("property: somebody who only connects and disconnects changes at most twice in ten seconds", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      let [presence, now] = [NEVER_ONLINE, 0];
      const changes: number[] = [];
      for (const { wait, event } of steps) {
        if (event === "hide" || event === "show") continue;
        now += wait % 2_000;
        for (const name of ["time", event]) {
          const next = afterEvent(presence, eventOf(name, now));
          if (next.version !== presence.version) changes.push(now);
          presence = next;
        }
      }
      for (const [i, at] of changes.entries()) {
        const third = changes[i + 2];
        if (third !== undefined) expect(third - at).toBeGreaterThanOrEqual(OFFLINE_AFTER_MS);
      }
    }),
  );
});
