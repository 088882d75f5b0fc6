import { FoldedText } from "./search-offsets.ts";
import { placesOf, type Term } from "./search-words.ts";

/** Ranges in one text at most. */
export const MAX_RANGES = 100;

/** A part of a text, in UTF-16 code units: `start` ≤ i < `end`. */
export interface TextRange {
  start: number;
  end: number;
}

/**
 * Where terms are found in a text, in ascending order, those that touch put together: the first
 * {@link MAX_RANGES} of each term, and of all together. Characters are whole: a match of `s` in `ß` is `ß`.
 */
export function rangesOf(terms: readonly Term[], text: string): TextRange[] {
  const source = new FoldedText(text);
  const ranges = terms.flatMap((term) => {
    const places = placesOf(term, source.folded, MAX_RANGES);
    return places.map((place) => source.sourceOf(place, place + term.text.length));
  });
  return merged(ranges).slice(0, MAX_RANGES);
}

function merged(ranges: TextRange[]): TextRange[] {
  const all: TextRange[] = [];
  for (const range of ranges.sort((one, other) => one.start - other.start)) {
    const last = all.at(-1);
    if (last && range.start <= last.end) last.end = Math.max(last.end, range.end);
    else all.push({ ...range });
  }
  return all;
}
