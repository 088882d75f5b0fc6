import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ROOT } from "../../src/cli/settings.ts";

/** What docs/operations.md says of the sources, and whether its sums are right. */

const text = readFileSync(`${ROOT}/docs/operations.md`, "utf8");
const config = readFileSync(`${ROOT}/wrangler.toml`, "utf8");
const sources = readdirSync(`${ROOT}/src`, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.startsWith("cli"))
  .map((path) => readFileSync(`${ROOT}/src/${path}`, "utf8"));

test("every event of the log is explained, and none that there is not", () => {
  const calls = sources.flatMap((source) => [
    ...source.matchAll(/\blog\((?:\w+ \? "(\w+)" : )?\s*"(\w+)"/g),
  ]);
  const events = new Set(calls.flatMap(([, ...names]) => names.filter(Boolean)));
  const [, table = ""] = text.split("| event |");
  const rows = table.split("\n\n")[0]?.split("\n").slice(2) ?? [];
  const explained = rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)]);
  expect(explained.map(([, name]) => name).sort()).toEqual([...events].sort());
});

test("every setting and secret is in the README's table or explained here", () => {
  const readme = readFileSync(`${ROOT}/README.md`, "utf8");
  for (const [, name] of config.matchAll(/^([A-Z_]+) = /gm))
    expect(readme).toContain(`| \`${name}\` |`);
  for (const name of ["ID_SECRET", "FILES_SECRET", "JWT_SECRET"]) {
    expect(text).toContain(`| \`${name}\` |`);
  }
});

test("the sums of what it costs are right", () => {
  const [prices, units, bill] = ["| resource |", "| of one |", "| | 1,000 users |"].map(tableFrom);
  const resources = units?.[0]?.slice(1) ?? [];
  const events = new Map([
    ["message", "messages"],
    ["read mark", "read marks"],
    ["visit", "visits"],
  ]);
  for (const column of [1, 2]) {
    const amount = (name: string) =>
      number(bill?.find(([first]) => first === name)?.[column] ?? "no such row");
    let total = 5;
    for (const [index, resource] of resources.entries()) {
      const used = [...events].reduce((sum, [one, many]) => {
        const row = units?.find(([first]) => first === one);
        return sum + number(row?.[index + 1] ?? "") * amount(many);
      }, 0);
      const [, included = "", price = ""] = prices?.find(([first]) => first === resource) ?? [];
      const cost = (Math.max(0, used - number(included)) / 1e6) * number(price);
      expect(amount(resource), resource).toBeCloseTo(cost, 1);
      total += cost;
    }
    expect(amount("a month, with the plan")).toBeCloseTo(total, 1);
  }
});

/** The cells of the table whose first line begins like this. */
function tableFrom(beginning: string): string[][] {
  const start = text.indexOf(`\n${beginning}`) + 1;
  expect(start, beginning).toBeGreaterThan(0);
  const [table = ""] = text.slice(start).split("\n\n");
  return table.split("\n").map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function number(cell: string): number {
  return Number(cell.replaceAll(",", ""));
}
