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
  rearmed,
  restored,
  skipped,
  WITH_ALARM,
  withAlarm,
} from "../../src/conversation/outbound/inboxes/attention.ts";
import type { InboxAnswer } from "../../src/conversation/outbound/inboxes/inbox-api.ts";

const NOW = 1_000_000;
const RESTORED = restored("rows");
const away = { now: NOW, isHere: false, own: undefined, news: "message" as const };
const here = { ...away, isHere: true };
const calling = called(changed(RESTORED, away), 3, NOW);

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
  test.each<[string, Attention, InboxAnswer, number, "rest" | Partial<Attention>]>([
    [
      "watching: stays armed",
      calling,
      "watching",
      3,
      { interest: "rows", toldUnread: 3, isKnown: true },
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
    [
      "away without: stays armed, and is known to be away",
      calling,
      "away",
      0,
      { interest: "none" },
    ],
    [
      "away, but armed since the call began: stays armed",
      rearmed(calling),
      "away",
      1,
      { interest: "rows" },
    ],
    [
      "away, changed meanwhile: rests, as the inbox will ask",
      changed(calling, away),
      "away",
      1,
      "rest",
    ],
    [
      "it notifies of messages: stays armed for them",
      calling,
      "notify of messages",
      1,
      { interest: "messages" },
    ],
    [
      "it notifies of mentions, and was called once: stays armed for them",
      { ...calling, isOnce: true },
      "notify of mentions",
      1,
      { interest: "mentions", isOnce: false },
    ],
    [
      "it notifies, but somebody may have connected since the call began",
      rearmed(calling),
      "notify of messages",
      1,
      { interest: "rows" },
    ],
  ])("%s", (_, attention, answer, unread, expected) => {
    const next = answered(attention, answer, unread);
    if (expected === "rest") expect(next).toBe("rest");
    else expect(next).toMatchObject({ ...expected, calling: undefined });
  });

  test("an inbox that is away and has nothing to show is not called", () => {
    expect(isNeedless({ ...RESTORED, interest: "none" }, 0)).toBe(true);
    expect(isNeedless({ ...RESTORED, interest: "none" }, 1)).toBe(false);
    expect(isNeedless(RESTORED, 0)).toBe(false);
    expect(isNeedless(rearmed({ ...RESTORED, interest: "none" }), 0)).toBe(false);
    expect(skipped(changed(NEWLY_ARMED, away))).toMatchObject({ dueAt: undefined, isKnown: true });
  });
});

describe("an inbox that nobody watches and that notifies its user", () => {
  const messages = { ...restored("messages"), calledAt: NOW - 10_000, toldUnread: 1 };
  const mentions = { ...restored("mentions"), calledAt: NOW - 10_000, toldUnread: 1 };

  test("is called for new messages once in 30 seconds", () => {
    expect(changed(messages, away).dueAt).toBe(NOW + 20_000);
    expect(changed(messages, here).dueAt).toBe(NOW + 20_000);
    expect(changed({ ...messages, calledAt: NOW - 30_000 }, away).dueAt).toBe(NOW);
    expect(changed({ ...messages, calledAt: NOW - 30_000 }, here).dueAt).toBe(WITH_ALARM);
    expect(changed(restored("messages"), away).dueAt).toBe(NOW);
    expect(changed({ ...messages, toldUnread: 0 }, away).dueAt).toBe(NOW);
  });

  test("is called at once when the user reads what it was told of", () => {
    expect(changed(changed(messages, away), { ...away, own: "read" }).dueAt).toBe(NOW);
    expect(changed(mentions, { ...away, own: "read" }).dueAt).toBe(NOW);
    expect(isNeedless(messages, 0)).toBe(false);
  });

  test("is not called when there was nothing and is nothing, by what is known", () => {
    expect(isNeedless({ ...messages, toldUnread: 0 }, 0)).toBe(true);
    expect(isNeedless({ ...messages, toldUnread: 0 }, 1)).toBe(false);
    expect(isNeedless({ ...messages, toldUnread: undefined }, 0)).toBe(false);
  });

  test("is called for no less than it wants: messages, or mentions", () => {
    expect(changed(mentions, away)).toBe(mentions);
    expect(changed(messages, { ...away, news: "none" })).toBe(messages);
    expect(changed(mentions, { ...away, news: "mention" }).dueAt).toBe(NOW);
  });
});
