import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  attachmentsIn,
  kindIn,
  mentionsIn,
  metadataIn,
  parsed,
  reactionsIn,
} from "../../src/domain/stored.ts";

const FILE = { key: "k.png", name: "a.png", mimeType: "image/png", size: 67 };

describe("stored attachments", () => {
  test.each([
    ["as they are written", [{ ...FILE, width: 3, height: 2 }], [{ ...FILE, width: 3, height: 2 }]],
    ["of a newer version: unknown fields are ignored", [{ ...FILE, blurHash: "x" }], [FILE]],
    ["one of two pixels is none", [{ ...FILE, width: 3 }], [FILE]],
    [
      "with nothing but a key: the rest has defaults",
      [{ key: "k" }],
      [{ key: "k", name: "k", mimeType: "application/octet-stream", size: 0 }],
    ],
    ["without a key they are left out", [{ name: "a.png" }, FILE, { key: 7 }, null, "x"], [FILE]],
    ["a size that is none", [{ ...FILE, size: "67" }], [{ ...FILE, size: 0 }]],
    ["no list", { 0: FILE }, []],
    ["nothing", undefined, []],
  ])("%s", (_, value, expected) => {
    expect(attachmentsIn(value)).toEqual(expected);
  });
});

test.each([
  ["as they are written", [{ emoji: "👍", count: 2, userIds: ["a", "b"] }], 1],
  ["without people", [{ emoji: "👍", count: 2 }], 1],
  ["without a count", [{ emoji: "👍", userIds: ["a"] }], 0],
  ["no list", "👍", 0],
])("stored reactions %s", (_, value, length) => {
  expect(reactionsIn(value)).toHaveLength(length);
});

test("a kind that is not known is text", () => {
  expect(["image", "poll", null, 7].map(kindIn)).toEqual(["image", "text", "text", "text"]);
});

test("metadata is an object or nothing", () => {
  expect([{ a: 1 }, [1], "x", undefined].map(metadataIn)).toEqual([{ a: 1 }, null, null, null]);
});

test.each([
  ["people and everybody", ["", "a", "b"], { mentions: ["a", "b"], mentionsAll: true }],
  ["everybody", [""], { mentionsAll: true }],
  ["nobody", [], {}],
  ["what is no user id is left out", [7, "a", null, { id: "b" }], { mentions: ["a"] }],
  ["no list", { 0: "a" }, {}],
  ["nothing", undefined, {}],
])("stored mentions: %s", (_, value, expected) => {
  expect(mentionsIn(value)).toEqual(expected);
});

const whatever = fc.oneof(fc.json(), fc.string());

test("nothing that is stored makes reading throw", () => {
  fc.assert(
    fc.property(whatever, (json) => {
      const value = parsed(json);
      attachmentsIn(value);
      reactionsIn(value);
      metadataIn(value);
      mentionsIn(value);
      kindIn(value);
    }),
  );
});

test("what was written is read as it was", () => {
  const attachment = fc.record(
    {
      key: fc.string({ minLength: 1 }),
      name: fc.string({ minLength: 1 }),
      mimeType: fc.string(),
      size: fc.nat(),
    },
    { noNullPrototype: true },
  );
  const reaction = fc.record(
    { emoji: fc.string(), count: fc.nat(), userIds: fc.array(fc.string()) },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(attachment), fc.array(reaction), (attachments, reactions) => {
      expect(attachmentsIn(parsed(JSON.stringify(attachments)))).toEqual(attachments);
      expect(reactionsIn(parsed(JSON.stringify(reactions)))).toEqual(reactions);
    }),
  );
});
