import { env } from "cloudflare:workers";
import { sql } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { directoryOf } from "../../src/directory/directory.ts";
import { spending } from "../../src/directory/schema.ts";
import { Statement } from "../../src/directory/statement.ts";
import { someId } from "../conversation/fresh-committer.ts";

describe("a statement", () => {
  let built = 0;
  const insert = new Statement((directory) => {
    built++;
    return directory.insert(spending).values({
      userId: sql.placeholder("userId"),
      name: "x",
      spentAt: sql.placeholder("spentAt"),
      amount: sql`${sql.placeholder("spentAt")} + 1`,
    });
  });

  test("is built once, and has the values of each use", async () => {
    const directory = directoryOf(env.DB);
    const userId = someId();
    await env.DB.batch([
      insert.bind(directory, { userId, spentAt: 1 }),
      insert.bind(directory, { userId, spentAt: 20, unused: 1 }),
    ]);
    await insert.bind(directoryOf(env.DB.withSession()), { userId, spentAt: 300 }).run();
    const { results } = await env.DB.prepare(
      "SELECT name, spent_at, amount FROM spending WHERE user_id = ? ORDER BY spent_at",
    )
      .bind(userId)
      .all();
    expect(results).toEqual([
      { name: "x", spent_at: 1, amount: 2 },
      { name: "x", spent_at: 20, amount: 21 },
      { name: "x", spent_at: 300, amount: 301 },
    ]);
    expect(built).toBe(1);
  });

  test("requires a value for every placeholder", () => {
    expect(() => insert.bind(directoryOf(env.DB), { userId: someId() })).toThrow("spentAt");
  });
});
