/**
 * A member's read messages are a set of ranges of message numbers. Lists use two figures for it:
 *
 *     unread = lastNumber - readUpTo - readBeyond - (uncounted numbers after readUpTo)
 *
 * `readUpTo`: everything up to it is read, their own, or from before they joined.
 * `readBeyond`: how many countable messages after it are read, their own, or of somebody they blocked then.
 * Uncounted: messages that count for no one, which are deleted and system messages.
 */

/** Message numbers `from`…`to`, inclusive. */
export interface Range {
  from: number;
  to: number;
}

export interface Figures {
  readUpTo: number;
  readBeyond: number;
}

/** The facts about a member that marking needs; lookups cover numbers `from`…`to`, ascending. */
export interface ReadFacts {
  lastNumber: number;
  figures: Figures;
  /** This member's ranges that touch the interval. */
  covered(from: number, to: number): readonly Range[];
  /** Numbers of the messages that count and that are this member's own, or count as read by a block of theirs. */
  own(from: number, to: number): readonly number[];
  uncounted(from: number, to: number): readonly number[];
  /** The count of {@link uncounted}. */
  countUncounted(from: number, to: number): number;
}

export interface Marked {
  /** The ranges to add: not covered before, in order, not adjacent. */
  pieces: Range[];
  figures: Figures;
  /** How many countable messages of others became read. */
  newlyRead: number;
}

/**
 * How many numbers one mark looks ahead, step by step, to raise `readUpTo`; bounds its cost only.
 */
const ADVANCE_WINDOWS = [1, 8, 64, 512];

/** Marks everything up to number `upTo`. */
export function markUpTo(facts: ReadFacts, upTo: number): Marked {
  const { figures } = facts;
  const to = Math.min(upTo, facts.lastNumber);
  if (to <= figures.readUpTo) return { pieces: [], figures, newlyRead: 0 };
  const from = figures.readUpTo + 1;
  const covered = facts.covered(from, to);
  // If the interval reaches the last message, it contains everything that was read or own.
  const readWithin =
    to === facts.lastNumber || figures.readBeyond === 0
      ? figures.readBeyond
      : countRead(from, to, covered, facts.own(from, to), facts.uncounted(from, to));
  const newlyRead = to - from + 1 - facts.countUncounted(from, to) - readWithin;
  // Raising `readUpTo` without a new range would change figures without a revision.
  if (newlyRead === 0 && covered.length > 0) return { pieces: [], figures, newlyRead };
  return {
    pieces: newlyRead > 0 ? subtract([{ from, to }], covered) : [],
    figures: { readUpTo: to, readBeyond: figures.readBeyond - readWithin },
    newlyRead,
  };
}

/**
 * A member blocks somebody: `numbers` of theirs after `readUpTo`, which count and counted as unread until now,
 * count as read. Nothing else changes, and nobody gets a receipt.
 */
export function withHidden({ readUpTo, readBeyond }: Figures, numbers: number): Figures {
  return { readUpTo, readBeyond: readBeyond + numbers };
}

/**
 * Figures after messages up to `purgedTo` are gone, which count as read. `readBeyond` has to count nothing up to
 * that: a purge sees to it, by {@link withoutRead}, for those who have read beyond `readUpTo`.
 */
export function withPurged<Known extends Figures>(
  known: Known,
  purgedTo: number | undefined,
): Known {
  return purgedTo === undefined || known.readUpTo >= purgedTo
    ? known
    : { ...known, readUpTo: purgedTo };
}

/** Figures of somebody for whom everything up to `upTo` counts as read: `read` of the numbers until then were read before. */
export function withoutRead({ readBeyond }: Figures, upTo: number, read: number): Figures {
  return { readUpTo: upTo, readBeyond: readBeyond - read };
}

/** A countable message was sent that a member has not to read: their own, or one of somebody they hide. */
export function withSettled({ readUpTo, readBeyond }: Figures, number: number): Figures {
  return readUpTo === number - 1
    ? { readUpTo: number, readBeyond }
    : { readUpTo, readBeyond: readBeyond + 1 };
}

/** Marks single messages: ascending numbers of countable messages of others that no block of theirs hides. */
export function markSome(facts: ReadFacts, numbers: readonly number[]): Marked {
  const wanted = rangesOf(numbers);
  const first = wanted[0];
  const last = wanted.at(-1);
  if (!first || !last) return { pieces: [], figures: facts.figures, newlyRead: 0 };
  const pieces = subtract(wanted, facts.covered(first.from, last.to));
  // As above: without a new range no revision would carry the new figures.
  if (pieces.length === 0) return { pieces, figures: facts.figures, newlyRead: 0 };
  const beyond = pieces
    .map((piece) => ({ from: Math.max(piece.from, facts.figures.readUpTo + 1), to: piece.to }))
    .filter((piece) => piece.from <= piece.to);
  const figures = {
    readUpTo: facts.figures.readUpTo,
    readBeyond: facts.figures.readBeyond + size(beyond),
  };
  return { pieces, figures: advanced(facts, figures, pieces), newlyRead: size(pieces) };
}

/** Raises `readUpTo` over read, own and uncounted messages; the unread count stays the same. */
function advanced(facts: ReadFacts, start: Figures, added: readonly Range[]): Figures {
  let { readUpTo, readBeyond } = start;
  for (const window of ADVANCE_WINDOWS) {
    const from = readUpTo + 1;
    const to = Math.min(readUpTo + window, facts.lastNumber);
    if (from > to) break;
    const covered = [...facts.covered(from, to), ...added];
    const own = new Set(facts.own(from, to));
    const uncounted = new Set(facts.uncounted(from, to));
    for (let number = from; number <= to; number++) {
      if (!uncounted.has(number)) {
        if (!own.has(number) && !contains(covered, number)) return { readUpTo, readBeyond };
        readBeyond--;
      }
      readUpTo = number;
    }
  }
  return { readUpTo, readBeyond };
}

/** The parts of `ranges` outside `covered`. Both are ascending without overlaps. */
export function subtract(ranges: readonly Range[], covered: readonly Range[]): Range[] {
  const rest: Range[] = [];
  for (const range of ranges) {
    let from = range.from;
    for (const hole of covered) {
      if (hole.to < from || hole.from > range.to) continue;
      if (hole.from > from) rest.push({ from, to: hole.from - 1 });
      from = hole.to + 1;
    }
    if (from <= range.to) rest.push({ from, to: range.to });
  }
  return rest;
}

/** Ascending numbers as ranges; adjacent ones are joined, duplicates ignored. */
export function rangesOf(numbers: readonly number[]): Range[] {
  const ranges: Range[] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && number <= last.to + 1) last.to = Math.max(last.to, number);
    else ranges.push({ from: number, to: number });
  }
  return ranges;
}

/** The count of numbers in the ranges. */
export function size(ranges: readonly Range[]): number {
  return ranges.reduce((sum, range) => sum + range.to - range.from + 1, 0);
}

export function contains(ranges: readonly Range[], number: number): boolean {
  return ranges.some((range) => range.from <= number && number <= range.to);
}

/** The count of countable numbers in `from`…`to` that are read or own. */
function countRead(
  from: number,
  to: number,
  covered: readonly Range[],
  own: readonly number[],
  uncounted: readonly number[],
): number {
  const clipped = covered.map((r) => ({ from: Math.max(r.from, from), to: Math.min(r.to, to) }));
  const lost = uncounted.filter((number) => contains(clipped, number)).length;
  return size(clipped) - lost + own.filter((number) => !contains(clipped, number)).length;
}
