/** Answers of the admin API as text for a terminal. */

/** Characters of a cell; the rest is left out. */
const WIDEST = 60;
/** What would control the terminal, or turn the direction of a line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: names are written by users
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A table of these fields, of which some are in others (`membership.role`); those that no item has are left out. */
export function tableOf(items: readonly object[], columns: readonly string[]): string[] {
  const rows = items.map((item) => new Map([...Object.entries(item), ...flat(item, "")]));
  const shown = columns.filter((column) => rows.some((row) => row.has(column)));
  if (rows.length === 0) return ["none"];
  const cells = [shown, ...rows.map((row) => shown.map((column) => cellOf(row.get(column))))];
  const widths = shown.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** A line for each field; fields of fields have a dotted name. */
export function linesOf(value: object): string[] {
  const fields = flat(value, "");
  const width = Math.max(0, ...fields.map(([name]) => name.length));
  return fields.map(([name, text]) => `${name.padEnd(width)}  ${text}`);
}

function flat(value: object, prefix: string): [string, string][] {
  return Object.entries(value).flatMap(([name, field]): [string, string][] => {
    const isNested = typeof field === "object" && field !== null && !Array.isArray(field);
    if (isNested && Object.keys(field).length > 0) return flat(field, `${prefix}${name}.`);
    return [[printable(prefix + name), printable(textOf(field))]];
  });
}

function cellOf(value: unknown): string {
  const text = printable(textOf(value));
  return text.length > WIDEST ? `${text.slice(0, WIDEST - 1)}…` : text;
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return "-";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function printable(text: string): string {
  return text.replace(UNPRINTABLE, "�");
}
