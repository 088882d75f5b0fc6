import type { Outcome } from "./case.ts";
import { type Goal, type Judged, NEAR } from "./goals.ts";

/** The outcomes as a readable table: figures with their spread, then each goal. */
export function table(outcomes: readonly Outcome[]): string {
  const goals = outcomes.flatMap(({ name, goals }) => goals.map((goal) => ({ name, goal })));
  const missed = goals.filter(({ goal }) => !goal.met);
  return [
    ...outcomes.map(({ name, unit, figures, goals }) =>
      [
        `\n${name} (${unit})`,
        ...figures.map(
          ({ subject, median, lowest, highest }) =>
            `  ${subject.padEnd(28)}${amount(median).padStart(10)}   ${amount(lowest)} … ${amount(highest)}`,
        ),
        ...goals.map((goal) => `  ${goal.met ? "✓" : "✗"} ${judgement(goal)}`),
      ].join("\n"),
    ),
    `\nGoals met: ${goals.length - missed.length} of ${goals.length}. Missed:`,
    ...missed.map(({ name, goal }) => `  ✗ ${name}: ${judgement(goal)}`),
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
