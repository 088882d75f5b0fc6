import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { directoryOf } from "../../src/directory/directory.ts";
import { HOUR_MS, spend } from "../../src/directory/spending.ts";
import { someone } from "../support.ts";

const directory = directoryOf(env.DB);
const START = Date.UTC(2026, 10, 27);

test("no hour exceeds its limit, however the calls are distributed", async () => {
  const userId = someone();
  const take = (amount: number, at: number) =>
    spend(directory, userId, [{ name: "additions", amount, limit: 300 }], at);
  expect(await take(200, START)).toBeUndefined();
  expect(await take(100, START + 1_000)).toBeUndefined();
  expect(await take(1, START + 2_000)).toEqual({
    name: "additions",
    retryAfterMs: HOUR_MS - 2_000,
  });
  // Expired expenses free their amount, and no more.
  expect(await take(201, START + HOUR_MS)).toEqual({ name: "additions", retryAfterMs: 1_000 });
  expect(await take(200, START + HOUR_MS)).toBeUndefined();
});

test("several expenses are accepted together or not at all", async () => {
  const userId = someone();
  const both = (additions: number) =>
    spend(
      directory,
      userId,
      [
        { name: "conversations", amount: 1, limit: 2 },
        { name: "additions", amount: additions, limit: 10 },
      ],
      START,
    );
  expect(await both(11)).toEqual({ name: "additions", retryAfterMs: HOUR_MS });
  expect(await both(5)).toBeUndefined();
  expect(await both(5)).toBeUndefined();
  expect(await both(0)).toMatchObject({ name: "conversations" });
});

test("concurrent calls cannot exceed the limit together", async () => {
  const userId = someone();
  const expense = { name: "channels", amount: 1, limit: 10 };
  const spent = await Promise.all(
    Array.from({ length: 30 }, () => spend(directory, userId, [expense], START)),
  );
  expect(spent.filter((refused) => refused === undefined)).toHaveLength(10);
});

test("each user has separate limits, and old rows are deleted", async () => {
  const [one, other] = [someone(), someone()];
  const expense = { name: "channels", amount: 1, limit: 1 };
  expect(await spend(directory, one, [expense], START)).toBeUndefined();
  expect(await spend(directory, other, [expense], START)).toBeUndefined();
  expect(await spend(directory, one, [expense], START + HOUR_MS)).toBeUndefined();
  const { results } = await env.DB.prepare("SELECT * FROM spending WHERE user_id = ?")
    .bind(one)
    .all();
  expect(results).toHaveLength(1);
});
