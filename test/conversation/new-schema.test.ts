import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { migrate } from "../../src/conversation/tables/schema.ts";
import { backToStep } from "./older-schema.ts";

/** The tables of an object that nothing was in, after something was done in it. */
function tablesAfter(name: string, action: (sql: SqlStorage) => void) {
  return runInDurableObject(env.CONVERSATIONS.getByName(name), (_, { storage }) => {
    storage.transactionSync(() => action(storage.sql));
    const tables = storage.sql.exec("SELECT type, name, tbl_name, sql FROM sqlite_master");
    const columns = storage.sql.exec(
      `SELECT m.name AS of_table, i.* FROM sqlite_master m, pragma_table_xinfo(m.name) i
       WHERE m.type = 'table' AND m.name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY 1, cid`,
    );
    const steps = storage.sql.exec("SELECT step FROM schema_steps ORDER BY step");
    const inOrder = (rows: Iterable<unknown>) => Array.from(rows, (row) => JSON.stringify(row));
    return [inOrder(tables).sort(), inOrder(columns), inOrder(steps)];
  });
}

test("tables that are made at once are those that the steps make one after the other", async () => {
  const id = crypto.randomUUID();
  // The first one of the isolate is made by steps, and tells the others how.
  await tablesAfter(`${id}-first`, migrate);
  const atOnce = await tablesAfter(`${id}-at-once`, migrate);
  const bySteps = await tablesAfter(`${id}-by-steps`, (sql) => {
    migrate(sql);
    backToStep(sql, 3);
    migrate(sql);
  });
  expect(atOnce[2]).toEqual(bySteps[2]);
  // Steps that were undone and made again may leave other white space.
  expect(atOnce[1]).toEqual(bySteps[1]);
  const names = (tables: string[] | undefined) =>
    tables?.map((one) => JSON.parse(one)).map(({ type, name }) => `${type} ${name}`);
  expect(names(atOnce[0])).toEqual(names(bySteps[0]));
});
