import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  channelWords,
  haveAll,
  MAX_CHANNEL_WORDS,
  MAX_PERSON_WORDS,
  MAX_SEARCHED_WORDS,
  MAX_WORD_LENGTH,
  personWords,
  searchedWords,
} from "../../src/domain/name-words.ts";
import { codePoints } from "../../src/domain/text.ts";

const finds = (query: string, name: string) => haveAll(personWords(name), searchedWords(query));

describe("a name is found by the beginnings of its words", () => {
  test.each([
    ["ada", "Ada Okafor", true],
    ["OKA", "Ada Okafor", true],
    ["okafor ada", "Ada Okafor", true],
    ["ada ok", "Ada Okafor", true],
    ["  ada   okafor ", "Ada \u00a0 Okafor", true],
    ["kafor", "Ada Okafor", false],
    ["ada obi", "Ada Okafor", false],
    ["adaok", "Ada Okafor", false],
    // Punctuation.
    ["brien", "Conan O'Brien", true],
    ["o'b", "Conan O'Brien", true],
    ["lüdke", "Heike Müller-Lüdke", true],
    ["müller-lü", "Heike Müller-Lüdke", true],
    ["dev", "#dev", true],
    ["#dev", "#dev", true],
    ["c++", "C++ users", true],
    ["node.js", "node.js", true],
    ["js", "node.js", true],
    ["%", "%q", true],
    ["_", "q_", false],
    ["🎉", "party🎉", true],
    ["👩‍🚀", "crew 👩‍🚀", true],
    // Letters with marks, and how they are composed.
    ["muller", "Müller", true],
    ["MÜLLER", "mu\u0308ller", true],
    ["strasse", "Straße", true],
    ["elodie", "Élodie", true],
    ["nguyen", "Nguyễn Văn An", true],
    ["istanbul", "İstanbul", true],
    ["σοφος", "ΣΟΦΟΣ", true],
    ["сем", "Семён", true],
    ["ｊｏｈｎ", "John", true],
    // Scripts with and without spaces between words.
    ["نور", "محمد نور", true],
    ["כהן", "דוד כהן", true],
    ["शर्मा", "अनिता शर्मा", true],
    ["민준", "김 민준", true],
    ["芳", "王芳", true],
    ["王芳", "王芳", true],
    ["方", "王芳", false],
    ["さくら", "山田さくら", true],
    ["ชาย", "สมชาย", true],
    ["okafor", "王Okafor", true],
  ])("%j, %j: %s", (query, name, isFound) => {
    expect(finds(query, name)).toBe(isFound);
  });

  test("a channel by its name and its description, in ranks", () => {
    const words = channelWords("Ops Team", "Keeps the\nlights on, team of 3");
    const rankOf = (word: string) => words.filter((one) => one.slice(1).startsWith(word))[0]?.[0];
    expect(["ops", "team", "lights", "3"].map(rankOf)).toEqual(["0", "1", "2", "2"]);
    expect(haveAll(words, searchedWords("team light"))).toBe(true);
    expect(channelWords(null, null)).toEqual([]);
  });
});

const text = fc
  .oneof(
    fc.string({ unit: "grapheme", maxLength: 300 }),
    fc.array(fc.constantFrom("Ada", "王芳", "O'Brien", " ", "-", "สม", "é", "ﷺ"), {
      maxLength: 150,
    }),
  )
  .map((value) => (typeof value === "string" ? value : value.join("")));

test("a name is found by itself, by its words, and by beginnings of these", () => {
  fc.assert(
    fc.property(text, fc.nat(), (name, cut) => {
      expect(finds(name, name)).toBe(true);
      const [first = ""] = searchedWords(name);
      const beginning = Array.from(first)
        .slice(0, 1 + (cut % 5))
        .join("");
      expect(finds(beginning, name)).toBe(true);
    }),
  );
});

test("removing a word from a query never loses a name", () => {
  fc.assert(
    fc.property(
      text,
      fc.array(fc.constantFrom("a", "王", "b", "br", "o"), { maxLength: 4 }),
      (name, words) => {
        if (!finds(words.join(" "), name)) return;
        expect(finds(words.slice(1).join(" "), name)).toBe(true);
      },
    ),
  );
});

test("words are bounded, in number and in length, whatever the text", () => {
  fc.assert(
    fc.property(text, text, (one, other) => {
      const [person, channel] = [personWords(one + other), channelWords(one, other)];
      expect(person.length).toBeLessThanOrEqual(MAX_PERSON_WORDS);
      expect(channel.length).toBeLessThanOrEqual(MAX_CHANNEL_WORDS);
      expect(searchedWords(one + other).length).toBeLessThanOrEqual(MAX_SEARCHED_WORDS);
      for (const word of [...person, ...channel]) {
        expect(codePoints(word)).toBeLessThanOrEqual(1 + MAX_WORD_LENGTH);
        expect(word.isWellFormed()).toBe(true);
      }
      expect(new Set(person).size).toBe(person.length);
    }),
  );
});
