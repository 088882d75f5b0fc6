import { expect, test } from "vitest";
import { KINDS } from "../../src/domain/conversation.ts";
import { type ChosenLevel, defaultLevel, levelAt } from "../../src/domain/notification-level.ts";

test("direct chats, groups, support and purchase requests notify of all, channels of mentions", () => {
  expect(Object.fromEntries(KINDS.map((kind) => [kind, defaultLevel(kind)]))).toEqual({
    direct: "all",
    group: "all",
    channel: "mentions",
    support: "all",
    "purchase-request": "all",
  });
});

test.each<[string, ChosenLevel | undefined, string]>([
  ["nothing was chosen", undefined, "mentions"],
  ["one without an end", { level: "all", until: null }, "all"],
  ["one that ends later", { level: "none", until: 1_001 }, "none"],
  ["one that ends now", { level: "none", until: 1_000 }, "mentions"],
  ["one that has ended", { level: "all", until: 999 }, "mentions"],
])("the level of a channel where %s", (_, chosen, expected) => {
  expect(levelAt(chosen, "channel", 1_000)).toBe(expected);
});
