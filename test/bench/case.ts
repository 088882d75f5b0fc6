/** A measurement of several subjects, round by round, with its goals. */
export interface Case {
  name: string;
  unit: string;
  /** By subject: performs one measurement. */
  measures: Record<string, () => Promise<number>>;
  goals: Goal[];
}

/** A bound on a subject's figure: absolute, or as a multiple of another subject's figure. */
export interface Goal {
  of: string;
  beside?: string;
  atLeast?: number;
  atMost?: number;
}

/** The result of a case. */
export interface Outcome {
  name: string;
  unit: string;
  figures: Figure[];
  goals: (Goal & { value: number; met: boolean })[];
}

export interface Figure {
  subject: string;
  median: number;
  lowest: number;
  highest: number;
}

/** Measures cases in turn, every subject in each round, in a different order each time. */
export async function measureAll(
  cases: readonly Case[],
  rounds: number,
  tell: (text: string) => void,
): Promise<Outcome[]> {
  const samples = cases.map(
    ({ measures }) => new Map(Object.keys(measures).map((subject) => [subject, [] as number[]])),
  );
  for (let round = 0; round < rounds; round++) {
    for (const [index, one] of cases.entries()) {
      tell(`round ${round + 1} of ${rounds}: ${one.name}`);
      const subjects = Object.entries(one.measures);
      for (let i = 0; i < subjects.length; i++) {
        const [subject, measure] = subjects[(i + round) % subjects.length] ?? [];
        if (subject && measure) samples[index]?.get(subject)?.push(await measure());
      }
    }
  }
  return cases.map((one, index) => outcomeOf(one, samples[index] ?? new Map()));
}

/** The median; of an even number, the higher of the two middle values. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function outcomeOf({ name, unit, goals }: Case, samples: Map<string, number[]>): Outcome {
  const figures = Array.from(samples, ([subject, values]) => ({
    subject,
    median: median(values),
    lowest: Math.min(...values),
    highest: Math.max(...values),
  }));
  return {
    name,
    unit,
    figures,
    goals: goals.map((goal) => {
      // Of the same round, so that a slow machine affects both.
      const values = (samples.get(goal.of) ?? []).map((value, round) =>
        goal.beside ? value / (samples.get(goal.beside)?.[round] ?? Number.NaN) : value,
      );
      const value = median(values);
      const met = value >= (goal.atLeast ?? -Infinity) && value <= (goal.atMost ?? Infinity);
      return { ...goal, value, met };
    }),
  };
}
