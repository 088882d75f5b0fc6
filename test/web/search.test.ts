import fc from "fast-check";
import { expect, test } from "vitest";
import type { SearchHit } from "../../src/client/search.ts";
import type { Entry } from "../../src/web/page/model/entry.ts";
import { partsOf } from "../../src/web/page/search/highlight.ts";
import { Names } from "../../src/web/page/search/names.ts";
import { besides, groupsOf, type Option, type Shown } from "../../src/web/page/search/options.ts";
import { searchedWith, sentencesOf } from "../../src/web/page/search/searched.ts";

/** What the search of the page shows of the server's answers. */

test.each([
  ["a word here", [[2, 6]], undefined, ["a ", "[word]", " here"]],
  ["🐦 heron 🐦", [[3, 8]], undefined, ["🐦 ", "[heron]", " 🐦"]],
  [
    "heron heron",
    [
      [0, 5],
      [6, 11],
    ],
    undefined,
    ["[heron]", " ", "[heron]"],
  ],
  ["one two three", [[4, 7]], [4, 13], ["[two]", " three"]],
  // Cut to the range that is shown.
  ["one two three", [[0, 7]], [4, 9], ["[two]", " t"]],
  ["one two three", [[4, 13]], [0, 7], ["one ", "[two]"]],
  ["one two", [[0, 3]], [4, 7], ["two"]],
  // What the server should not send.
  [
    "one two",
    [
      [4, 2],
      [1, 99],
      [0, 3],
    ],
    undefined,
    ["one ", "[two]"],
  ],
] as const)("the parts of %j with matches %j within %j", (text, matches, within, expected) => {
  const ranges = matches.map(([start, end]) => ({ start, end }));
  const parts = partsOf(text, ranges, within && { start: within[0], end: within[1] });
  const shown = parts.map((part) => (part.isMatch ? `[${part.text}]` : part.text));
  expect(shown).toEqual(expected);
});

test("all parts together are the text that is shown, whatever the ranges are", () => {
  const range = fc.record({ start: fc.nat(40), end: fc.nat(40) });
  fc.assert(
    fc.property(fc.string({ maxLength: 30 }), fc.array(range), range, (text, matches, within) => {
      const parts = partsOf(text, matches, within);
      expect(parts.map((part) => part.text).join("")).toBe(
        text.slice(within.start, Math.max(within.start, within.end)),
      );
      expect(parts.every((part) => part.text !== "")).toBe(true);
    }),
  );
});

test("names are asked for once, and not where the beginning of a text has found none", () => {
  const names = new Names<string>();
  expect(names.of("ad")).toBeUndefined();
  names.learn("ad", ["Ada"], true);
  names.learn("ox", [], true);
  names.learn("b", ["Bob"], false);
  expect(names.of("ad")).toEqual(["Ada"]);
  expect(names.of("ada")).toBeUndefined();
  expect(names.of("oxf")).toEqual([]);
  expect(names.of("bo")).toBeUndefined();
  expect(names.of("o")).toBeUndefined();
});

const NOTHING = { waiting: 0, isHeld: false, problem: undefined };

function entry(id: string, title: string, more: Partial<Entry> = {}): Entry {
  return {
    ...{ id, title, kind: "group", other: undefined, lastAt: "", preview: "", unread: 0 },
    ...{ isArchived: false, isRequest: false, isOnline: false, isMuted: false, typing: [] },
    ...more,
  };
}

function hit(messageId: string): SearchHit {
  const message = {
    ...{ messageId, conversationId: "c", senderId: "bob", content: "text", type: "Text" as const },
    ...{ sentAt: "2026-03-03T12:00:00.000Z", editedAt: null, isDeleted: false },
    ...{ replyToMessageId: null, attachments: [], reactions: [] },
  };
  return {
    ...{ conversationId: "c", conversation: { title: null, kind: "direct" }, message },
    ...{ matches: [], snippet: { start: 0, end: 4 }, files: [] },
  };
}

function shown(
  more: Partial<Omit<Shown, "found">> & { found?: Partial<Shown["found"]> },
): string[] {
  const found = {
    people: [],
    channels: [],
    hits: [],
    searched: undefined,
    ...NOTHING,
    ...more.found,
  };
  const groups = groupsOf({ text: "", isHere: false, entries: [], me: "me", ...more, found });
  return groups.map(({ label, options }) => `${label}: ${options.map(({ key }) => key).join()}`);
}

test("conversations are found by words of their title, without case and marks, and people are shown once", () => {
  const entries = [
    entry("1", "Café Zürich"),
    entry("2", "Bob Tanaka", { kind: "direct", other: "bob" }),
    entry("3", "Old", { isArchived: true }),
  ];
  expect(shown({ entries })).toEqual(["Recent conversations: in-1,in-2"]);
  expect(shown({ entries, text: "zurich CAFE" })).toEqual(["Conversations: in-1"]);
  expect(shown({ entries, text: "old" })).toEqual(["Conversations: in-3"]);
  const person = (id: string) => ({ id, name: id, avatarUrl: null });
  const people = [person("bob"), person("me"), person("bobby")];
  const found = { people, hits: [hit("m1")] };
  expect(shown({ entries, text: "bob", found })).toEqual([
    ...["Conversations: in-2", "People: with-bobby", "Messages: m1"],
  ]);
  expect(shown({ entries, text: "bob", isHere: true, found: { hits: [hit("m1")] } })).toEqual([
    "Messages: m1",
  ]);
});

test("the arrows go around", () => {
  const options: Option[] = ["a", "b", "c"].map((key) => ({ key, type: "message", hit: hit(key) }));
  const to = (from: Option | undefined, step: 1 | -1) => besides(options, from, step)?.key;
  expect(options.map((option) => to(option, 1))).toEqual(["b", "c", "a"]);
  expect(options.map((option) => to(option, -1))).toEqual(["c", "a", "b"]);
  expect([to(undefined, 1), to(undefined, -1)]).toEqual(["a", "c"]);
  expect(besides([], undefined, 1)).toBeUndefined();
});

test("what was not searched is said", () => {
  const page = { cursor: null, searchedBack: null, incomplete: false, failed: [] };
  expect(sentencesOf(0, page)).toBe("No message was found.");
  expect(sentencesOf(1, page)).toBe("1 message.");
  const back = { ...page, cursor: "x", searchedBack: "2026-03-03T12:00:00.000Z", incomplete: true };
  expect(sentencesOf(20, { ...back, failed: ["a", "b"] })).toMatch(
    /^20 messages\. Searched back to .*2026\. 2 conversations could not be searched\.$/,
  );
  expect(sentencesOf(2, { ...page, incomplete: true })).toBe(
    "2 messages. Conversations that were quiet for long were not searched.",
  );
  const both = searchedWith({ ...back, failed: ["a"] }, { ...page, failed: ["a", "b"] });
  expect(both).toEqual({ cursor: null, searchedBack: null, incomplete: true, failed: ["a", "b"] });
});
