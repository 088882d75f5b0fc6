import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isUserId, normalizedUserId } from "../../src/domain/person.ts";

describe("a user id", () => {
  test.each([
    ["a UUID", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"],
    ["an ObjectId", "507f1f77bcf86cd799439011"],
    ["an address", "ada@example.com"],
    ["a number", "7"],
    ["a claim of an identity provider", "auth0|5f7c8ec7c33c6c004bbafe82"],
    ["letters of any script", "Ωмега-大村"],
    ["a letter and its combining mark", "e\u0301"],
    ["symbols and emojis", "c++ €5 😀"],
    ["spaces within", "Ada King Lovelace"],
    ["special characters of JSON, SQL and HTML", `"'<a&b>; --%_\\`],
    ["128 characters", "x".repeat(128)],
  ])("may be %s", (_, text) => {
    expect(isUserId(text)).toBe(true);
  });

  test.each([
    ["empty", ""],
    ["a space", " "],
    ["longer than 128 characters", "x".repeat(129)],
    ["preceded by a space", " ada"],
    ["followed by a space", "ada "],
    ["followed by a newline", "ada\n"],
    ["two lines", "ada\nbob"],
    ["with a tab", "a\tb"],
    ["with a zero byte", "ada\u0000"],
    ["with a control character of the second block", "a\u0085b"],
    ["with a no-break space", "a\u00a0b"],
    ["with a zero-width space", "ada\u200b"],
    ["with a change of direction", "ada\u202e"],
    ["with a byte order mark", "\ufeffada"],
    ["with a line separator", "a\u2028b"],
    ["with half a surrogate pair", "ada\ud83d"],
    ["of a private use character", "\ue000"],
  ])("is not %s", (_, text) => {
    expect(isUserId(text)).toBe(false);
  });

  test("may be any visible ASCII, up to 128 characters", () => {
    const visible = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(fc.string({ unit: visible, minLength: 1, maxLength: 200 }), (text) => {
        expect(isUserId(text)).toBe(text.length <= 128);
      }),
    );
  });

  test("has no control character in any position", () => {
    const controls = fc.oneof(
      fc.integer({ max: 0x1f, min: 0 }),
      fc.integer({ min: 0x7f, max: 0x9f }),
    );
    fc.assert(
      fc.property(controls, fc.string(), fc.string(), (code, before, after) => {
        expect(isUserId(before + String.fromCharCode(code) + after)).toBe(false);
      }),
    );
  });
});

describe("a user id is compared", () => {
  const UUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

  test.each([
    ["a UUID in upper case, in lower case", UUID.toUpperCase(), UUID],
    [
      "a UUID in both cases, in lower case",
      "3F2504e0-4f89-41D3-9a0c-0305e82c330F",
      "3f2504e0-4f89-41d3-9a0c-0305e82c330f",
    ],
    [
      "a UUID of any version, in lower case",
      "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
      "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ],
    ["a UUID in lower case, as it is", UUID, UUID],
    [
      "a UUID without hyphens, as it is",
      "3F2504E04F8941D39A0C0305E82C3301",
      "3F2504E04F8941D39A0C0305E82C3301",
    ],
    ["a UUID in braces, as it is", `{${UUID.toUpperCase()}}`, `{${UUID.toUpperCase()}}`],
    [
      "a UUID followed by other characters, unchanged",
      `${UUID.toUpperCase()}X`,
      `${UUID.toUpperCase()}X`,
    ],
    ["an ObjectId, as it is", "507F1F77BCF86CD799439011", "507F1F77BCF86CD799439011"],
    ["a name, as it is", "Ada", "Ada"],
    ["nothing, as it is", "", ""],
  ])("%s", (_, given, compared) => {
    expect(normalizedUserId(given)).toBe(compared);
  });

  test("in lower case, if it is a UUID", () => {
    fc.assert(
      fc.property(fc.uuid(), fc.infiniteStream(fc.boolean()), (uuid, upper) => {
        const written = [...uuid].map((c) => (upper.next().value ? c.toUpperCase() : c)).join("");
        expect(normalizedUserId(written)).toBe(uuid.toLowerCase());
        expect(isUserId(normalizedUserId(written))).toBe(true);
      }),
    );
  });

  test("unchanged, if it is not a UUID", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (text) => {
        expect(normalizedUserId(text)).toBe(text);
      }),
    );
  });
});
