import type { Outcome } from "./case.ts";
import type { Comparison } from "./comparison.ts";
import { type Goal, type Judged, median, NEAR } from "./goals.ts";

/** Figures with their spread, and each goal; then the number of goals met, and those missed. */
export function table(outcomes: readonly Outcome[]): string {
  const goals = outcomes.flatMap(({ name, goals }) => goals.map((goal) => ({ name, goal })));
  const missed = goals.filter(({ goal }) => !goal.met);
  return [
    ...outcomes.map(figuresOf),
    `\nGoals met: ${goals.length - missed.length} of ${goals.length}.${missed.length > 0 ? " Missed:" : ""}`,
    ...missed.map(({ name, goal }) => `  ✗ ${name}: ${judgement(goal)}`),
  ].join("\n");
}

/** Figures of both builds with their spread; then the ratio of each, and what became worse. */
export function comparisonTable(
  outcomes: readonly Outcome[],
  comparisons: readonly Comparison[],
  other: string,
): string {
  return [
    ...outcomes.map((outcome) => figuresOf({ ...outcome, goals: [] })),
    `\nThis build as a multiple of ${other}, in the same round:`,
    ...comparisons.map(({ name, subject, better, median, lowest, highest, verdict }) => {
      const what = subject === "parley" ? name : `${name}, ${subject}`;
      const spread = `${amount(lowest)} … ${amount(highest)}`;
      return `  ${verdict.padEnd(6)} ${amount(median).padStart(6)}   ${spread.padEnd(15)}  ${what} (${better} is better)`;
    }),
  ].join("\n");
}

function figuresOf({ name, unit, figures, goals }: Outcome): string {
  return [
    `\n${name} (${unit})`,
    ...Array.from(figures, ([subject, values]) => {
      const spread = `${amount(Math.min(...values))} … ${amount(Math.max(...values))}`;
      return `  ${subject.padEnd(40)}${amount(median(values)).padStart(10)}   ${spread}`;
    }),
    ...goals.map((goal) => `  ${goal.met ? "✓" : "✗"} ${judgement(goal)}`),
  ].join("\n");
}

function judgement({ minimum, ...goal }: Judged): string {
  const text = `${bound(goal)}: ${amount(goal.value)}`;
  if (!minimum || goal.unless === undefined) return text;
  const near = bound(
    goal.atLeast === undefined
      ? { of: goal.of, beside: goal.unless, atMost: NEAR }
      : { of: goal.of, beside: goal.unless, atLeast: Number((1 / NEAR).toFixed(2)) },
  );
  return `${text}; out of reach (${goal.unless}: ${amount(minimum.value)}): ${near}: ${amount(minimum.times)}`;
}

function bound({ of, beside, atLeast, atMost }: Goal): string {
  const text = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  return beside ? `${of} ${text} × ${beside}` : `${of} ${text}`;
}

/** Three significant digits. */
function amount(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}
