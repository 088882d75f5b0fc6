const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** How long something lasts, as people choose it. */
export const SPANS = {
  always: "always",
  hour: "for an hour",
  day: "for a day",
  week: "for a week",
  month: "for 30 days",
} as const;
export type Span = keyof typeof SPANS;

const LASTS: Record<Span, number | undefined> = {
  always: undefined,
  hour: HOUR_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 30 * DAY_MS,
};

export function isSpan(key: string): key is Span {
  return Object.hasOwn(SPANS, key);
}

/** When a span that begins now is over; `null`: never. */
export function endOf(span: Span): string | null {
  const lasts = LASTS[span];
  return lasts === undefined ? null : new Date(Date.now() + lasts).toISOString();
}
