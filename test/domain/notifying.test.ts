import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  asked,
  broughtForward,
  type Circumstances,
  COLLAPSE_MS,
  cleared,
  closed,
  due,
  dueTime,
  GRACE_MS,
  isOver,
  type Notifying,
  nothingNotified,
  postponed,
  read,
  renewed,
  sent,
  withdrawn,
} from "../../src/domain/notifying.ts";

const NOW = 1_700_000_000_000;
const nothing = nothingNotified("c", "direct");
const away: Circumstances = { now: NOW, isConnected: false, quietUntil: undefined };
const connected = { ...away, isConnected: true };

describe("when a message is notified of", () => {
  test.each<[string, Partial<Notifying>, number, Circumstances, number]>([
    ["at once, where nobody is connected", {}, NOW - 5_000, away, NOW],
    ["10 seconds after it was sent, where somebody is", {}, NOW - 4_000, connected, NOW + 6_000],
    ["at once, where they did not read it in that time", {}, NOW - 11_000, connected, NOW],
    ["10 seconds from now, where it has a later time", {}, NOW + 60_000, connected, NOW + 10_000],
    ["30 seconds after the last one", { sentAt: NOW - 10_000 }, NOW, away, NOW + 20_000],
    ["at once, behind those 30 seconds", { sentAt: NOW - 30_000 }, NOW, away, NOW],
    [
      "after the hours of do-not-disturb",
      {},
      NOW,
      { ...away, quietUntil: NOW + 3_600_000 },
      NOW + 3_600_000,
    ],
  ])("%s", (_, state, messageAt, circumstances, expected) => {
    expect(dueTime({ ...nothing, ...state }, messageAt, circumstances)).toBe(expected);
  });

  test("what is due carries later messages along, with its id", () => {
    const state = due(nothing, NOW, "first", connected);
    expect(due(state, NOW + 1, "second", away)).toBe(state);
    expect(state.id).toBe("first");
  });

  test("the end of the last connection brings it forward, but not before 30 seconds have passed", () => {
    const state = due(nothing, NOW, "first", connected);
    expect(broughtForward(state, { ...away, now: NOW + 1 }).dueAt).toBe(NOW + 1);
    const again = due({ ...nothing, sentAt: NOW - 1 }, NOW, "first", away);
    expect(broughtForward(again, away)).toBe(again);
    expect(broughtForward(nothing, away)).toBe(nothing);
  });
});

test("what is not yet due is asked for again, under the same id, or sooner where something else is due", () => {
  const asking = { ...due(nothing, NOW, "first", connected), dueAt: undefined };
  expect(renewed(asking, NOW + 4_000, "first")).toMatchObject({ id: "first", dueAt: NOW + 4_000 });
  expect(renewed({ ...asking, dueAt: NOW + 1_000 }, NOW + 4_000, "first").dueAt).toBe(NOW + 1_000);
});

describe("what comes of it", () => {
  const shown = sent(cleared(due(nothing, NOW, "first", away)), NOW, "next");

  test("after it was sent, what became due meanwhile has an id of its own", () => {
    const meanwhile = due({ ...cleared(nothing), sentAt: NOW, id: "first" }, NOW, "-", away);
    expect(meanwhile.id).toBe("first");
    expect(sent(meanwhile, NOW, "next")).toMatchObject({ id: "next", dueAt: NOW + COLLAPSE_MS });
    expect(sent(meanwhile, NOW + 5_000, "next").dueAt).toBe(NOW + 5_000 + COLLAPSE_MS);
    expect(shown).toMatchObject({ id: undefined, dueAt: undefined, isShown: true });
  });

  test("reading clears what is due, and withdraws only what was sent", () => {
    expect(read(due(nothing, NOW, "first", away), NOW)).toEqual(nothing);
    const withdrawing = read(due(shown, NOW, "second", away), NOW + 5);
    expect(withdrawing).toMatchObject({ isShown: false, dueAt: undefined, readAt: NOW + 5 });
    expect(withdrawing.withdrawAt).toBeGreaterThan(NOW);
    expect(sent(withdrawing, NOW, "x")).toMatchObject({ readAt: undefined, withdrawAt: undefined });
  });

  test("nothing is kept once it was read, told, and 30 seconds have passed", () => {
    const told = closed(withdrawn(read(shown, NOW)));
    expect(isOver(told, NOW + COLLAPSE_MS - 1)).toBe(false);
    expect(isOver(told, NOW + COLLAPSE_MS)).toBe(true);
    expect(isOver(shown, NOW + 29 * 86_400_000)).toBe(false);
    expect(isOver(shown, NOW + 30 * 86_400_000)).toBe(true);
    for (const kept of [shown, read(shown, NOW), postponed(told, NOW + COLLAPSE_MS)]) {
      expect(isOver(kept, NOW + COLLAPSE_MS)).toBe(false);
    }
  });
});

type Step = "message" | "read" | "check" | "connect" | "disconnect";

test("whatever happens: no two notifications within 30 seconds, none that was read, none forgotten", () => {
  const steps = fc.array(
    fc.tuple(
      fc.constantFrom<Step>("message", "read", "check", "connect", "disconnect"),
      fc.nat({ max: 20_000 }),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      let state = nothing;
      let now = NOW;
      let isConnected = false;
      let unreadSince: number | undefined;
      let isNotified = true;
      const sentAt: number[] = [];
      const check = () => {
        if (state.dueAt === undefined || state.dueAt > now) return;
        state = sent(asked(cleared(state), { epoch: "e", rev: 1 }), now, "next");
        expect(unreadSince).toBeDefined();
        sentAt.push(now);
        isNotified = true;
      };
      for (const [step, ms] of all) {
        now += ms;
        check();
        const circumstances = { now, isConnected, quietUntil: undefined };
        if (step === "message") {
          unreadSince ??= now;
          isNotified = false;
          state = due(state, now, "id", circumstances);
        } else if (step === "read") {
          unreadSince = undefined;
          isNotified = true;
          state = read(state, now);
        } else if (step === "connect") isConnected = true;
        else if (step === "disconnect") {
          isConnected = false;
          state = broughtForward(state, { ...circumstances, isConnected });
        }
        if (!isNotified) expect(state.dueAt).toBeLessThanOrEqual(now + COLLAPSE_MS);
      }
      now += COLLAPSE_MS + GRACE_MS;
      check();
      expect(isNotified).toBe(true);
      for (const [i, at] of sentAt.entries()) {
        expect(at - (sentAt[i - 1] ?? 0)).toBeGreaterThanOrEqual(COLLAPSE_MS);
      }
    }),
  );
});
