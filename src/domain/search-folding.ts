/**
 * Folding: texts that readers take for the same become the same. docs/search.md says it for users.
 *
 * Folding is local to clusters: a character and those that can merge with it under normalisation. The folded
 * text is that of its clusters one after the other, which is how offsets are mapped back (search-offsets.ts).
 */

/** Characters in their folded form to which neither normalisation nor lower case brings them. */
const LETTERS: Readonly<Record<string, string>> = {
  // Latin letters with strokes and ligatures, and the dotless i.
  ß: "ss",
  æ: "ae",
  œ: "oe",
  ø: "o",
  đ: "d",
  ð: "d",
  ħ: "h",
  ł: "l",
  ŧ: "t",
  þ: "th",
  ı: "i",
  ς: "σ",
  // Arabic: alef wasla, alef maksura, teh marbuta; the Persian and Urdu yeh, keheh and heh goal.
  ٱ: "ا",
  ى: "ي",
  ی: "ي",
  ة: "ه",
  ہ: "ه",
  ک: "ك",
  // Typographic quotes and dashes, the maqaf, geresh and gershayim of Hebrew.
  "‘": "'",
  "’": "'",
  ʼ: "'",
  "׳": "'",
  "“": '"',
  "”": '"',
  "„": '"',
  "«": '"',
  "»": '"',
  "״": '"',
  "‐": "-",
  "–": "-",
  "—": "-",
  "−": "-",
  "־": "-",
};
/** The zeros of the decimal digits that keyboards of their scripts have; the other nine follow each. */
const ZEROS = "٠۰०০੦૦୦௦౦೦൦๐໐၀០";
const TABLE: ReadonlyMap<string, string> = new Map([
  ...Object.entries(LETTERS),
  ...Array.from(ZEROS).flatMap((zero) =>
    Array.from({ length: 10 }, (_, digit): [string, string] => [
      String.fromCharCode(zero.charCodeAt(0) + digit),
      String(digit),
    ]),
  ),
]);
const IN_TABLE = new RegExp(`[${[...TABLE.keys()].join("")}]`, "gu");

/**
 * Characters that are not seen: soft hyphens, the Arabic tatweel, variation selectors, marks of direction, joiners
 * but U+200D. In the brackets of an expression.
 */
const UNSEEN_CHARACTERS =
  "\\u034f\\u17b4\\u17b5\\u180b-\\u180d\\u180f\\ufe00-\\ufe0f\\u{e0100}-\\u{e01ef}\\u0640" +
  "\\u00ad\\u061c\\u180e\\u200b\\u200c\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff";
const UNSEEN = new RegExp(`[${UNSEEN_CHARACTERS}]`, "gu");
/** The two letters of a flag, also where something between them is not seen. In an expression. */
export const FLAG_LETTERS = `[\\u{1f1e6}-\\u{1f1ff}][${UNSEEN_CHARACTERS}\\u200d]*[\\u{1f1e6}-\\u{1f1ff}]`;
/** U+200D but between emojis, where it makes one of several. */
const JOINER = /(?<!\p{Extended_Pictographic})\u200d|\u200d(?!\p{Extended_Pictographic})/gu;
/** The tone of an emoji's skin. */
const TONE = /(?<=\p{Extended_Pictographic})[\u{1f3fb}-\u{1f3ff}]+/gu;
/** Signs behind a name, which would become letters of it. */
const TRADE = /[™℠]/gu;
/** The two letters of a flag. The second becomes a tag letter, so that a flag is not found between two others. */
const FLAG = /([\u{1f1e6}-\u{1f1ff}])([\u{1f1e6}-\u{1f1ff}])/gu;
const TAG_LETTERS = 0xe0061 - 0x1f1e6;
/** The longest decompositions by far, of 18 and 8 letters; the first has this abbreviation. */
const PHRASES = /[ﷺﷻ]/g;
/** Whether a text may have one of those above. */
const IS_SPECIAL = new RegExp(
  `${UNSEEN.source}|[\\u200d\\u{1f1e6}-\\u{1f1ff}\\u{1f3fb}-\\u{1f3ff}™℠ﷺﷻ]`,
  "u",
);

const MARKS = /\p{M}+/gu;
const IS_BASE = /[\p{L}\p{N}]$/u;
/** Marks that are removed: accents of all scripts but Cyrillic, points of Hebrew, vowels and hamzas of Arabic. */
const ACCENTS =
  /[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u08ca-\u08ff]/gu;
const CYRILLIC = /\p{Script=Cyrillic}$/u;

/** Characters without case whose folding is themselves: Hebrew, kana, ideographs and Korean syllables. */
const WITHOUT_CASE =
  "\u05d0-\u05ea\u3001\u3002\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fff\uac00-\ud7a3";
/**
 * ASCII, Hebrew and Russian letters but ё, kana, ideographs and Korean syllables: their folding is their lower case.
 * Most texts of Latin, Cyrillic and Asian languages are of these alone.
 */
const PLAIN = new RegExp(`^[\\t\\n\\x20-\\x7e\\u0410-\\u044f${WITHOUT_CASE}]*$`);
const PLAIN_WITHOUT_CASE = new RegExp(`^[\\x20-\\x7e${WITHOUT_CASE}]*$`);
/** White space that is not a single space. */
const UNEVEN = /[^\S ]| {2}/;
const SPACES = /\s+/g;

/**
 * A text for comparison: NFKD in lower case without accents (see {@link ACCENTS}; in Cyrillic only those of stress
 * and the dots of ё are removed), composed again (NFC), with white space collapsed and trimmed. Linear in time; at
 * most six times as long; folding it again changes nothing.
 */
export function folded(text: string): string {
  return collapsed(foldedInside(text));
}

/** Whether the folding of a text is its lower case. */
export function isPlain(text: string): boolean {
  return PLAIN.test(text);
}

/** Whether that is so, and at most ASCII letters have cases. */
export function isPlainWithoutCase(text: string): boolean {
  return PLAIN_WITHOUT_CASE.test(text);
}

/** The same, with white space as it is: the form in which clusters are put together. */
export function foldedInside(text: string): string {
  if (isPlain(text)) return text.toLowerCase();
  return (IS_SPECIAL.test(text) ? withoutSpecial(text) : text)
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll("ـ", "")
    .replace(MARKS, keptMarks)
    .replace(IN_TABLE, (character) => TABLE.get(character) ?? character)
    .normalize("NFC");
}

function withoutSpecial(text: string): string {
  return text
    .replace(UNSEEN, "")
    .replace(JOINER, "")
    .replace(TONE, "")
    .replace(TRADE, "®")
    .replace(FLAG, flag)
    .replace(PHRASES, (phrase) => (phrase === "ﷺ" ? "صلعم" : "جل"));
}

/** A text with each run of white space as one space, and none around it. */
export function collapsed(text: string): string {
  return (UNEVEN.test(text) ? text.replace(SPACES, " ") : text).trim();
}

function flag(_: string, first: string, second: string): string {
  return first + String.fromCodePoint((second.codePointAt(0) ?? 0) + TAG_LETTERS);
}

function keptMarks(marks: string, index: number, text: string): string {
  const letter = text.slice(Math.max(0, index - 2), index);
  if (!IS_BASE.test(letter)) return marks;
  if (!CYRILLIC.test(letter)) return marks.replace(ACCENTS, "");
  // й, ў, ї, ѓ and ќ are letters of their own; ё is written as е by most.
  const rest = marks.replace(/[гк]$/.test(letter) ? /\u0300/g : /[\u0300\u0301]/g, "");
  return letter.endsWith("е") ? rest.replaceAll("\u0308", "") : rest;
}
