import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foundIn, matches, parseQuery } from "../../src/domain/search.ts";
import { folded } from "../../src/domain/search-folding.ts";
import { FoldedText } from "../../src/domain/search-offsets.ts";
import { MAX_SNIPPET } from "../../src/domain/search-snippet.ts";
import { bob, CHARACTERS, fileOf, messageOf, queriesOf, texts } from "./search-texts.ts";

const RUNS = 2_000;

/** A query that must be one. */
function query(text: string) {
  const parsed = parseQuery(text);
  if (!parsed.ok) throw new Error(`${text}: ${JSON.stringify(parsed.error)}`);
  return parsed.value;
}

const found = (text: string, content: string) => matches(query(text), messageOf(content), bob);
const quoted = (text: string) => `"${text.replaceAll(/["＂]/g, " ")}"`;

describe("folding", () => {
  test("is the same cluster by cluster as at once", () => {
    const property = fc.property(texts, (text) => {
      expect(new FoldedText(text).folded).toBe(folded(text));
    });
    fc.assert(property, { numRuns: 5 * RUNS });
  });

  test("takes two letters for a flag where something unseen is between them, and changes nothing twice", () => {
    for (const unseen of [
      "",
      "\u200b",
      "\u200c",
      "\u200d",
      "\u00ad",
      "\u0640",
      "\ufe0f",
      "\u200d\u200b",
    ]) {
      const text = `🇩${unseen}🇸 🇸`;
      expect(new FoldedText(text).folded).toBe(folded(text));
      expect(folded(folded(text))).toBe(folded(text));
      expect(folded(text)).toBe(folded("🇩🇸 🇸"));
    }
  });

  test("is the same for every form of normalisation", () => {
    const property = fc.property(texts, fc.constantFrom("NFC", "NFD"), (text, form) => {
      expect(folded(text.normalize(form))).toBe(folded(text));
    });
    fc.assert(property, { numRuns: RUNS });
  });

  test("of every code point is local to its cluster, before and after every other kind", () => {
    const beside = ["", "a", "가", "한", "か", "е", "ا", "👍", " ", "\u0301", "\u3099", "\u1161"];
    for (let start = 0; start < CHARACTERS.length; start += 256) {
      const some = CHARACTERS.slice(start, start + 256);
      for (const other of beside) {
        const text = some.flatMap((character) => [other, character]).join("");
        if (new FoldedText(text).folded !== folded(text)) {
          expect.fail(`${JSON.stringify(some[0])}… beside ${JSON.stringify(other)}`);
        }
      }
    }
  });
});

describe("folding of every code point", () => {
  test("is the same in every case, but for the iota subscript and nine old Cyrillic letters", () => {
    const differs = CHARACTERS.filter((one) => folded(one.toUpperCase()) !== folded(one));
    expect(differs.filter((one) => !one.normalize("NFD").includes("\u0345"))).toEqual(
      Array.from("ᲀᲁᲂᲃᲄᲅᲆᲇᲈ"),
    );
  });

  test("is the same alone and in a text with others", () => {
    expect(CHARACTERS.filter((one) => folded(`${one} é`) !== `${folded(one)} e`.trim())).toEqual(
      [],
    );
  });

  test("changes nothing the second time, and makes texts at most six times as long", () => {
    expect(CHARACTERS.filter((one) => folded(folded(one)) !== folded(one))).toEqual([]);
    expect(CHARACTERS.filter((one) => folded(one).length > 6 * one.length)).toEqual([]);
  });
});

