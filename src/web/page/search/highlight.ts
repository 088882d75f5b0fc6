import type { TextRange } from "../../../client/search.ts";

/** A part of a text that is shown. */
export interface Part {
  text: string;
  isMatch: boolean;
}

/**
 * The parts of a text within a range of it, those that match marked. All parts together are the text of that range;
 * ranges outside of it, and those that overlap earlier ones, are cut.
 */
export function partsOf(
  text: string,
  matches: readonly TextRange[],
  within: TextRange = { start: 0, end: text.length },
): Part[] {
  const parts: Part[] = [];
  const end = Math.min(within.end, text.length);
  let at = Math.max(0, within.start);
  const add = (to: number, isMatch: boolean) => {
    if (to > at) parts.push({ text: text.slice(at, to), isMatch });
    at = Math.max(at, to);
  };
  for (const match of matches) {
    add(Math.min(match.start, end), false);
    add(Math.min(match.end, end), true);
  }
  add(end, false);
  return parts;
}
