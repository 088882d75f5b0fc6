const DAY = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?$/i;
const DAY_MS = 86_400_000;

/**
 * The part of time that a date stands for: a day in UTC (`2026-03-01`), or a moment (ISO 8601; without an offset in
 * UTC). In milliseconds since the epoch; `end` is the first one after it. `undefined`: it is neither.
 */
export function spanOf(text: string): { start: number; end: number } | undefined {
  if (!DAY.test(text) && !TIME.test(text)) return undefined;
  const day = Date.parse(text.slice(0, 10));
  // 30 February becomes 2 March.
  if (Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== text.slice(0, 10)) {
    return undefined;
  }
  if (DAY.test(text)) return { start: day, end: day + DAY_MS };
  const time = Date.parse(/(Z|[+-]\d{2}:\d{2})$/i.test(text) ? text : `${text}Z`);
  return Number.isNaN(time) ? undefined : { start: time, end: time + 1 };
}
