import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matches, parseQuery } from "../../src/domain/search.ts";
import { isNamed } from "../../src/domain/search-filters.ts";
import { tokensOf, wantedTokens } from "../../src/domain/search-tokens.ts";
import { bob, fileOf, messageOf, NAMES, queriesOf, texts } from "./search-texts.ts";

const withNames = {
  ...bob,
  usersNamed: (wanted: string) =>
    Object.keys(NAMES).filter((id) => isNamed(NAMES[id] ?? "", wanted)),
};

const message = fc
  .tuple(
    texts,
    fc.constantFrom(...Object.keys(NAMES)),
    fc.constantFrom("art.pdf", "写真 1.png", undefined),
  )
  .chain(([content, senderId, name]) =>
    fc
      .record({
        mentions: fc.constantFrom<string[]>(["bob"], ["ada", "Auth0|D d"], []),
        all: fc.boolean(),
        typed: queriesOf(name ? `${content} ${name}` : content),
      })
      .map(({ mentions, all, typed }) => ({
        typed,
        message: messageOf(content, {
          senderId,
          attachments: name
            ? [fileOf(name, name.endsWith("png") ? "image/png" : "application/pdf")]
            : [],
          ...(mentions.length > 0 && { mentions }),
          ...(all && { mentionsAll: true as const }),
        }),
      })),
  );

describe("tokens", () => {
  test("of every message that matches hold those that are wanted", () => {
    let found = 0;
    const property = fc.property(
      message,
      fc.constantFrom(bob, withNames),
      ({ message, typed }, context) => {
        const query = parseQuery(typed);
        if (!query.ok || !matches(query.value, message, context)) return;
        found++;
        const tokens = tokensOf(message);
        for (const any of wantedTokens(query.value, context)) {
          const isThere = any.some(({ token, isPrefix }) =>
            tokens.some((one) => (isPrefix ? one.startsWith(token) : one === token)),
          );
          expect(isThere, `${typed}: ${JSON.stringify(any)}`).toBe(true);
        }
      },
    );
    fc.assert(property, { numRuns: 10_000 });
    expect(found).toBeGreaterThan(1_000);
  });

  test("are kept by FTS5's tokenizer `ascii` as they are", () => {
    const db = new DatabaseSync(":memory:");
    db.exec("create virtual table t using fts5(tokens, tokenize='ascii')");
    db.exec("create virtual table v using fts5vocab(t, row)");
    const vocabulary = db.prepare("select term from v");
    const property = fc.property(message, ({ message }) => {
      const tokens = tokensOf(message);
      db.exec("delete from t");
      db.prepare("insert into t values (?)").run(tokens.join(" "));
      const kept = vocabulary.all().map(({ term }) => term);
      expect(kept.sort()).toEqual(tokens.sort());
    });
    fc.assert(property, { numRuns: 500 });
    db.close();
  });

  test.each([
    ["a word", "Straße", ["strasse"]],
    ["punctuation", "C++20, foo-bar", ["c", "20", "foo", "bar"]],
    ["unspaced script", "搜索引擎", ["搜索", "索引", "引擎", "擎"]],
    ["a mixture", "iPhone手机", ["iphone", "手机", "机"]],
    ["an emoji", "ok 👍🏽", ["ok", "👍"]],
  ])("of %s", (_, content, expected) => {
    expect(tokensOf(messageOf(content)).filter((token) => !/[\ue000-\uf8ff]/.test(token))).toEqual(
      expected,
    );
  });

  test("of names are wanted only where all who have one are known", () => {
    const query = parseQuery("from:zoe from:me");
    if (!query.ok) throw new Error("no query");
    expect(wantedTokens(query.value, bob)).toEqual([]);
    expect(wantedTokens(query.value, withNames)).toHaveLength(1);
    expect(wantedTokens(query.value, withNames)[0]).toHaveLength(4);
    const mine = parseQuery("from:me");
    expect(mine.ok && wantedTokens(mine.value, bob)).toHaveLength(1);
  });

  test("are short, and 8 at most are wanted for a term", () => {
    const long = "x".repeat(1_000);
    expect(tokensOf(messageOf(long))[0]).toBe("x".repeat(32));
    for (const typed of ["x".repeat(200), "漢字".repeat(100)]) {
      const query = parseQuery(typed);
      expect(query.ok && matches(query.value, messageOf(long + "漢字".repeat(200)), bob)).toBe(
        true,
      );
      expect(query.ok && wantedTokens(query.value, bob).length).toBeLessThanOrEqual(8);
    }
  });
});
