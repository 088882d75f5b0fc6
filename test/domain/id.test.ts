import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  conversationIdOf,
  derivedConversationId,
  KEY_BYTES,
  MAX_NUMBER,
  messageIdOf,
  parseConversationId,
  parseId,
  parseMessageId,
} from "../../src/domain/id.ts";

const bytes = fc.uint8Array({ minLength: KEY_BYTES, maxLength: 40 });
const number = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.integer({ min: 1, max: MAX_NUMBER }),
  fc.constantFrom(1, 15, 16, 2 ** 32 - 1, 2 ** 32, MAX_NUMBER - 1, MAX_NUMBER),
);
const conversationId = bytes.map(conversationIdOf);
const messageId = fc.tuple(conversationId, number).map(([id, n]) => messageIdOf(id, n));
const anyId = fc.oneof(conversationId, messageId);

/** The same layout, computed bit by bit: the first 82 bits, split at the pattern's k's. */
function spelled(key: Uint8Array, n: number): string {
  const bits = Array.from(key, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const k = (from: number, to: number) => bits.slice(from, to);
  const uuid = `${k(0, 48)}1000${k(48, 60)}10${k(60, 82)}${n.toString(2).padStart(40, "0")}`;
  const digits = (uuid.match(/.{4}/g) ?? []).map((four) => Number.parseInt(four, 2).toString(16));
  const text = digits.join("");
  const groups = [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20)];
  return [...groups, text.slice(20)].join("-");
}

function withCharacter(text: string, at: number, character: string): string {
  return text.slice(0, at) + character + text.slice(at + 1);
}

describe("the layout", () => {
  test("literal examples", () => {
    expect(conversationIdOf(new Uint8Array(11))).toBe("00000000-0000-8000-8000-000000000000");
    expect(conversationIdOf(new Uint8Array(11).fill(0xff))).toBe(
      "ffffffff-ffff-8fff-bfff-ff0000000000",
    );
    const id = conversationIdOf(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    expect(id).toBe("00010203-0405-8060-9c20-240000000000");
    expect(messageIdOf(id, 1)).toBe("00010203-0405-8060-9c20-240000000001");
    expect(messageIdOf(id, 3_054)).toBe("00010203-0405-8060-9c20-240000000bee");
    expect(messageIdOf(id, MAX_NUMBER)).toBe("00010203-0405-8060-9c20-24ffffffffff");
    expect(parseId("00010203-0405-8060-9C20-240000000BEE")).toEqual({
      conversationId: id,
      number: 3_054,
    });
  });

  test("82 bits of key and 40 bits of number, at the places in the pattern", () => {
    fc.assert(
      fc.property(bytes, number, (key, n) => {
        const id = conversationIdOf(key);
        expect(id).toBe(spelled(key, 0));
        expect(messageIdOf(id, n)).toBe(spelled(key, n));
      }),
    );
  });

  test("each of the first 82 bits changes the id, and no later bit does", () => {
    fc.assert(
      fc.property(bytes, fc.nat(), (key, pick) => {
        const bit = pick % (key.length * 8);
        const flipped = Uint8Array.from(key);
        flipped[bit >> 3] = (key[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
        expect(conversationIdOf(flipped) === conversationIdOf(key)).toBe(bit >= 82);
      }),
      { numRuns: 500 },
    );
  });

  test("a key needs eleven bytes", () => {
    for (let length = 0; length < KEY_BYTES; length++) {
      expect(() => conversationIdOf(new Uint8Array(length))).toThrow(RangeError);
    }
  });

  test("only integers from 1 to 2^40 - 1 are message numbers", () => {
    const id = conversationIdOf(new Uint8Array(11));
    for (const n of [0, -1, 1.5, 2 ** 40, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => messageIdOf(id, n), String(n)).toThrow(RangeError);
    }
  });
});

describe("parsing an id", () => {
  test("returns the conversation and the number from which it was made", () => {
    fc.assert(
      fc.property(conversationId, number, (id, n) => {
        expect(parseId(id)).toEqual({ conversationId: id, number: 0 });
        expect(parseId(messageIdOf(id, n))).toEqual({ conversationId: id, number: n });
      }),
    );
  });

  test("accepts both cases, and returns lower case", () => {
    fc.assert(
      fc.property(fc.mixedCase(anyId), (written) => {
        const id = written.toLowerCase();
        expect(parseId(written)).toEqual(parseId(id));
        const { conversationId, number } = parseId(written) ?? { conversationId: "", number: 0 };
        expect(number === 0 ? conversationId : messageIdOf(conversationId, number)).toBe(id);
      }),
    );
  });

  test("every UUID version 8 is well formed, no other version is", () => {
    fc.assert(
      fc.property(fc.uuid({ version: 8 }), (uuid) => {
        expect(parseId(uuid)).toBeDefined();
      }),
    );
    fc.assert(
      fc.property(fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7, 9, 15] }), (uuid) => {
        expect(parseId(uuid)).toBeUndefined();
      }),
    );
  });

  test("every other version and variant is rejected", () => {
    fc.assert(
      fc.property(anyId, (id) => {
        for (const digit of "0123456789abcdef") {
          expect(parseId(withCharacter(id, 14, digit)) !== undefined).toBe(digit === "8");
          expect(parseId(withCharacter(id, 19, digit)) !== undefined).toBe("89ab".includes(digit));
        }
      }),
    );
  });

  test("wrong lengths are rejected", () => {
    fc.assert(
      fc.property(anyId, fc.nat(35), fc.constantFrom("0", "f", "-"), (id, at, extra) => {
        expect(parseId(id.slice(0, at) + id.slice(at + 1))).toBeUndefined();
        expect(parseId(id.slice(0, at) + extra + id.slice(at))).toBeUndefined();
        expect(parseId(id + extra)).toBeUndefined();
        expect(parseId(id + id)).toBeUndefined();
      }),
    );
  });

  test("a character that is not a digit of an id is rejected in every position", () => {
    // The last two are a full-width digit and the Kelvin sign, whose lower case is an ASCII letter.
    const strange = fc.constantFrom(..."gxz{}.:/ \n\u0000\uff11\u212a");
    fc.assert(
      fc.property(anyId, fc.nat(35), strange, (id, at, character) => {
        expect(parseId(withCharacter(id, at, character))).toBeUndefined();
      }),
    );
  });

  test("white space, braces or a prefix around it are rejected", () => {
    fc.assert(
      fc.property(
        anyId,
        fc.constantFrom(" ", "\t", "\n", "\r\n", "\u00a0", "\ufeff", "\u0000"),
        (id, space) => {
          expect(parseId(space + id)).toBeUndefined();
          expect(parseId(id + space)).toBeUndefined();
          expect(parseId(`{${id}}`)).toBeUndefined();
          expect(parseId(`urn:uuid:${id}`)).toBeUndefined();
          expect(parseId(id.replaceAll("-", ""))).toBeUndefined();
        },
      ),
    );
  });

  test("text that is not an id is rejected", () => {
    expect(parseId("")).toBeUndefined();
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        expect(parseId(text)).toBeUndefined();
      }),
    );
  });

  test("number 0 is the conversation, every other number a message", () => {
    fc.assert(
      fc.property(conversationId, number, (id, n) => {
        const message = messageIdOf(id, n);
        expect(parseConversationId(id)).toBe(id);
        expect(parseConversationId(id.toUpperCase())).toBe(id);
        expect(parseMessageId(id)).toBeUndefined();
        expect(parseConversationId(message)).toBeUndefined();
        expect(parseMessageId(message)).toEqual({ conversationId: id, number: n });
      }),
    );
    expect(parseConversationId("general")).toBeUndefined();
    expect(parseMessageId("general")).toBeUndefined();
  });
});

