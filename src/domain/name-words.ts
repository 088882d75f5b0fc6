import { folded } from "./search-folding.ts";
import { isBoundary } from "./search-words.ts";
import { truncated } from "./text.ts";

/**
 * By which words people and channels are found. Texts are folded as those of messages are. A name is found by a
 * query if each word of the query is the beginning of one of its words. Words begin at the beginning of a text,
 * after white space, and where a letter, a digit or a symbol follows something else: "Müller-Lüdke" is found by
 * "lud", "#dev" by "dev". In scripts without spaces between words they begin at each character.
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

/** With which a word begins: letters, digits, and symbols other than ASCII's. */
const BEGINS = /^(?:[\p{L}\p{N}]|[\p{S}--[\0-\x7f]])/v;

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
  let at = 0;
  for (const character of text) {
    if (at > 0 && beginsAt(text, at, character)) starts.push(at);
    at += character.length;
  }
  return starts;
}

function beginsAt(text: string, at: number, character: string): boolean {
  if (text.charAt(at - 1) === " ") return true;
  return BEGINS.test(character) && isBoundary(text, at);
}

function shortened(text: string): string {
  return truncated(text, MAX_WORD_LENGTH);
}
