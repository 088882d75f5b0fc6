import { expect, test } from "vitest";
import type { z } from "zod";
import page from "../../docs/protocol.md?raw";
import { ERRORS } from "../../src/domain/error.ts";
import * as events from "../../src/live/events.ts";
import { clientFrame } from "../../src/live/frames.ts";
import { CLOSE, PROTOCOL } from "../../src/live/version.ts";
import { groupOf, openLive, person } from "../support.ts";

/**
 * Compares the events and commands in docs/protocol.md with the schemas, and checks statements that
 * no other test checks.
 */

type Shape = Readonly<Record<string, z.ZodType>>;

/**
 * The rows of the table whose first column has this heading: the code in that column, and the next
 * cell.
 */
function tableOf(heading: string): Map<string, string> {
  const [, body = ""] = page.split(`\n| ${heading} |`);
  const [table = ""] = body.split("\n\n");
  const rows = table.split("\n").slice(2);
  return new Map(
    rows.flatMap((row) => {
      const [, first = "", second = ""] = row.split("|");
      return [...first.matchAll(/`(\w+)`/g)].map(([, name = ""]) => [name, second] as const);
    }),
  );
}

/** The fields that a cell names in code, without those in braces behind another field. */
function fieldsIn(cell: string): string[] {
  const outer = cell.replace(/\{[^}]*\}/g, "").replace(/→.*/, "");
  return [...outer.matchAll(/`(\w+)(\??)`/g)].map(([, name, optional]) => `${name}${optional}`);
}

/** The fields of a schema; a field that may be missing (not only null) has a `?`. */
function fieldsOf(shape: Shape, except: string): string[] {
  return Object.entries(shape).flatMap(([name, schema]) => {
    if (name === except) return [];
    return `${name}${schema.safeParse(undefined).success ? "?" : ""}`;
  });
}

test("every server event is in the table of events, with its fields", () => {
  const table = tableOf("type");
  const schemas = events.serverEvent.options;
  expect([...table.keys()]).toEqual(schemas.map(({ shape }) => shape.type.value));
  for (const { shape } of schemas) {
    const type = shape.type.value;
    // The fields that an answer to `history` omits are documented under `history`.
    const always = type === "sync" ? /^(from|to)\?$/ : /^$/;
    const fields = fieldsOf(shape, "type").map((name) =>
      always.test(name) ? name.slice(0, -1) : name,
    );
    expect(fieldsIn(table.get(type) ?? "").sort(), type).toEqual(fields.sort());
  }
});

test("every client command is in the table of commands, with its fields", () => {
  const table = tableOf("op");
  const schemas = clientFrame.options;
  expect([...table.keys()]).toEqual(schemas.map(({ shape }) => shape.op.value));
  for (const { shape } of schemas) {
    const op = shape.op.value;
    const fields = fieldsOf(shape, "op").filter((name) => name !== "id?");
    expect(fieldsIn(table.get(op) ?? "").sort(), op).toEqual(fields.sort());
  }
});

test.each([
  ["message", events.wireMessage],
  ["member", events.wireMember],
  ["conversation", events.wireConversation],
])("a %s has the documented fields", (name, schema) => {
  const [, list = ""] = new RegExp(`A ${name}: \`\\{(.*?)\\}\``).exec(page) ?? [];
  const names = list.replace(/\[.*?\]/g, "").split(",");
  expect(names.map((one) => one.trim().split(":")[0])).toEqual(Object.keys(schema.shape));
});

test("the limits in `hello` and the subprotocol are the documented ones", () => {
  const [, list = ""] = /`limits` \{(.*?)\}/.exec(page) ?? [];
  expect(list.split(", ").sort()).toEqual(Object.keys(events.helloEvent.shape.limits.shape).sort());
  expect(page.split("\n")[0]).toBe(`# The live protocol, \`${PROTOCOL}\``);
});

test("the close codes are the documented ones", () => {
  const [, table = ""] = page.split("## Close codes");
  const [rows = ""] = table.split("\n## ");
  const codes = [...rows.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(codes.sort()).toEqual(Object.values(CLOSE).sort());
});

test("all documented error codes exist", () => {
  const named = [...page.matchAll(/`([a-z]+_[a-z_]+)`/g)].map(([, code = ""]) => code);
  const strange = named.filter((name) => !(name in ERRORS) && name !== "access_token");
  expect(strange).toEqual([]);
});

test("the wait before reconnecting grows with the number of sockets of a conversation", async () => {
  const people = await Promise.all(Array.from({ length: 5 }, () => person()));
  const id = await groupOf(...people);
  const waits: number[] = [];
  for (const one of people) {
    const [hello] = (await openLive(one, id)).all("hello");
    waits.push(hello?.reconnectAfterMs ?? 0);
  }
  expect(waits).toEqual([...new Set(waits)].toSorted((a, b) => a - b));
});
