import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  captionOf,
  contentOf,
  isCountable,
  type Message,
  metadataFits,
  withinEditWindow,
} from "../../src/domain/message.ts";
import { codePoints, hasControlCharacters } from "../../src/domain/text.ts";

const SENT = 1_700_000_000_000;

function message(over: Partial<Message> = {}): Message {
  return {
    number: 1,
    rev: 3,
    senderId: "ada",
    kind: "text",
    content: "hello",
    replyTo: null,
    attachments: [],
    reactions: [],
    metadata: null,
    clientMessageId: null,
    createdAt: SENT,
    editedAt: null,
    deletedAt: null,
    ...over,
  };
}

/** The code with which a text is refused, or `undefined`. */
function refused(text: string, maxLength = 100): string | undefined {
  const result = contentOf(text, maxLength);
  return result.ok ? undefined : result.error.code;
}

function content(text: string, maxLength = 100): string | undefined {
  const result = contentOf(text, maxLength);
  return result.ok ? result.value : undefined;
}

const CHARACTERS = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code));
/** White space that JavaScript trims and that is not a control character. */
const SPACES = CHARACTERS.filter((character) => /[^\S\p{Cc}]/u.test(character));
const CONTROLS = CHARACTERS.filter((character) => /\p{Cc}/u.test(character));
const ALLOWED_CONTROLS = ["\n", "\t"];

/** Any code point, surrogates included. */
const codePoint = fc.integer({ min: 0, max: 0x10_ffff }).map((code) => String.fromCodePoint(code));

/** As every validation error, it names the field. */
function refusal(code: string, message: string) {
  return { code, message, details: [{ path: "content", message }] };
}

describe("the text of a message", () => {
  test("loses surrounding white space, and keeps inner white space", () => {
    expect(content("  hello \n\t world \n")).toBe("hello \n\t world");
    for (const space of [...SPACES, ...ALLOWED_CONTROLS]) {
      expect(content(`${space}a${space}b${space}`)).toBe(`a${space}b`);
    }
  });

  test("must not be only white space", () => {
    expect(refused("")).toBe("empty_content");
    for (const space of [...SPACES, ...ALLOWED_CONTROLS, "\r\n"]) {
      expect(refused(space.repeat(3)), `U+${space.charCodeAt(0).toString(16)}`).toBe(
        "empty_content",
      );
    }
  });

  test.each(["\r\n", "\r"])("has %j normalized to \\n, which counts as one character", (end) => {
    expect(content(["one", "two", "", "three"].join(end))).toBe("one\ntwo\n\nthree");
    expect(content(`a${end}b`, 3)).toBe("a\nb");
    expect(refused(`a${end}b`, 2)).toBe("content_too_long");
    expect(content(`${end}a${end}`)).toBe("a");
    expect(refused(end.repeat(3))).toBe("empty_content");
  });

  test("has each of several kinds of line ends normalized", () => {
    expect(content("a\n\rb")).toBe("a\n\nb");
    expect(content("a\r\r\nb")).toBe("a\n\nb");
    expect(content("a\r\n\rb")).toBe("a\n\nb");
  });

  test("has no control character but newline and tab, not even where it would be trimmed", () => {
    expect(CONTROLS).toHaveLength(65);
    for (const control of CONTROLS) {
      const allowed = [...ALLOWED_CONTROLS, "\r"].includes(control);
      const expected = allowed ? undefined : "control_characters";
      for (const text of [`a${control}b`, `${control}a`, `a${control}`]) {
        expect(refused(text), JSON.stringify(text)).toBe(expected);
      }
      expect(hasControlCharacters(`a${control}b`)).toBe(!ALLOWED_CONTROLS.includes(control));
    }
  });

  test("may contain every other character of the basic plane", () => {
    for (const character of CHARACTERS) {
      if (CONTROLS.includes(character) || !character.isWellFormed()) continue;
      expect(content(`a${character}b`)).toBe(`a${character}b`);
    }
  });

  test("has no unpaired surrogates", () => {
    for (const text of ["a\ud83d", "\ude00a", "\ude00\ud83d", "😀\ud83d😀"]) {
      expect(contentOf(text, 100)).toEqual({
        ok: false,
        error: refusal("control_characters", "The text is not well-formed Unicode."),
      });
    }
    expect(content("\ud83d\ude00")).toBe("😀");
  });

  test("has its length counted in code points after trimming", () => {
    expect(content("😀".repeat(5), 5)).toBe("😀".repeat(5));
    expect(refused("😀".repeat(6), 5)).toBe("content_too_long");
    expect(content(`   ${"é".repeat(5)}\n\n`, 5)).toBe("ééééé");
    expect(refused("e\u0301".repeat(3), 5)).toBe("content_too_long");
    expect(refused("👨‍👩‍👧", 4)).toBe("content_too_long");
    expect(content("👨‍👩‍👧", 5)).toBe("👨‍👩‍👧");
  });

  test("that is too long is refused with the limit", () => {
    expect(contentOf("x".repeat(2_001), 2_000)).toEqual({
      ok: false,
      error: refusal(
        "content_too_long",
        "The text is too long: at most 2000 characters are accepted.",
      ),
    });
  });

  test("follows these rules for any text", () => {
    const unit = fc.oneof(
      { weight: 6, arbitrary: codePoint },
      { weight: 4, arbitrary: fc.constantFrom(" ", "\n", "\t", "\r\n", "😀", "e\u0301", "\u3000") },
      { weight: 1, arbitrary: fc.constantFrom("\r", "\u0000", "\u009f", "\ud83d", "\ude00") },
    );
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 16 }), fc.nat(12), (units, most) => {
        const text = units.join("");
        const lines = text.split("\r\n").join("\n").split("\r").join("\n");
        const points = Array.from(lines.trim());
        const bad = Array.from(lines).some(
          (point) => /[\p{Cc}\p{Cs}]/u.test(point) && !ALLOWED_CONTROLS.includes(point),
        );
        const expected = bad
          ? "control_characters"
          : points.length > most
            ? "content_too_long"
            : points.length === 0
              ? "empty_content"
              : undefined;
        expect(refused(text, most)).toBe(expected);
        if (expected === undefined) expect(content(text, most)).toBe(points.join(""));
        expect(codePoints(text)).toBe(Array.from(text).length);
      }),
      { numRuns: 1_000 },
    );
  });

  test("that was accepted is accepted again unchanged", () => {
    fc.assert(
      fc.property(fc.string({ unit: codePoint, maxLength: 20 }), (text) => {
        const first = content(text);
        fc.pre(first !== undefined);
        expect(content(first)).toBe(first);
      }),
    );
  });
});

