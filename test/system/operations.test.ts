import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ROOT } from "../../src/cli/settings.ts";
import { PING_INTERVAL_MS } from "../../src/dialects/marketplace/socketio/packets.ts";

/** What docs/operations.md states about the sources, and its calculations. */

const text = readFileSync(`${ROOT}/docs/operations.md`, "utf8");
const config = readFileSync(`${ROOT}/wrangler.toml`, "utf8");
const sources = readdirSync(`${ROOT}/src`, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.startsWith("cli"))
  .map((path) => readFileSync(`${ROOT}/src/${path}`, "utf8"));

test("every log event is documented, and every documented one exists", () => {
  const calls = sources.flatMap((source) => [
    ...source.matchAll(/\blog\((?:\w+ \? "(\w+)" : )?\s*"(\w+)"/g),
  ]);
  const events = new Set(calls.flatMap(([, ...names]) => names.filter(Boolean)));
  const [, table = ""] = text.split("| event |");
  const rows = table.split("\n\n")[0]?.split("\n").slice(2) ?? [];
  const explained = rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)]);
  expect(explained.map(([, name]) => name).sort()).toEqual([...events].sort());
});

test("every setting and secret is in the README's table or documented here", () => {
  const readme = readFileSync(`${ROOT}/README.md`, "utf8");
  for (const [, name] of config.matchAll(/^([A-Z_]+) = /gm))
    expect(readme).toContain(`| \`${name}\` |`);
  for (const name of [
    "ID_SECRET",
    "FILES_SECRET",
    "JWT_SECRET",
    "VAPID_PRIVATE_KEY",
    "NOTIFY_SECRET",
    "MODERATION_SECRET",
  ]) {
    expect(text).toContain(`| \`${name}\` |`);
  }
});

test("the limits against abuse are documented, bound and set as in the table", () => {
  const rows = tableFrom("| `limit` |").slice(2);
  const bound = [...config.matchAll(/^name = "(LIMIT_\w+)"\n.*\nsimple = (.*)$/gm)];
  const set = [...config.matchAll(/^(\w+_PER_(?:HOUR|MINUTE)\w*) = "(\d+)"$/gm)];
  expect(bound.length).toBeGreaterThan(5);
  const inConfig = [...bound, ...set].map(([, name, value]) => [name, value]);
  const inTable = rows.flatMap(([, settings = "", defaults = ""]) => {
    const numbers = defaults.match(/\d+/g) ?? [];
    return [...settings.matchAll(/`(\w+)`/g)].map(([, name = ""], index) => [
      name,
      name.startsWith("LIMIT_") ? `{ limit = ${numbers[index]}, period = 60 }` : numbers[index],
    ]);
  });
  expect(inTable.toSorted()).toEqual(inConfig.toSorted());
  const gateways = readFileSync(`${ROOT}/docs/gateways.md`, "utf8");
  const [, connections] = /(\d+) new connections a minute from one address/.exec(gateways) ?? [];
  expect(inTable).toContainEqual(["LIMIT_CONNECTIONS", `{ limit = ${connections}, period = 60 }`]);
  // The limits that refusals name are documented.
  const names = sources.flatMap((source) => [
    ...source.matchAll(
      /\blimit: "(\w+)"|"(\w+_per_minute)", (?:c\.)?env|^ {2}(\w+_per_hour): \[/gm,
    ),
  ]);
  expect(names.length).toBeGreaterThan(8);
  for (const name of names.flatMap(([, ...found]) => found.filter(Boolean))) {
    expect(rows.map(([first]) => first)).toContain(`\`${name}\``);
  }
});

test("migrations only add, so that the previous Worker still works", () => {
  const steps = readdirSync(`${ROOT}/migrations`).filter((name) => name.endsWith(".sql"));
  expect(steps.length).toBeGreaterThan(0);
  for (const step of steps) {
    const statements = readFileSync(`${ROOT}/migrations/${step}`, "utf8").split(
      /;(?:\n(?! |END)|$|-)/,
    );
    const bare = statements.map((one) => one.replace(/^(?:-*>.*\n|-- .*\n|\s)*/, ""));
    const added = new Set(bare.flatMap((one) => /^ALTER TABLE \S+ ADD (\S+)/.exec(one)?.[1] ?? []));
    const tables = new Set(bare.flatMap((one) => /^CREATE TABLE (\S+)/.exec(one)?.[1] ?? []));
    for (const statement of bare) {
      // A column added by the same step may be filled: the previous Worker does not use it.
      const [, filled] = /^UPDATE \S+ SET (\S+) = /.exec(statement) ?? [];
      if (filled !== undefined && added.has(filled)) continue;
      // The previous Worker writes into no table of the same step either.
      const [, indexed] = /^CREATE UNIQUE INDEX \S+ ON (\S+)/.exec(statement) ?? [];
      if (indexed !== undefined && tables.has(indexed)) continue;
      expect(statement, step).toMatch(
        /^(CREATE (TABLE|INDEX|TRIGGER)|ALTER TABLE \S+ ADD |INSERT |$)/,
      );
      expect(statement, step).not.toMatch(/^ALTER TABLE (?!.*DEFAULT).* NOT NULL/);
    }
  }
});

test("the Worker knows the newest migration", () => {
  const files = readdirSync(`${ROOT}/migrations`).filter((name) => name.endsWith(".sql"));
  const [, known] = /NEWEST_MIGRATION = "(.*)"/.exec(sources.join("\n")) ?? [];
  expect(known).toBe(files.sort().at(-1));
});

test("the costs are calculated correctly", () => {
  const [prices, units, bill] = ["| resource |", "| of one |", "| | 1,000 users |"].map(tableFrom);
  const resources = units?.[0]?.slice(1) ?? [];
  const events = new Map([
    ["message", "messages"],
    ["read mark", "read marks"],
    ["visit", "visits"],
    ["inbox session", "inbox sessions"],
    ["absence", "absences"],
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

test("the monthly cost of a Socket.IO connection's heartbeat is calculated correctly", () => {
  const [, seconds, alarms, dollars] =
    /an alarm every (\d+) seconds .* takes ([\d,]+) rows .* requests, ([\d.]+) dollars/.exec(
      text,
    ) ?? [];
  expect(Number(seconds) * 1_000).toBe(PING_INTERVAL_MS);
  const count = (30 * 86_400_000) / PING_INTERVAL_MS;
  expect(number(alarms ?? "")).toBe(count);
  const prices = tableFrom("| resource |");
  const priceOf = (resource: string) =>
    number(prices.find(([first]) => first === resource)?.[2] ?? "");
  const cost = (count / 1e6) * (priceOf("object rows written") + priceOf("object requests"));
  expect(number(dollars ?? "")).toBeCloseTo(cost, 2);
});

/** The cells of the table whose first line begins with this text. */
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
