import { truncated } from "./text.ts";

/**
 * By which words people and channels are found. A name is found by a query if each word of the query is the
 * beginning of one of its words. Words begin at the beginning of a text, after white space, and where a letter,
 * a digit or a symbol follows something else: "Müller-Lüdke" is found by "lud", "#dev" by "dev". In scripts
 * without spaces between words they begin at each character.
 */

/** Code points of a word that are compared; what follows is ignored. */
export const MAX_WORD_LENGTH = 64;
/** Words of a person's name that are looked at. */
export const MAX_PERSON_WORDS = 32;
/** Words of a channel's name and description, together. */
export const MAX_CHANNEL_WORDS = 64;
/** Words of a query; others are ignored. */
export const MAX_SEARCHED_WORDS = 10;

/**
 * What comes first in a list of results, as the first character of a stored word: names that begin with what is
 * searched, then those that have a word that does, then descriptions.
 */
export const RANKS = ["0", "1", "2"] as const;
const [BEGINNING, NAME, DESCRIPTION] = RANKS;

/** Written without spaces between words. */
const UNSPACED =
  /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Bopo}\p{sc=Yi}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}\p{sc=Tibt}]/u;
const WORD_CHARACTER = /[\p{L}\p{M}\p{N}_]/u;
/** With which no word begins, other than behind white space. */
const BEGINS_NOTHING = /[\p{P}\p{M}\p{C}]/u;

/** The words by which a person is found. */
export function personWords(name: string): string[] {
  const words = new Set(ranked(BEGINNING, NAME, name));
  return [...words].slice(0, MAX_PERSON_WORDS);
}

/** The words by which a channel is found. */
export function channelWords(name: string | null, description: string | null): string[] {
  const words = new Set([
    ...ranked(BEGINNING, NAME, name ?? ""),
    ...ranked(DESCRIPTION, DESCRIPTION, description ?? ""),
  ]);
  return [...words].slice(0, MAX_CHANNEL_WORDS);
}

/** The words of a query, without repetitions. */
export function searchedWords(query: string): string[] {
  const words = folded(query).split(" ").filter(Boolean).map(shortened);
  return [...new Set(words)].slice(0, MAX_SEARCHED_WORDS);
}

/** Whether words of a name have all that is searched. */
export function haveAll(words: readonly string[], searched: readonly string[]): boolean {
  return searched.every((one) => words.some((word) => word.startsWith(one, 1)));
}

/** The whole text, because lists are in its order, and each word that begins within it. */
function ranked(whole: string, within: string, text: string): string[] {
  const all = folded(text);
  if (all === "") return [];
  const words = beginningsIn(all).map((start) => {
    // A code point is one or two UTF-16 units.
    const [word = ""] = all.slice(start, start + 2 * MAX_WORD_LENGTH).split(" ", 1);
    return within + shortened(word);
  });
  return [whole + shortened(all), ...words];
}

/** Where words begin, but the first. */
function beginningsIn(text: string): number[] {
  const starts: number[] = [];
  let [before, at] = ["", 0];
  for (const character of text) {
    if (at > 0 && beginsAWord(before, character)) starts.push(at);
    before = character;
    at += character.length;
  }
  return starts;
}

function beginsAWord(before: string, character: string): boolean {
  if (character === " ") return false;
  if (before === " ") return true;
  if (BEGINS_NOTHING.test(character)) return false;
  if (!WORD_CHARACTER.test(before) || !WORD_CHARACTER.test(character)) return true;
  return UNSPACED.test(before) || UNSPACED.test(character);
}

function folded(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
}

function shortened(text: string): string {
  return truncated(text, MAX_WORD_LENGTH);
}
