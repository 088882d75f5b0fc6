import { and, eq, lte, sql } from "drizzle-orm";
import type { Directory } from "./directory.ts";
import { spending } from "./schema.ts";

/** The window of an hourly limit. */
export const HOUR_MS = 60 * 60_000;

/** An amount to count against one hourly limit. */
export interface Expense {
  /** The limit's name, as in answers. */
  name: string;
  /** The amount, and the limit of any hour. */
  amount: number;
  limit: number;
}

/**
 * Counts against a person's hourly limits: all of the expenses, or none. An exact sliding window:
 * no hour exceeds its limit. Resolves to `undefined` if there was room, otherwise to the first
 * exhausted limit and the milliseconds until there is room again. Writes two rows (one and its
 * index) per expense, and deletes expired ones.
 */
export async function spend(
  directory: Directory,
  userId: string,
  expenses: readonly Expense[],
  now: number,
): Promise<{ name: string; retryAfterMs: number } | undefined> {
  const rows = expenses.map(({ name, amount, limit }) => [name, amount, limit]);
  const wanted = sql`json_each(${JSON.stringify(rows)}) AS wanted`;
  const since = now - HOUR_MS;
  const spent = sql`(SELECT coalesce(sum(amount), 0) FROM spending
    WHERE user_id = ${userId} AND name = wanted.value ->> 0 AND spent_at > ${since})`;
  const [, written] = await directory.batch([
    directory
      .delete(spending)
      .where(and(eq(spending.userId, userId), lte(spending.spentAt, since))),
    directory.insert(spending).select(
      sql`SELECT ${userId}, wanted.value ->> 0, ${now}, wanted.value ->> 1 FROM ${wanted}
          WHERE NOT EXISTS (SELECT 1 FROM ${wanted}
            WHERE ${spent} + (wanted.value ->> 1) > (wanted.value ->> 2))`,
    ),
  ]);
  if (written.meta.changes > 0) return undefined;
  return await exhausted(directory, userId, expenses, now);
}

/** Deletes expired expenses, also of people who have no newer ones. */
export async function deleteOldSpending(directory: Directory, now: number): Promise<void> {
  await directory.delete(spending).where(lte(spending.spentAt, now - HOUR_MS));
}

/** The limit that has no room, and when it will have. */
async function exhausted(
  directory: Directory,
  userId: string,
  expenses: readonly Expense[],
  now: number,
): Promise<{ name: string; retryAfterMs: number }> {
  const spent = await directory
    .select()
    .from(spending)
    .where(eq(spending.userId, userId))
    .orderBy(spending.spentAt);
  for (const { name, amount, limit } of expenses) {
    const own = spent.filter((row) => row.name === name && row.spentAt > now - HOUR_MS);
    let excess = own.reduce((sum, row) => sum + row.amount, 0) + amount - limit;
    if (excess <= 0) continue;
    for (const row of own) {
      excess -= row.amount;
      if (excess <= 0) return { name, retryAfterMs: row.spentAt + HOUR_MS - now };
    }
    // More than the limit of an hour: there will never be room.
    return { name, retryAfterMs: HOUR_MS };
  }
  // A row left the window between the two statements: there is room now.
  return { name: expenses[0]?.name ?? "", retryAfterMs: 1_000 };
}
