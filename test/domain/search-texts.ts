import fc from "fast-check";
import type { Message } from "../../src/domain/message.ts";
import type { SearchContext } from "../../src/domain/search.ts";

/** A message of Ada's. */
export function messageOf(content: string, more: Partial<Message> = {}): Message {
  return {
    number: 1,
    rev: 1,
    senderId: "ada",
    kind: "text",
    content,
    replyTo: null,
    attachments: [],
    reactions: [],
    metadata: null,
    clientMessageId: null,
    createdAt: Date.UTC(2026, 2, 15, 12),
    editedAt: null,
    deletedAt: null,
    ...more,
  };
}

/** A message's file. */
export function fileOf(name: string, mimeType = "application/pdf") {
  return { key: "k", name, mimeType, size: 1 };
}

export const NAMES: Readonly<Record<string, string>> = {
  ada: "Ada Okafor",
  bob: "Bob",
  cy: "李小龍",
  "Auth0|D d": "Zoë Ångström",
};

/** Bob searches. */
export const bob: SearchContext = {
  userId: "bob",
  nameOf: (userId) => NAMES[userId] ?? null,
};

/** Characters at which folding, boundaries or offsets could go wrong. */
const TRICKY = [
  ..." \t\n\u00a0\u3000\u200b\u200c\u200d\u00ad\ufe0f\u2060",
  ..."\u0300\u0301\u0308\u0338\u0345\u05b8\u064e\u0654\u0670\u0e4d\u3099\u309a\u20e3\u{e0101}",
  ..."ßẞŒæøŁıİIiſσςΣΐᾳµｆ①²½ﬁﷺﷴﹽﱞ゛ﾞ‖™℠№…¨´",
  ..."Ёёйѓїќў",
  ..."أإآئؤةىیک٣۳ـ",
  ..."が か ガ ｶ ﾞ 한 ㅎ ㅏ ㄳ 각 \u1112\u1161\u11ab",
  ..."กำ้น क़ि क \u093c ๓ ક",
  ..."👍🏽👨👩❤🔥🇩🇪🇸🏴\u{e0067}\u{e007f}🏽≠=",
  ..."-_.,:;#@+*\"'“”„«»()/\\",
];

const WORDS = [
  "art",
  "start",
  "Straße",
  "Größe",
  "ÉLÈVE",
  "İstanbul",
  "ığdır",
  "Đà",
  "Nẵng",
  "Σίσυφος",
  "Ёлка",
  "йод",
  "замо́к",
  "أَحْمَد",
  "مدرسة",
  "می‌خواهم",
  "שָׁלוֹם",
  "צה״ל",
  "हिन्दी",
  "ज़मीन",
  "ภาษาไทย",
  "น้ำ",
  "ພາສາ",
  "ខ្មែរ",
  "中文",
  "搜索引擎",
  "東京都",
  "ひらがな",
  "カタカナー",
  "한국어",
  "서울대학교",
  "C++20",
  "#4711",
  "foo-bar",
  "max_hits",
  "ada@example.com",
  "https://example.com/a?b=c",
  "don’t",
  "👍🏽",
  "👨‍👩‍👧",
  "🇩🇪🇪🇸",
  "❤️‍🔥",
];

const anyWord = fc.constantFrom(...WORDS);
const tricky = fc.string({ unit: fc.constantFrom(...TRICKY), maxLength: 8 });
const anyCharacters = fc
  .string({ unit: "binary", maxLength: 6 })
  .map((text) => text.toWellFormed());

/** Texts of words of many scripts, with and without spaces between them, and of characters that are hard. */
export const texts = fc
  .array(
    fc.tuple(
      fc.oneof({ weight: 4, arbitrary: anyWord }, { weight: 3, arbitrary: tricky }, anyCharacters),
      fc.constantFrom(" ", " ", " ", "", "\n", ", ", "-"),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((parts) => parts.flat().join(""));

/** Queries of parts of a text: words or pieces of them, phrases, exclusions and filters. */
export function queriesOf(text: string): fc.Arbitrary<string> {
  const characters = Array.from(text);
  const piece = fc
    .tuple(fc.nat(characters.length), fc.integer({ min: 1, max: 8 }))
    .map(([start, length]) => characters.slice(start, start + length).join(""));
  const word = fc.constantFrom(...text.split(/\s+/), "art");
  const filter = fc.constantFrom(
    "from:me",
    "from:ada",
    "from:okaf",
    'from:"Ada Okafor"',
    "from:小",
    "has:file",
    "has:image",
    "has:link",
    "mentions:me",
    "before:2026-03-16",
    "after:2026-03-14",
  );
  const part = fc.oneof(
    { weight: 6, arbitrary: word },
    { weight: 4, arbitrary: piece },
    piece.map((one) => `"${one}"`),
    word.map((one) => `-${one}`),
    filter,
  );
  return fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(" "));
}

/** Every character that is assigned, but most of the many that are their own folding: ideographs and syllables. */
export const CHARACTERS: readonly string[] = Array.from({ length: 0x11_00_00 }, (_, code) => code)
  .filter((code) => code < 0x2_0000 || code > 0xd_ffff || code % 64 === 0)
  .map((code) => String.fromCodePoint(code))
  .filter((one) => !/[\p{Cn}\p{Co}\p{Cs}\p{Unified_Ideograph}\p{Script=Tangut}나-힣]/u.test(one));
