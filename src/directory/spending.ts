import { and, eq, lte, sql } from "drizzle-orm";
import type { Directory } from "./directory.ts";
import { spending } from "./schema.ts";

/** How far an hourly limit looks back. */
export const HOUR_MS = 60 * 60_000;

/** Something of which a person may only do so much an hour. */
export interface Expense {
  /** The limit's name, as clients are told it. */
  name: string;
  /** How much of it this is, and how much any hour may hold. */
  amount: number;
  limit: number;
}

/**
 * Spends of a person's hourly limits: all of the expenses, or none of them. An exact sliding window: no
 * hour holds more than its limit. Resolves to `undefined` when there was room, otherwise to the first
 * limit that is exhausted and the milliseconds until there is room again. Writes two rows (one and its
 * index) for each expense, and removes those that count no more.
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

/** Removes what counts for nobody any more: of people who have spent nothing since, too. */
export async function deleteOldSpending(directory: Directory, now: number): Promise<void> {
  await directory.delete(spending).where(lte(spending.spentAt, now - HOUR_MS));
}

/** Which of the limits has no room, and when it will have. */
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
    // More than a whole hour's worth at once: there will never be room.
    return { name, retryAfterMs: HOUR_MS };
  }
  // Somebody else's row left the window between the two statements: there is room now.
  return { name: expenses[0]?.name ?? "", retryAfterMs: 1_000 };
}
