import { isWithinCluster } from "./search-offsets.ts";

/** UTF-16 code units of a snippet at most. */
export const MAX_SNIPPET = 160;
/** So many of them before the first match, and so many that a cut may move to fall between words. */
const BEFORE = 40;
const MOVES = 20;

/**
 * The part of a text that is worth showing first: at most {@link MAX_SNIPPET} code units, with the place that is
 * given. It begins and ends between words where one ends nearby, never within a code point or before a mark.
 */
export function snippetOf(text: string, place: number): { start: number; end: number } {
  if (text.length <= MAX_SNIPPET) return { start: 0, end: text.length };
  const earliest = Math.max(0, Math.min(place - BEFORE, text.length - MAX_SNIPPET));
  const start = earliest === 0 ? 0 : startFrom(text, earliest, place);
  return { start, end: endBefore(text, start, Math.min(start + MAX_SNIPPET, text.length), place) };
}

/** The first place from `earliest` on, up to `latest`, at which a word begins, or else a character. */
function startFrom(text: string, earliest: number, latest: number): number {
  const limit = Math.min(latest, earliest + MOVES);
  for (let start = earliest; start <= limit; start++) {
    if (isSpace(text, start - 1) && !isSpace(text, start)) return start;
  }
  let start = earliest;
  while (start < latest && isWithinCluster(text, start)) start++;
  return start;
}

/** The last place up to `latest` at which a word ends, or else a character. */
function endBefore(text: string, start: number, latest: number, place: number): number {
  if (latest === text.length) return latest;
  const limit = Math.max(place + 1, latest - MOVES);
  for (let end = latest; end >= limit; end--) {
    if (isSpace(text, end) && !isSpace(text, end - 1)) return end;
  }
  for (let end = latest; end > Math.max(start, place); end--) {
    if (!isWithinCluster(text, end)) return end;
  }
  return isHalf(text, latest) ? latest - 1 : latest;
}

function isSpace(text: string, index: number): boolean {
  return /\s/.test(text.charAt(index));
}

function isHalf(text: string, index: number): boolean {
  return index < text.length && /[\udc00-\udfff]/.test(text.charAt(index));
}
