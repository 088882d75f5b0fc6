import { describe, expect, test } from "vitest";
import type { Message } from "../../src/domain/message.ts";
import { foundIn, isIn, matches, parseQuery } from "../../src/domain/search.ts";
import { bob, fileOf, messageOf } from "./search-texts.ts";

function query(typed: string) {
  const parsed = parseQuery(typed);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

const isResult = (typed: string, content: string, more: Partial<Message> = {}) =>
  matches(query(typed), messageOf(content, more), bob);

describe("a query", () => {
  test("has terms, exclusions and filters", () => {
    const typed =
      'Foo "big  World" -"not this" FROM:Ada from:"Ada Okafor" in:General has:file has：Image mentions:me ok';
    expect(query(typed)).toEqual({
      terms: [
        { text: "foo", isPrefix: false },
        { text: "big world", isPrefix: false },
        { text: "ok", isPrefix: true },
      ],
      excluded: [{ text: "not this", isPrefix: false }],
      from: ["ada", "ada okafor"],
      in: ["general"],
      has: ["file", "image"],
      mentionsMe: true,
    });
  });

  test.each([
    ["an unknown key", "note:this", ["note:this"]],
    ["an address", "https://x.org", ["https://x.org"]],
    ["a time", "12:30", ["12:30"]],
    ["a lone dash", "a - b", ["a", "-", "b"]],
    ["an option", "--dry-run", ["--dry-run"]],
    ["inches", '5" screen', ['5"', "screen"]],
    ["words without spaces after quotes", '"a"b', ["a", "b"]],
    ["wide spaces", "東京　大阪", ["東京", "大阪"]],
    ["what folds to nothing", "\u00ad ok", ["ok"]],
    ["half a surrogate pair", "a\ud83d", ["a\ufffd"]],
  ])("takes for words: %s", (_, typed, expected) => {
    expect(query(typed).terms.map(({ text }) => text)).toEqual(expected);
  });

  test.each([
    ["nothing", ""],
    ["white space", " \n\u3000"],
    ["what is not seen", "\u200b\u00ad"],
    ["an empty phrase", '""'],
    ["nothing but exclusions", "-foo"],
    ["eleven words", "a b c d e f g h i j k"],
    ["more than 256 characters", "x".repeat(257)],
    ["a filter without a value", "foo from:"],
    ["an unknown kind of file", "has:video"],
    ["mentions of others", "mentions:ada"],
    ["a date that there is not", "before:2026-02-30"],
    ["a date in another form", "after:1.3.2026"],
    ["a time that there is not", "after:2026-03-01T25:00Z"],
    ["a filter that is excluded", "foo -from:ada"],
  ])("is refused: %s", (_, typed) => {
    expect(parseQuery(typed)).toMatchObject({
      ok: false,
      error: { code: "invalid_query", details: [{ path: "q", message: expect.any(String) }] },
    });
  });

  test("may have 256 characters of two code units, and ten parts", () => {
    expect(query("😀".repeat(256)).terms).toHaveLength(1);
    expect(query("a b c d e f g h -i from:j").terms).toHaveLength(8);
  });

  test.each([
    ["before:2026-03-15", { before: Date.UTC(2026, 2, 15) }],
    ["after:2026-03-15", { after: Date.UTC(2026, 2, 16) }],
    ["before:2026-03-15T10:00:30+02:00", { before: Date.UTC(2026, 2, 15, 8, 0, 30) }],
    ["after:2026-03-15t10:00", { after: Date.UTC(2026, 2, 15, 10) + 1 }],
    ["before:2026-03-15 before:2026-03-01", { before: Date.UTC(2026, 2, 1) }],
    ["after:2026-03-01 after:2026-03-15", { after: Date.UTC(2026, 2, 16) }],
    ["before:２０２６-03-15", { before: Date.UTC(2026, 2, 15) }],
  ])("has times: %s", (typed, expected) => {
    const { before, after } = query(typed);
    expect({
      ...(before !== undefined && { before }),
      ...(after !== undefined && { after }),
    }).toEqual(expected);
  });
});

describe("a message is a result", () => {
  const image = fileOf("Ferien 2026.PNG", "image/png");

  test.each([
    ["by the name of a file", "ferien png", "", { attachments: [image] }],
    ["by its text and the name of a file", "hello ferien", "hello", { attachments: [image] }],
    ["by its sender's id", "from:ada", "x", {}],
    ["by any word of its sender's name", "from:okaf", "x", {}],
    ["by a name in quotes", 'from:"ada okafor"', "x", {}],
    ["by a name with an at sign", "from:@ada", "x", {}],
    ["by one of several senders", "from:cy from:ada", "x", {}],
    ["by an id in another case", "from:auth0|d", "x", { senderId: "Auth0|D" }],
    ["by who searches", "from:me", "x", { senderId: "bob" }],
    ["with a file", "has:file", "", { attachments: [fileOf("a.pdf")] }],
    ["with an image", "has:image has:file", "", { attachments: [image] }],
    ["with a link", "has:link", "see HTTPS://x.org", {}],
    ["that mentions who searches", "mentions:me", "x", { mentions: ["bob"] }],
    ["that mentions everybody", "mentions:me", "x", { mentionsAll: true as const }],
    ["of the day before", "before:2026-03-16", "x", {}],
    ["of the day after", "after:2026-03-14", "x", {}],
    ["between two days", "after:2026-03-14 before:2026-03-16", "x", {}],
  ])("%s", (_, typed, content, more) => {
    expect(isResult(typed, content, more)).toBe(true);
  });

  test.each([
    ["of the system", "x", "x", { senderId: null }],
    ["deleted", "from:ada", "", { deletedAt: 1 }],
    ["hidden", "from:ada", "", { hidden: true as const }],
    ["of somebody else", "from:me", "x", {}],
    ["of one whose id is me", "from:me", "x", { senderId: "me" }],
    ["of one whose name begins with me", "from:me", "x", { senderId: "mel" }],
    ["by the middle of a name", "from:kafor", "x", {}],
    ["of a sender without a name", "from:zoe", "x", { senderId: "gone" }],
    ["without a file", "has:file", "file", {}],
    ["with another file than an image", "has:image", "", { attachments: [fileOf("a.pdf")] }],
    ["without a link", "has:link", "https:// is a scheme", {}],
    ["that mentions others", "mentions:me", "x", { mentions: ["cy"] }],
    [
      "own, with a mention of everybody",
      "mentions:me",
      "x",
      { senderId: "bob", mentionsAll: true as const },
    ],
    ["of the day itself, before", "before:2026-03-15", "x", {}],
    ["of the day itself, after", "after:2026-03-15", "x", {}],
    ["of the moment itself", "after:2026-03-15T12:00:00Z", "x", {}],
    ["with an excluded word in a file's name", "hello -ferien", "hello", { attachments: [image] }],
  ])("not: %s", (_, typed, content, more) => {
    const context = { ...bob, nameOf: (id: string) => (id === "mel" ? "Melanie" : bob.nameOf(id)) };
    expect(matches(query(typed), messageOf(content, more), context)).toBe(false);
  });
});

describe("a conversation is meant", () => {
  const conversation = { id: "018F-AB", title: "Général – Paris" };
  test.each([
    ["by none", "x", true],
    ["by its id", "in:018f-ab", true],
    ["by a word of its title", "in:paris", true],
    ["by the beginning of one, with #", "in:#gene", true],
    ["by one of two", "in:berlin in:paris", true],
    ["by its whole title", 'in:"general - paris"', true],
    ["not by another title", "in:berlin", false],
    ["not by the middle of a word", "in:aris", false],
  ])("%s", (_, typed, expected) => {
    expect(isIn(query(typed), conversation)).toBe(expected);
  });

  test("without a title only by its id", () => {
    expect(isIn(query("in:paris"), { id: "1", title: null })).toBe(false);
    expect(isIn(query("in:1"), { id: "1", title: null })).toBe(true);
  });
});

describe("matches", () => {
  const slices = (typed: string, content: string) =>
    foundIn(query(typed), messageOf(content)).matches.map(({ start, end }) =>
      content.slice(start, end),
    );

  test.each([
    ["every place", "the", "The end of the theory", ["The", "the", "the"]],
    ["several terms", "big world", "world, big World", ["world", "big", "World"]],
    ["behind emojis", "ok", "😀👨‍👩‍👧 ok", ["ok"]],
    ["emojis whole", "👍", "a👍🏽b", ["👍🏽"]],
    ["letters with their marks", "cafe", "Cafe\u0301s", ["Cafe\u0301"]],
    ["ß whole", "stras", "Straße", ["Straß"]],
    ["ligatures whole", "of", "Oﬃce", ["Oﬃ"]],
    ["a dotted capital", "istan", "İstanbul", ["İstan"]],
    ["full-width forms", "abc", "ＡＢＣ", ["ＡＢＣ"]],
    ["phrases with their white space", '"a b"', "x a \n b", ["a \n b"]],
    ["what was joined with unseen characters", "ab", "a\u00adb", ["a\u00adb"]],
    ["decomposed Korean", "한", "한국".normalize("NFD"), ["한".normalize("NFD")]],
    ["those that touch together", "中 文", "中文", ["中文"]],
    ["Thai", "น้ำ", "ดื่มน้ำ", ["น้ำ"]],
    ["nothing of exclusions", "a -b", "a", ["a"]],
    ["nothing without terms", "from:ada", "a", []],
  ])("are %s", (_, typed, content, expected) => {
    expect(slices(typed, content)).toEqual(expected);
  });

  test("are in names of files, by their places", () => {
    const attachments = [fileOf("no.pdf"), fileOf("Größe.pdf")];
    expect(foundIn(query("große"), messageOf("x", { attachments })).files).toEqual([
      { index: 1, matches: [{ start: 0, end: 5 }] },
    ]);
  });

  test("are 100 at most, and quick to find where nearly all of a long text does", () => {
    expect(slices("a", "a ".repeat(2_500))).toHaveLength(100);
    for (const [typed, content] of [
      ["a".repeat(255), "a".repeat(4_999)],
      [`"${"ab ".repeat(80)}a"`, "ab ".repeat(1_666)],
      ["x", "\u0301".repeat(5_000)],
      ["x", "\u200d".repeat(5_000)],
      ["x", "ﷺ".repeat(5_000)],
    ] as const) {
      expect(slices(typed, content).length).toBeLessThanOrEqual(1);
    }
  });
});

describe("a snippet", () => {
  const long = `${"lorem ipsum ".repeat(50)}needle ${"dolor sit ".repeat(50)}`.trim();
  const snippet = (typed: string, content: string) => {
    const { start, end } = foundIn(query(typed), messageOf(content)).snippet;
    return content.slice(start, end);
  };

  test("is all of a short text", () => {
    expect(snippet("b", "a b c")).toBe("a b c");
  });

  test("is around the first match, between words", () => {
    const shown = snippet("needle", long);
    expect(shown).toMatch(/^(lorem|ipsum) .*needle dolor.* (dolor|sit)$/);
    expect(shown.length).toBeLessThanOrEqual(160);
    expect(shown.length).toBeGreaterThan(130);
  });

  test("is the beginning where only a file's name matches", () => {
    expect(long.startsWith(snippet("from:ada", long))).toBe(true);
  });

  test("cuts no emoji and no letter from its marks", () => {
    expect(snippet("x", `${"😀".repeat(200)} x`)).toMatch(/^(😀)+ x$/u);
    expect(snippet("y", `y${"e\u0301".repeat(200)}`)).toMatch(/^y(e\u0301)+$/u);
  });
});
