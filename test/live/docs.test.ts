import { expect, test } from "vitest";
import type { z } from "zod";
import page from "../../docs/protocol.md?raw";
import { ERRORS } from "../../src/domain/error.ts";
import * as events from "../../src/live/events.ts";
import { clientFrame } from "../../src/live/frames.ts";
import { CLOSE, PROTOCOL } from "../../src/live/version.ts";
import { groupOf, openLive, person } from "../support.ts";

/** What docs/protocol.md says is sent, held against the schemas; and what no other test shows of it. */

type Shape = Readonly<Record<string, z.ZodType>>;

/** The rows of the table whose first column has this heading: the code in it, and the next cell. */
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

/** The fields that a cell names: in code, and not what is in braces behind one of them. */
function fieldsIn(cell: string): string[] {
  const outer = cell.replace(/\{[^}]*\}/g, "").replace(/→.*/, "");
  return [...outer.matchAll(/`(\w+)(\??)`/g)].map(([, name, optional]) => `${name}${optional}`);
}

/** The same of a schema: those that may be left out, and not only be null, have a `?`. */
function fieldsOf(shape: Shape, except: string): string[] {
  return Object.entries(shape).flatMap(([name, schema]) => {
    if (name === except) return [];
    return `${name}${schema.safeParse(undefined).success ? "?" : ""}`;
  });
}

test("every event of the server is in its table, with its fields", () => {
  const table = tableOf("type");
  const schemas = events.serverEvent.options;
  expect([...table.keys()]).toEqual(schemas.map(({ shape }) => shape.type.value));
  for (const { shape } of schemas) {
    const type = shape.type.value;
    // Of an answer to `history` they are left out: that is said where `history` is.
    const always = type === "sync" ? /^(from|to)\?$/ : /^$/;
    const fields = fieldsOf(shape, "type").map((name) =>
      always.test(name) ? name.slice(0, -1) : name,
    );
    expect(fieldsIn(table.get(type) ?? "").sort(), type).toEqual(fields.sort());
  }
});

test("every command of a client is in its table, with its fields", () => {
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
])("a %s has the fields that are listed", (name, schema) => {
  const [, list = ""] = new RegExp(`A ${name}: \`\\{(.*?)\\}\``).exec(page) ?? [];
  const names = list.replace(/\[.*?\]/g, "").split(",");
  expect(names.map((one) => one.trim().split(":")[0])).toEqual(Object.keys(schema.shape));
});

test("the limits in `hello` are those that are listed, and the subprotocol its name", () => {
  const [, list = ""] = /`limits` \{(.*?)\}/.exec(page) ?? [];
  expect(list.split(", ").sort()).toEqual(Object.keys(events.helloEvent.shape.limits.shape).sort());
  expect(page.split("\n")[0]).toBe(`# The live protocol, \`${PROTOCOL}\``);
});

test("the close codes are those that are listed", () => {
  const [, table = ""] = page.split("## Close codes");
  const [rows = ""] = table.split("\n## ");
  const codes = [...rows.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(codes.sort()).toEqual(Object.values(CLOSE).sort());
});

test("the codes of errors that are named are codes", () => {
  const named = [...page.matchAll(/`([a-z]+_[a-z_]+)`/g)].map(([, code = ""]) => code);
  const strange = named.filter((name) => !(name in ERRORS) && name !== "access_token");
  expect(strange).toEqual([]);
});

test("the wait before reconnecting grows with the sockets of a conversation", async () => {
  const people = await Promise.all(Array.from({ length: 5 }, () => person()));
  const id = await groupOf(...people);
  const waits: number[] = [];
  for (const one of people) {
    const [hello] = (await openLive(one, id)).all("hello");
    waits.push(hello?.reconnectAfterMs ?? 0);
  }
  expect(waits).toEqual([...new Set(waits)].toSorted((a, b) => a - b));
});