describe("a query", () => {
  test("finds every message by each of its words, and by all of it", () => {
    const property = fc.property(texts, (text) => {
      const words = text.split(/\s+/).filter((word) => folded(word) !== "");
      for (const word of words) {
        if (/^-|["＂“”„«»]|[:：]/.test(word)) continue;
        expect(found(word, text), word).toBe(true);
      }
      if (folded(text) !== "" && !/["＂]/.test(text) && Array.from(text).length <= 200) {
        expect(found(quoted(text.trim()), text)).toBe(true);
      }
    });
    fc.assert(property, { numRuns: RUNS });
  });

  test("does not lose a result when a part is removed", () => {
    const cases = texts.chain((text) => fc.tuple(fc.constant(text), queriesOf(text), fc.nat(5)));
    const property = fc.property(cases, ([text, typed, index]) => {
      const whole = parseQuery(typed);
      const message = messageOf(text, { attachments: [fileOf("art.pdf")] });
      if (!whole.ok || !matches(whole.value, message, bob)) return;
      const { terms, excluded, from, has } = whole.value;
      const without = <T>(all: readonly T[]) => all.filter((_, i) => i !== index % all.length);
      for (const less of [
        { ...whole.value, terms: without(terms) },
        { ...whole.value, excluded: without(excluded) },
        { ...whole.value, has: without(has) },
        { ...whole.value, from: from.length === 1 ? [] : from, mentionsMe: false },
      ]) {
        expect(matches(less, message, bob)).toBe(true);
      }
      const parts = typed.split(" ");
      const shorter = parseQuery(parts.slice(0, -1).join(" "));
      if (shorter.ok && !/["＂“”„«»]/.test(typed) && !typed.includes("from:")) {
        expect(matches(shorter.value, message, bob)).toBe(true);
      }
    });
    fc.assert(property, { numRuns: RUNS });
  });

  test("finds the same in every case and every form of normalisation", () => {
    const cases = texts.chain((text) => fc.tuple(fc.constant(text), queriesOf(text)));
    const property = fc.property(cases, ([text, typed]) => {
      const asTyped = parseQuery(typed);
      if (!asTyped.ok) return;
      const expected = matches(asTyped.value, messageOf(text), bob);
      // The iota subscript is the exception.
      const others = text.normalize("NFD").includes("\u0345")
        ? [text.normalize("NFD"), text.normalize("NFC")]
        : [text.normalize("NFD"), text.toUpperCase(), text.toLowerCase()];
      for (const other of others) {
        expect(matches(asTyped.value, messageOf(other), bob)).toBe(expected);
        if (!typed.includes(":")) expect(found(typed.normalize("NFD"), other)).toBe(expected);
      }
    });
    fc.assert(property, { numRuns: RUNS });
  });

  test("has 100 ranges in a text at most, of all its terms together", () => {
    const { matches: ranges } = foundIn(query("a b"), messageOf("a, b, ".repeat(500)));
    expect(ranges).toHaveLength(100);
  });

  test("never throws and answers within its bounds, whatever is typed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        const parsed = parseQuery(text);
        if (!parsed.ok) {
          expect(parsed.error.details?.[0]?.message).toMatch(/\.$/);
          return;
        }
        const { terms, excluded } = parsed.value;
        expect(terms.length + excluded.length).toBeLessThanOrEqual(10);
      }),
      { numRuns: RUNS },
    );
  });
});

describe("where it is found", () => {
  const cases = texts.chain((text) => fc.tuple(fc.constant(text), queriesOf(text)));

  test("is sliced to what folds to the terms, in order and apart", () => {
    const property = fc.property(cases, ([text, typed]) => {
      const parsed = parseQuery(typed);
      if (!parsed.ok || !matches(parsed.value, messageOf(text), bob)) return;
      const { matches: ranges, snippet } = foundIn(parsed.value, messageOf(text));
      let last = -1;
      for (const { start, end } of ranges) {
        expect(start).toBeGreaterThan(last);
        expect(end).toBeGreaterThan(start);
        expect(text.slice(start, end).isWellFormed()).toBe(true);
        last = end;
      }
      expect(last).toBeLessThanOrEqual(text.length);
      for (const { text: term } of parsed.value.terms) {
        const slices = ranges.map(({ start, end }) => folded(text.slice(start, end)));
        expect(slices.some((slice) => slice.includes(term))).toBe(true);
      }
      if (ranges[0]) expect(snippet.start).toBeLessThanOrEqual(ranges[0].start);
    });
    fc.assert(property, { numRuns: RUNS });
  });

  test("has a snippet of at most 160 code units that shows the first match and cuts no character", () => {
    const long = fc.array(texts, { minLength: 3, maxLength: 12 }).map((all) => all.join(" "));
    const property = fc.property(
      long.chain((text) => fc.tuple(fc.constant(text), queriesOf(text))),
      ([text, typed]) => {
        const parsed = parseQuery(typed);
        if (!parsed.ok) return;
        const { matches: ranges, snippet } = foundIn(parsed.value, messageOf(text));
        const { start, end } = snippet;
        expect(end - start).toBeLessThanOrEqual(MAX_SNIPPET);
        expect(end - start).toBeGreaterThanOrEqual(Math.min(text.length, 60));
        expect(text.slice(start, end).isWellFormed()).toBe(true);
        const first = ranges[0]?.start ?? 0;
        expect(start).toBeLessThanOrEqual(first);
        expect(end).toBeGreaterThan(first);
      },
    );
    fc.assert(property, { numRuns: RUNS });
  });
});
