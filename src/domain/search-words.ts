/** Where a folded text may be cut into words, and where a term is found in it. */

/** Letters of scripts that put no spaces between words, and of Korean, which adds endings to them. */
const UNSPACED_SCRIPTS = [
  "Han",
  "Hiragana",
  "Katakana",
  "Bopomofo",
  "Hangul",
  "Yi",
  "Nushu",
  "Tangut",
  "Thai",
  "Lao",
  "Khmer",
  "Myanmar",
  "Tai_Le",
  "New_Tai_Lue",
  "Tai_Tham",
  "Tai_Viet",
  "Javanese",
  "Balinese",
];
const WORD = "[\\p{L}\\p{N}\\p{M}]";
const UNSPACED = `[${WORD}&&[${UNSPACED_SCRIPTS.map((name) => `\\p{scx=${name}}`).join("")}]]`;
/** Those of the other scripts, digits, and marks. */
const SPACED = `[${WORD}--${UNSPACED}]`;

/** In a folded text: words of scripts with spaces between them. */
export const WORDS = new RegExp(`${SPACED}+`, "gv");
/** Runs of characters that no spaces separate. */
export const UNSPACED_RUNS = new RegExp(`${UNSPACED}+`, "gv");
/** Symbols that are not ASCII, such as emojis, one by one. */
export const SYMBOLS = /[\p{S}--[\0-\x7f]]/gv;

const IS_WORD = /^[\p{L}\p{N}\p{M}]/u;
const IS_UNSPACED = new RegExp(`^${UNSPACED}`, "v");
/** What belongs to the character before it: marks, tag letters of flags, U+200D of emojis. */
const IS_JOINED = /^(?:\p{M}|\u200d|[\u{e0020}-\u{e007f}])/u;
const JOINER = "\u200d";

/** A word or a phrase, folded as texts are. */
export interface Term {
  text: string;
  /** Whether a word may go on after it. */
  isPrefix: boolean;
}

/** Whether a folded text has a term, beginning and ending at word boundaries. */
export function isFound(term: Term, text: string): boolean {
  return nextPlace(term, text, 0) >= 0;
}

/** The first places of a folded text at which a term is found, in ascending order; they do not overlap. */
export function placesOf(term: Term, text: string, limit: number): number[] {
  const places: number[] = [];
  let place = nextPlace(term, text, 0);
  while (place >= 0 && places.length < limit) {
    places.push(place);
    place = nextPlace(term, text, place + term.text.length);
  }
  return places;
}

function nextPlace({ text: wanted, isPrefix }: Term, text: string, from: number): number {
  const isEnd = isPrefix ? isApart : isBoundary;
  let place = text.indexOf(wanted, from);
  while (place >= 0) {
    const begins = isBoundary(text, place);
    if (begins && isEnd(text, place + wanted.length)) return place;
    // Where it cannot begin it is not looked for again: `aaa…` in `aaaa…` takes linear time.
    place = text.indexOf(wanted, begins ? place + 1 : nextBoundary(text, place + 1));
  }
  return -1;
}

/** Everywhere but between two word characters of which neither is unspaced, and before what is joined. */
export function isBoundary(text: string, index: number): boolean {
  if (index <= 0 || index >= text.length) return true;
  const before = characterBefore(text, index);
  const after = String.fromCodePoint(text.codePointAt(index) ?? 0);
  if (IS_JOINED.test(after) || before === JOINER) return before === " ";
  if (!IS_WORD.test(before) || !IS_WORD.test(after)) return true;
  return IS_UNSPACED.test(before) || IS_UNSPACED.test(after);
}

/** Whether a place is not within an emoji that is joined of several. */
function isApart(text: string, index: number): boolean {
  return text.charAt(index - 1) !== JOINER && text.charAt(index) !== JOINER;
}

function nextBoundary(text: string, from: number): number {
  let index = from;
  while (!isBoundary(text, index)) index++;
  return index;
}

function characterBefore(text: string, index: number): string {
  const isPair = index > 1 && /[\udc00-\udfff]/.test(text.charAt(index - 1));
  return text.slice(index - (isPair ? 2 : 1), index);
}
