import { describe, expect, test } from "vitest";
import { KINDS } from "../../src/domain/conversation.ts";
import { withPurged } from "../../src/domain/read-ranges.ts";
import {
  effectiveDays,
  goneAt,
  isGone,
  keptSince,
  readAmong,
  retentionText,
} from "../../src/domain/retention.ts";
import { type Env, settingsOf } from "../../src/env.ts";

/** The setting as it is parsed; an error's message where it is refused. */
function setting(text: string | undefined): unknown {
  const secret = "test-secret-0123456789abcdefghijklmnop";
  const given = { JWT_SECRET: secret, ID_SECRET: secret, FILES_SECRET: secret };
  const env = { ...given, PUBLIC_URL: "https://chat.test", RETENTION_DAYS: text };
  const settings = settingsOf(env as unknown as Env);
  return settings instanceof Error ? "refused" : settings.RETENTION_DAYS;
}

describe("RETENTION_DAYS", () => {
  test.each([
    [undefined, {}],
    ["", {}],
    [" ", {}],
    ["channel=365", { channel: 365 }],
    [" channel=365 , support=90 ", { channel: 365, support: 90 }],
    ["direct=1,purchase-request=36500", { direct: 1, "purchase-request": 36_500 }],
    ["group=36499,", { group: 36_499 }],
  ])("%j", (text, days) => {
    expect(setting(text)).toEqual(days);
  });

  test.each([
    ...["channel", "channel=", "channel=0", "channel=-1", "channel=1.5", "channel=036"],
    ...["channel=36501", "channel=99999", "channels=3", "channel=3;group=4", "channel = 3"],
    ...["channel=3,channel=4", "CHANNEL=3", "all=3", "channel=3 group=4", "channel=1e3"],
  ])("refused: %j", (text) => {
    expect(setting(text)).toBe("refused");
  });

  test("knows every kind of conversation", () => {
    const days = Object.fromEntries(KINDS.map((kind, index) => [kind, index + 1]));
    const text = retentionText(days);
    expect(setting(text)).toEqual(days);
    expect(retentionText({ support: 2, channel: 1 })).toBe("channel=1,support=2");
  });
});

test.each([
  // [own days, by an admin, the setting's, what holds]
  [undefined, false, undefined, undefined],
  [undefined, false, 90, 90],
  [30, false, undefined, 30],
  [30, false, 90, 30],
  // The setting has become shorter than what the owner had set.
  [30, false, 7, 7],
  [30, true, 90, 30],
  [365, true, 90, 365],
  [365, true, undefined, 365],
])("own %s, of an admin: %s, setting %s: %s", (retentionDays, isAdmins, days, effective) => {
  const own = { retentionDays, ...(isAdmins && { retentionByAdmin: true as const }) };
  expect(effectiveDays(own, days)).toBe(effective);
});

test("a message is gone from the moment on at which it is that old", () => {
  const created = Date.UTC(2026, 0, 1, 12);
  const gone = goneAt(created, 3);
  expect(gone).toBe(Date.UTC(2026, 0, 4, 12));
  expect(created <= keptSince(3, gone)).toBe(true);
  expect(created <= keptSince(3, gone - 1)).toBe(false);
});

test.each([
  [5, undefined, [], false],
  [5, 5, [], true],
  [5, 4, [], false],
  [5, 9, [5], false],
  [5, 9, [4, 6], true],
])("message %i, gone up to %s, pinned %j: %s", (number, purgedTo, pinned, expected) => {
  const pins = pinned.map((one) => ({ number: one, pinnedBy: "ada", pinnedAt: 0 }));
  expect(isGone({ ...(purgedTo !== undefined && { purgedTo }), pins }, number)).toBe(expected);
});

test.each([
  [{ readUpTo: 3, readBeyond: 2 }, undefined, { readUpTo: 3, readBeyond: 2 }],
  [{ readUpTo: 3, readBeyond: 2 }, 3, { readUpTo: 3, readBeyond: 2 }],
  [{ readUpTo: 3, readBeyond: 2 }, 7, { readUpTo: 7, readBeyond: 2 }],
])("figures %j, gone up to %s: %j", (figures, purgedTo, expected) => {
  expect(withPurged(figures, purgedTo)).toEqual(expected);
});

describe("what counted as read among messages that go", () => {
  const message = (number: number, senderId: string | null, isDeleted = false) => ({
    ...{ number, senderId, isDeleted },
  });
  const messages = [
    message(1, "bob"),
    message(2, "ada"),
    message(3, "bob"),
    message(4, "bob", true),
    message(5, null),
    message(6, "cyd"),
    message(7, "ada"),
    message(8, "bob"),
  ];
  const none = () => false;
  test.each([
    ["nothing was read but one's own", 0, 8, [], none, 2],
    ["of what is behind readUpTo", 2, 8, [], none, 1],
    ["up to a number", 0, 6, [], none, 1],
    ["ranges, without deleted and system messages", 0, 8, [{ from: 3, to: 6 }], none, 4],
    ["one's own within a range counts once", 0, 8, [{ from: 1, to: 3 }], none, 4],
    ["a range that goes on", 0, 8, [{ from: 8, to: 20 }], none, 3],
    ["those of somebody who is blocked", 0, 8, [], (sender: string) => sender === "cyd", 3],
    ["blocked and read counts once", 0, 8, [{ from: 6, to: 6 }], (s: string) => s === "cyd", 3],
  ])("%s", (_, readUpTo, upTo, covered, isHidden, expected) => {
    expect(readAmong(messages, { userId: "ada", readUpTo, upTo }, covered, isHidden)).toBe(
      expected,
    );
  });
});
