/** A bound on a subject's figure: absolute, or as a multiple of another subject's figure. */
export interface Goal {
  of: string;
  beside?: string;
  atLeast?: number;
  atMost?: number;
  /**
   * The subject that does the platform's minimum. Where it misses the bound itself, the bound is
   * {@link NEAR} times its figure instead.
   */
  unless?: string;
}

/** How near the platform's minimum a subject must be where a goal is beyond that minimum. */
export const NEAR = 1.3;

/** A goal with its value: the median of the rounds. */
export type Judged = Goal & {
  value: number;
  met: boolean;
  /** Where the platform's minimum misses the bound: its value, and the subject's as a multiple. */
  minimum?: { value: number; times: number };
};

/** Figures by subject, one of each round. */
export type Samples = ReadonlyMap<string, readonly number[]>;

/** The median; of an even number, the higher of the two middle values. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** One subject's figures as multiples of another's in the same round; of two zeros, 1. */
export function ratios(samples: Samples, of: string, beside: string): number[] {
  const others = samples.get(beside) ?? [];
  return (samples.get(of) ?? []).map((value, round) => {
    const other = others[round] ?? Number.NaN;
    return value === other ? 1 : value / other;
  });
}

/** The median of the {@link ratios}. */
export function ratio(samples: Samples, of: string, beside: string): number {
  return median(ratios(samples, of, beside));
}

/** Judges a goal; `undefined` where a subject of it was not measured. */
export function judge(goal: Goal, samples: Samples): Judged | undefined {
  const { of, beside, unless } = goal;
  if ([of, beside].some((subject) => subject !== undefined && !samples.has(subject))) return;
  const figureOf = (subject: string) =>
    beside ? ratio(samples, subject, beside) : median(samples.get(subject) ?? []);
  const value = figureOf(of);
  if (within(goal, value) || unless === undefined || !samples.has(unless)) {
    return { ...goal, value, met: within(goal, value) };
  }
  const minimum = { value: figureOf(unless), times: ratio(samples, of, unless) };
  if (within(goal, minimum.value)) return { ...goal, value, met: false };
  const near = goal.atLeast === undefined ? minimum.times <= NEAR : minimum.times >= 1 / NEAR;
  return { ...goal, value, met: near, minimum };
}

function within({ atLeast = -Infinity, atMost = Infinity }: Goal, value: number): boolean {
  return value >= atLeast && value <= atMost;
}
