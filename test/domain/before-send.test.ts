import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  moderatedNames,
  moderatedText,
  type Verdict,
  verdictSchema,
} from "../../src/conversation/before-send/verdict.ts";
import { digestOf } from "../../src/conversation/decide/digest.ts";
import type { Send } from "../../src/conversation/decide/types.ts";
import { contentOf } from "../../src/domain/message.ts";

/** What becomes of a command by an answer of the before-send hook, whatever the answer is. */

const send: Send = { type: "send", kind: "text", content: "as sent", maxLength: 20 };

const text = fc.oneof(fc.string(), fc.string({ unit: "binary", maxLength: 30 }), fc.constant(" "));
/** Answers that have the right action, with anything in their fields. */
const verdicts: fc.Arbitrary<Verdict> = fc
  .record({
    action: fc.constantFrom("allow", "reject", "replace"),
    message: fc.oneof(text, fc.anything()),
    text: fc.oneof(text, fc.anything()),
    names: fc.oneof(
      fc.record({ title: text, description: text, subject: text }, { requiredKeys: [] }),
      fc.anything(),
    ),
  })
  .map((answer) => verdictSchema.parse(answer));

test("a text that passes is the one that was sent, or one that could have been sent", () => {
  fc.assert(
    fc.property(verdicts, (verdict) => {
      const result = moderatedText(send, verdict);
      if (!result.ok) {
        expect(verdict.action).not.toBe("allow");
        expect(result.error.code).toBe("rejected");
        expect(result.error.message.length).toBeGreaterThan(0);
        expect([...result.error.message].length).toBeLessThanOrEqual(500);
        return;
      }
      expect(verdict.action).not.toBe("reject");
      const { content = "" } = result.value;
      expect(contentOf(content, send.maxLength)).toEqual({ ok: true, value: content });
      if (verdict.action === "allow") expect(content).toBe("as sent");
      // A retry has the text that was sent.
      expect(digestOf(result.value)).toBe(digestOf(send));
    }),
    { numRuns: 1_000 },
  );
});

test("names that pass are in one line, bounded, and no others than were asked about", () => {
  fc.assert(
    fc.property(verdicts, fc.constantFrom({ title: "a" }, { subject: "b" }), (verdict, names) => {
      const result = moderatedNames(names, verdict);
      if (!result.ok) {
        expect(result.error.code).toBe("rejected");
        return;
      }
      expect(Object.keys(result.value)).toEqual(Object.keys(names));
      for (const name of Object.values(result.value)) {
        expect(name).not.toMatch(/[\n\u2028-\u202e\u2066-\u2069]/);
        expect(contentOf(name, 200)).toEqual({ ok: true, value: name });
      }
    }),
    { numRuns: 1_000 },
  );
});

describe("anything else is no answer", () => {
  test.each([null, "allow", 7, [], {}, { action: "hide" }, { action: "ALLOW" }, { action: 1 }])(
    "%j",
    (answer) => {
      expect(verdictSchema.safeParse(answer).success).toBe(false);
    },
  );
});
