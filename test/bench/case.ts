import { type Goal, type Judged, judge, type Samples } from "./goals.ts";

/** A measurement of several subjects, round by round, of one or several quantities. */
export interface Case {
  name: string;
  quantities: Record<string, Quantity>;
  /** By subject: performs one measurement, with a figure for each quantity. */
  measures: Record<string, () => Promise<Record<string, number>>>;
  /** At most so many rounds, for what is counted and hardly varies. */
  rounds?: number;
}

interface Quantity {
  /** A rate ends in `/s`: more is better. Of every other unit less is. */
  unit: string;
  goals: Goal[];
}

/** The result of one quantity of a case. */
export interface Outcome {
  name: string;
  unit: string;
  /** By subject: a figure of each round. */
  figures: Samples;
  goals: Judged[];
}

/** Measures cases in turn, every subject in each round, in a different order each time. */
export async function measureAll(
  cases: readonly Case[],
  rounds: number,
  tell: (text: string) => void,
): Promise<Outcome[]> {
  const samples = cases.map(
    ({ measures }) =>
      new Map(Object.keys(measures).map((subject) => [subject, [] as Record<string, number>[]])),
  );
  for (let round = 0; round < rounds; round++) {
    for (const [index, one] of cases.entries()) {
      if (round >= (one.rounds ?? rounds)) continue;
      tell(`round ${round + 1} of ${rounds}: ${one.name}`);
      const subjects = Object.entries(one.measures);
      for (let i = 0; i < subjects.length; i++) {
        const [subject, measure] = subjects[(i + round) % subjects.length] ?? [];
        if (subject && measure) samples[index]?.get(subject)?.push(await measure());
      }
    }
  }
  return cases.flatMap((one, index) => outcomesOf(one, samples[index] ?? new Map()));
}

function outcomesOf(
  { name, quantities }: Case,
  samples: Map<string, Record<string, number>[]>,
): Outcome[] {
  return Object.entries(quantities).map(([quantity, { unit, goals }]) => {
    const figures: Samples = new Map(
      Array.from(samples, ([subject, values]) => [
        subject,
        values.map((value) => value[quantity] ?? Number.NaN),
      ]),
    );
    return {
      name: `${name}: ${quantity}`,
      unit,
      figures,
      goals: goals.flatMap((goal) => judge(goal, figures) ?? []),
    };
  });
}
