import type { Outcome } from "./case.ts";
import { median, ratios } from "./goals.ts";

/** A subject's figures as multiples of the same subject's of another build. */
export interface Comparison {
  name: string;
  subject: string;
  better: "more" | "less";
  median: number;
  lowest: number;
  highest: number;
  verdict: "better" | "worse" | "same";
}

/** A difference below this is noise, whatever its direction. */
const NOISE = 0.05;

/**
 * Compares the subjects whose names begin with `one` with those that begin with `other` instead. A
 * build is better or worse where it is so in every round, and by more than {@link NOISE} in the
 * median.
 */
export function compared(outcomes: readonly Outcome[], one: string, other: string): Comparison[] {
  return outcomes.flatMap(({ name, unit, figures }) => {
    const better = unit.endsWith("/s") ? "more" : "less";
    return [...figures.keys()]
      .filter((subject) => subject.startsWith(one))
      .map((subject): Comparison => {
        const values = ratios(figures, subject, other + subject.slice(one.length));
        const [lowest, highest] = [Math.min(...values), Math.max(...values)];
        const verdict = verdictOf(median(values), lowest, highest, better);
        return { name, subject, better, median: median(values), lowest, highest, verdict };
      });
  });
}

function verdictOf(
  middle: number,
  lowest: number,
  highest: number,
  better: Comparison["better"],
): Comparison["verdict"] {
  if (Math.abs(middle - 1) <= NOISE || (lowest <= 1 && highest >= 1)) return "same";
  return middle > 1 === (better === "more") ? "better" : "worse";
}
