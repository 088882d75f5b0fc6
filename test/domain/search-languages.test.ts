import { describe, expect, test } from "vitest";
import { matches, parseQuery } from "../../src/domain/search.ts";
import { bob, messageOf } from "./search-texts.ts";

/** Whether a text is found by what is typed. */
function finds(typed: string, text: string): boolean {
  const query = parseQuery(typed);
  if (!query.ok) throw new Error(JSON.stringify(query.error));
  return matches(query.value, messageOf(text), bob);
}

describe("a text is found", () => {
  test.each([
    ["English: case", "HELLO", "hello world"],
    ["English: the beginning of the last word", "hello wor", "hello world"],
    ["English: words in another order", "world hello", "hello world"],
    ["English: a typographic apostrophe", "don't", "I don’t know"],
    ["English: ligatures and full-width letters", "find office", "ﬁnd the Ｏｆｆｉｃｅ"],
    ["German: ß", "strasse", "In der Straße"],
    ["German: ß in capitals", "straße 5", "STRASSE 5"],
    ["German: ß while it is typed", "stras", "Straße"],
    ["German: umlauts", "grosse tur", "Größe? Große Tür!"],
    ["French: accents", "eleve francais", "L’élève français"],
    ["French: œ", "coeur", "Le cœur"],
    ["Spanish: ñ", "manana", "Hasta mañana"],
    ["Danish: ø and å", "smorrebrod pa", "Smørrebrød på"],
    ["Polish: ł", "lodz", "Łódź"],
    ["Icelandic: ð and þ", "thad", "Það"],
    ["Turkish: dotted capital I", "istanbul", "İSTANBUL"],
    ["Turkish: dotless i", "ISPARTA", "ısparta"],
    ["Vietnamese: tones and đ", "da nang", "Đà Nẵng"],
    ["Vietnamese: decomposed", "Đà Nẵng", "Đà Nẵng".normalize("NFD")],
    ["Greek: final sigma", "ΟΔΥΣΣΕΥΣ", "Οδυσσεύς"],
    ["Greek: sigma within a word that is typed", "οδος", "οδοσ"],
    ["Greek: accents", "καλημερα", "Καλημέρα"],
    ["Russian: ё", "елка", "Ёлка"],
    ["Russian: е for ё", "ёлка", "елка"],
    ["Russian: stress", "замок", "замо́к"],
    ["Russian: й decomposed", "йод", "йод".normalize("NFD")],
    ["Arabic: vowels and hamza", "احمد", "قال أَحْمَد"],
    ["Arabic: teh marbuta and alef maksura", "مدرسه علي", "مدرسة على"],
    ["Arabic: tatweel", "سلام", "ســـلام"],
    ["Arabic: digits", "2026", "عام ٢٠٢٦"],
    ["Persian: zero-width non-joiner", "میخواهم", "می‌خواهم"],
    ["Persian: yeh and keheh of an Arabic keyboard", "كتاب علي", "کتاب علی"],
    ["Hebrew: points", "שלום", "שָׁלוֹם"],
    ["Hebrew: gershayim", 'צה"ל', "צה״ל"],
    ["Hindi", "हिन्दी", "मुझे हिन्दी आती है"],
    ["Hindi: the beginning of a word", "हिन", "हिन्दी"],
    ["Hindi: digits", "15", "१५ अगस्त"],
    ["Tamil", "தமிழ்", "தமிழ் மொழி"],
    ["Thai: within a sentence", "น้ำ", "ฉันดื่มน้ำทุกวัน"],
    ["Thai: several words", "วัน น้ำ", "ฉันดื่มน้ำทุกวัน"],
    ["Lao", "ພາສາ", "ຂ້ອຍເວົ້າພາສາລາວ"],
    ["Khmer", "ភាសា", "ខ្ញុំនិយាយភាសាខ្មែរ"],
    ["Burmese", "မြန်မာ", "ကျွန်တော်မြန်မာစကားပြောတတ်တယ်"],
    ["Chinese: within a sentence", "搜索", "我们需要更好的搜索引擎"],
    ["Chinese: a single character", "好", "我们需要更好的"],
    ["Chinese: beside Latin letters", "iphone", "我的iPhone手机"],
    ["Chinese: full-width punctuation", "手机", "（手机）"],
    ["Japanese: kanji", "京都", "東京都に住む"],
    ["Japanese: half-width katakana", "ガイド", "ｶﾞｲﾄﾞ"],
    ["Japanese: decomposed kana", "がぎ", "がぎ".normalize("NFD")],
    ["Japanese: the long vowel", "サーバ", "新しいサーバーです"],
    ["Korean: with an ending", "한국 여행", "한국에서 여행을"],
    ["Korean: within a word", "대학", "서울대학교"],
    ["Korean: decomposed, as names of files on a Mac", "한국", "한국어".normalize("NFD")],
    ["Georgian: capitals", "თბილისი", "ᲗᲑᲘᲚᲘᲡᲘ"],
    ["emoji", "👍", "great👍"],
    ["emoji: another tone of skin", "👍🏿", "👍🏽"],
    ["emoji: without the variation selector", "❤", "I ❤️ it"],
    ["emoji: a family", "👨‍👩‍👧", "us 👨‍👩‍👧"],
    ["emoji: a flag", "🇪🇸", "🇩🇪🇪🇸"],
    ["symbols within words", "C++20", "we use C++20 here"],
    ["a word with symbols, while it is typed", "c++", "C++20"],
    ["a number sign", "#4711", "see #4711."],
    ["an address", "https://example.com/a?b=c", "at https://example.com/a?b=c&d"],
    ["a part of an address", "example.com", "https://www.example.com/"],
    ["an e-mail address", "ada@example.com", "<Ada@Example.com>"],
    ["a part of a compound", "bar", "foo-bar"],
    ["a compound as a phrase", "foo-bar", "the foo-bar thing"],
    ["a part of an identifier", "hits", "max_hits = 3"],
    ["emphasised", "word", "_word_ and **word**"],
    ["an option", "--force", "git push --force"],
    ["a phrase over lines", '"hello world"', "hello\n  world"],
    ["a phrase that is being typed", '"hello wor', "hello world"],
    ["a phrase in typographic quotes", "„hello world“", "hello world"],
  ])("%s", (_, typed, text) => {
    expect(finds(typed, text)).toBe(true);
  });
});

