import { describe, expect, test } from "vitest";
import {
  type Attention,
  answered,
  called,
  changed,
  failed,
  isDue,
  isNeedless,
  NEWLY_ARMED,
  RESTORED,
  rearmed,
  skipped,
  WITH_ALARM,
  withAlarm,
} from "../../src/conversation/outbound/inboxes/attention.ts";

const NOW = 1_000_000;
const away = { now: NOW, isHere: false, own: undefined };
const here = { now: NOW, isHere: true, own: undefined };
const calling = called(changed(RESTORED, away), 3);

describe("when the inbox is called", () => {
  test.each<[string, Attention, Parameters<typeof changed>[1], number]>([
    ["at once, where the member is not connected here", RESTORED, away, NOW],
    ["with the alarm, where they are", RESTORED, here, WITH_ALARM],
    [
      "with the alarm, where they read what no inbox shows",
      RESTORED,
      { ...here, own: "read" },
      WITH_ALARM,
    ],
    [
      "at once, where they read what their inbox shows as unread",
      { ...RESTORED, toldUnread: 2 },
      { ...here, own: "read" },
      NOW,
    ],
    ["at once, where their flag changed", RESTORED, { ...here, own: "membership or flag" }, NOW],
    ["as planned, where it is planned earlier", { ...RESTORED, dueAt: NOW - 1 }, here, NOW - 1],
    ["earlier than planned", { ...RESTORED, dueAt: NOW + 9_000 }, away, NOW],
    ["with the retry", { ...RESTORED, failures: 1, dueAt: NOW + 9_000 }, away, NOW + 9_000],
  ])("%s", (_, attention, change, dueAt) => {
    const next = changed(attention, change);
    expect(next.dueAt).toBe(dueAt);
    const isAlarm = dueAt === WITH_ALARM;
    expect(isDue(next, isAlarm ? NOW + 60_000 : dueAt - 1)).toBe(false);
    expect(isDue(isAlarm ? withAlarm(next, NOW) : next, isAlarm ? NOW : dueAt)).toBe(true);
  });

  test("never twice at the same time: a change during a call makes it due behind it", () => {
    const again = changed(calling, away);
    expect(isDue(again, NOW)).toBe(false);
    const next = answered(again, "watching", 1);
    expect(next !== "rest" && isDue(next, NOW)).toBe(true);
  });

  test("the alarm brings no retry forward", () => {
    const retried = failed(calling, NOW + 5_000);
    expect(withAlarm(retried, NOW)).toEqual(retried);
  });

  test("again after a failure, at the time of the retry", () => {
    const next = failed(calling, NOW + 5_000);
    expect([isDue(next, NOW + 4_999), isDue(next, NOW + 5_000)]).toEqual([false, true]);
    expect(next.failures).toBe(1);
  });
});

describe("what an answer does", () => {
  test.each<[string, Attention, "watching" | "away", number, "rest" | Partial<Attention>]>([
    [
      "watching: stays armed",
      calling,
      "watching",
      3,
      { isAway: false, toldUnread: 3, isKnown: true },
    ],
    ["away with news: rests", calling, "away", 1, "rest"],
    ["away, called once: rests", { ...calling, isOnce: true }, "away", 0, "rest"],
    [
      "watching, called once: stays armed",
      { ...calling, isOnce: true },
      "watching",
      0,
      { isOnce: false },
    ],
    ["away without: stays armed, and is known to be away", calling, "away", 0, { isAway: true }],
    [
      "away, but armed since the call began: stays armed",
      rearmed(calling),
      "away",
      1,
      { isAway: false },
    ],
    [
      "away, changed meanwhile: rests, as the inbox will ask",
      changed(calling, away),
      "away",
      1,
      "rest",
    ],
  ])("%s", (_, attention, answer, unread, expected) => {
    const next = answered(attention, answer, unread);
    if (expected === "rest") expect(next).toBe("rest");
    else expect(next).toMatchObject({ ...expected, calling: undefined });
  });

  test("an inbox that is away and has nothing to show is not called", () => {
    expect(isNeedless({ ...RESTORED, isAway: true }, 0)).toBe(true);
    expect(isNeedless({ ...RESTORED, isAway: true }, 1)).toBe(false);
    expect(isNeedless(RESTORED, 0)).toBe(false);
    expect(isNeedless(rearmed({ ...RESTORED, isAway: true }), 0)).toBe(false);
    expect(skipped(changed(NEWLY_ARMED, away))).toMatchObject({ dueAt: undefined, isKnown: true });
  });
});
