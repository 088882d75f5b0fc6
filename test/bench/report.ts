import type { Goal, Outcome } from "./case.ts";

/** The outcomes as a readable table: figures with their spread, then each goal. */
export function table(outcomes: readonly Outcome[]): string {
  return outcomes
    .map(({ name, unit, figures, goals }) =>
      [
        `\n${name} (${unit})`,
        ...figures.map(
          ({ subject, median, lowest, highest }) =>
            `  ${subject.padEnd(28)}${amount(median).padStart(10)}   ${amount(lowest)} … ${amount(highest)}`,
        ),
        ...goals.map((goal) => `  ${goal.met ? "✓" : "✗"} ${asText(goal)}: ${amount(goal.value)}`),
      ].join("\n"),
    )
    .join("\n");
}

function asText({ of, beside, atLeast, atMost }: Goal): string {
  const bound = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  return beside ? `${of} ${bound} × ${beside}` : `${of} ${bound}`;
}

/** Three significant digits. */
function amount(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}