test("the ids of one conversation sort by number, after the conversation's own", () => {
  fc.assert(
    fc.property(conversationId, fc.uniqueArray(number, { maxLength: 30 }), (id, numbers) => {
      const sorted = [id, ...numbers.map((n) => messageIdOf(id, n))].sort();
      expect(sorted.map((text) => parseId(text)?.number)).toEqual(
        [0, ...numbers].sort((a, b) => a - b),
      );
    }),
  );
});

describe("a derived id", () => {
  const secret = fc.string({ minLength: 1 });
  const parts = fc.array(fc.string(), { maxLength: 4 });

  test("a literal example", async () => {
    expect(
      await derivedConversationId("an-id-secret-of-thirty-two-bytes", ["direct", "alice", "bob"]),
    ).toBe("6980c9fa-cc09-8f1e-bad6-f40000000000");
  });

  test("is the HMAC-SHA-256 of the parts as JSON: a UUID version 8 that names a conversation", async () => {
    await fc.assert(
      fc.asyncProperty(secret, parts, async (key, names) => {
        const id = await derivedConversationId(key, names);
        const digest = createHmac("sha256", key).update(JSON.stringify(names)).digest();
        expect(id).toBe(spelled(digest, 0));
        expect(parseConversationId(id)).toBe(id);
      }),
    );
  });

  test("differs whenever the parts do, also if their plain concatenations are equal", async () => {
    const cut = fc.tuple(fc.string({ minLength: 1 }), fc.nat(), fc.nat());
    await fc.assert(
      fc.asyncProperty(cut, async ([text, first, second]) => {
        const at = first % (text.length + 1);
        const otherAt = second % (text.length + 1);
        fc.pre(at !== otherAt);
        const one = await derivedConversationId("secret", [text.slice(0, at), text.slice(at)]);
        const other = [text.slice(0, otherAt), text.slice(otherAt)];
        expect(await derivedConversationId("secret", other)).not.toBe(one);
        expect(await derivedConversationId("secret", [text])).not.toBe(one);
      }),
    );
    await fc.assert(
      fc.asyncProperty(parts, parts, async (some, others) => {
        const same = JSON.stringify(some) === JSON.stringify(others);
        const a = await derivedConversationId("secret", some);
        const b = await derivedConversationId("secret", others);
        expect(a === b).toBe(same);
      }),
    );
  });

  test("is not affected by separators, quotes or unpaired surrogates in a part", async () => {
    const variants = [
      ["a", "b"],
      ["b", "a"],
      ["a,b"],
      ['a","b'],
      ["a\u0000b"],
      ["a", "", "b"],
      ["a", "b", ""],
      ["a", "\ud800"],
      ["a", "\ud801"],
      ["a", "\ufffd"],
      ["a", "\\ud800"],
      [],
      [""],
    ];
    const ids = await Promise.all(variants.map((names) => derivedConversationId("secret", names)));
    expect(new Set(ids).size).toBe(variants.length);
  });

  test("depends on the secret", async () => {
    await fc.assert(
      fc.asyncProperty(secret, secret, parts, async (one, other, names) => {
        fc.pre(one !== other);
        expect(await derivedConversationId(one, names)).not.toBe(
          await derivedConversationId(other, names),
        );
      }),
    );
  });
});