describe("the caption of a file", () => {
  test("may be absent or empty", () => {
    for (const text of [undefined, "", " \n\t "]) {
      expect(captionOf(text, 10)).toEqual({ ok: true, value: "" });
    }
  });

  test("otherwise follows the same rules", () => {
    expect(captionOf(" a\r\nb ", 3)).toEqual({ ok: true, value: "a\nb" });
    expect(captionOf("abcd", 3)).toMatchObject({ error: { code: "content_too_long" } });
    expect(captionOf("a\u0007", 3)).toMatchObject({ error: { code: "control_characters" } });
    expect(captionOf("\ud800", 3)).toMatchObject({ error: { code: "control_characters" } });
  });
});

describe("a message counts", () => {
  test("when a person wrote it, whatever its kind", () => {
    expect(isCountable(message())).toBe(true);
    expect(isCountable(message({ kind: "system" }))).toBe(true);
    expect(isCountable(message({ content: "", editedAt: SENT + 1 }))).toBe(true);
  });

  test("not when the system wrote it, nor when it is deleted", () => {
    expect(isCountable(message({ kind: "system", senderId: null }))).toBe(false);
    expect(isCountable(message({ deletedAt: SENT + 1 }))).toBe(false);
    expect(isCountable(message({ senderId: null, deletedAt: SENT + 1 }))).toBe(false);
  });
});

test("an edit is allowed until the last millisecond of the window", () => {
  const window = 15 * 60_000;
  expect(withinEditWindow(message(), window, SENT)).toBe(true);
  expect(withinEditWindow(message(), window, SENT + window)).toBe(true);
  expect(withinEditWindow(message(), window, SENT + window + 1)).toBe(false);
  // Sent while the clock was behind the time of the previous message.
  const behind = message({ createdAt: SENT + 1_000_000, clockAt: SENT });
  expect(withinEditWindow(behind, window, SENT)).toBe(true);
  expect(withinEditWindow(behind, window, SENT + window)).toBe(true);
  expect(withinEditWindow(behind, window, SENT + window + 1)).toBe(false);
  expect(withinEditWindow(message({ editedAt: SENT + window }), window, SENT + window + 1)).toBe(
    false,
  );
});

describe("metadata", () => {
  const room = 8 * 1_024 - '{"a":""}'.length;

  test("has at most 8 KiB of JSON", () => {
    expect(metadataFits({})).toBe(true);
    expect(metadataFits({ a: "x".repeat(room) })).toBe(true);
    expect(metadataFits({ a: "x".repeat(room + 1) })).toBe(false);
  });

  test("is measured in bytes, not characters", () => {
    expect(metadataFits({ a: "€".repeat(room / 3) })).toBe(true);
    expect(metadataFits({ a: "€".repeat(room / 3 + 1) })).toBe(false);
    expect(metadataFits({ a: "\n".repeat(room / 2 + 1) })).toBe(false);
  });
});
