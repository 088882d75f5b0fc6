import fc from "fast-check";
import { expect, test } from "vitest";
import { clientFrame, sendFrame } from "../../src/live/frames.ts";
import { parseFrame, plainSend } from "../../src/live/parse-frame.ts";

/** Frames are decoded by their schema; a plain send is decoded by hand, to the same. */

const length = (most: number) => fc.string({ minLength: most - 1, maxLength: most + 1 });
const json = fc.jsonValue();
const anything = fc.oneof(
  json,
  fc.constantFrom(Number.POSITIVE_INFINITY, -0, "", null, [], {}, "a b", "\u007f"),
);
const field = <Value>(good: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 4, arbitrary: good }, anything);

const sends = fc.record(
  {
    op: fc.oneof({ weight: 9, arbitrary: fc.constant("send") }, anything),
    id: field(fc.oneof(fc.integer(), length(128))),
    content: field(fc.string()),
    clientMessageId: field(fc.oneof(fc.uuid(), length(128), fc.string({ unit: "binary" }))),
    replyTo: field(fc.oneof(fc.uuid(), length(64))),
    attachments: anything,
    metadata: anything,
    mentions: field(fc.array(fc.uuid(), { maxLength: 51 })),
    mentionsAll: field(fc.boolean()),
    silent: field(fc.boolean()),
    unknown: anything,
    __proto__: anything,
  },
  { requiredKeys: [] },
);

test("a send that is decoded by hand is what the schema decodes", () => {
  fc.assert(
    fc.property(fc.oneof(sends, anything), (value) => {
      const plain = plainSend(value);
      if (plain) expect({ success: true, data: plain }).toEqual(clientFrame.safeParse(value));
    }),
    { numRuns: 2_000 },
  );
});

const BY_SCHEMA = ["attachments", "metadata", "mentions", "mentionsAll", "silent"];

test("every valid send without files, metadata and mentions that is not silent is decoded by hand", () => {
  fc.assert(
    fc.property(sends, (whole) => {
      const fields = Object.entries(whole).filter(([name]) => !BY_SCHEMA.includes(name));
      const value = Object.fromEntries(fields);
      const { success } = clientFrame.safeParse(value);
      expect(plainSend(value) !== undefined).toBe(success && value["op"] === "send");
    }),
    { numRuns: 2_000 },
  );
});

test("the decoder by hand knows every field of the schema", () => {
  const plain = ["op", "id", "content", "clientMessageId", "replyTo"];
  expect(Object.keys(sendFrame.shape)).toEqual([...plain, ...BY_SCHEMA]);
});

test("a line is decoded to the same, or refused with the same details", () => {
  const line = JSON.stringify({ op: "send", id: 7, content: "hello", replyTo: null, more: true });
  expect(parseFrame(line)).toEqual({
    ok: true,
    id: 7,
    value: { op: "send", id: 7, content: "hello", replyTo: null },
  });
  expect(parseFrame('{"op":"send","id":1e999}')).toMatchObject({
    ok: false,
    error: { code: "invalid_frame", details: [{ path: "id" }] },
  });
});