describe("a text is not found", () => {
  test.each([
    ["by the middle of a word", "art", "start"],
    ["by the beginning of a word that is not the last", "hel world", "hello world"],
    ["by one of several words alone", "hello moon", "hello world"],
    ["by a phrase in another order", '"world hello"', "hello world"],
    ["by a phrase whose last word goes on", '"hello wor"', "hello world"],
    ["with a word that is excluded", "hello -world", "hello world"],
    ["with a phrase that is excluded", 'hello -"big world"', "hello big world"],
    ["Russian: и for й", "иод", "йод"],
    ["Russian: и while it is typed", "и", "йод"],
    ["Ukrainian: і for ї", "іжак", "їжак"],
    ["Japanese: か for が", "か", "が"],
    ["Japanese: は for ぱ, decomposed", "は", "ぱ".normalize("NFD")],
    ["Thai: without its tone", "ปู x", "ปู่ x"],
    ["Hindi: ka for ki in the middle of a query", "क x", "कि x"],
    ["Hindi: without the nukta", "जमीन", "ज़मीन"],
    ["Korean: a part of a syllable", "하 x", "한 x"],
    ["numbers: a part", "3月", "13月"],
    ["symbols: = for ≠", "= b", "a ≠ b"],
    ["emoji: one of a family", "👩", "👨‍👩‍👧"],
    ["emoji: a flag across two others", "🇪🇸", "🇩🇪🇸🇪"],
    ["a dash is not a space", '"foo bar"', "foo-bar"],
  ])("%s", (_, typed, text) => {
    expect(finds(typed, text)).toBe(false);
  });

  test("with an exclusion that it only begins like", () => {
    expect(finds("hello -wor", "hello world")).toBe(true);
  });
});
