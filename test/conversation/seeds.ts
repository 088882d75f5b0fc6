import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import {
  membersSql,
  messagesSql,
  readersSql,
  scatteredReadsSql,
  uncountedSql,
} from "../seed-sql.ts";
import { objectOf } from "../support.ts";

/** Large conversations, written directly into storage and D1. */

/** The name of the `n`-th seeded member. */
export function seededId(n: number): string {
  return `seed-${String(n).padStart(6, "0")}`;
}

async function seed(conversationId: string, statements: readonly string[]): Promise<void> {
  await runInDurableObject(objectOf(conversationId), (_, { storage }) => {
    for (const statement of statements) storage.sql.exec(statement);
  });
  await evictDurableObject(objectOf(conversationId));
}

export const seedMembers = (conversationId: string, count: number) =>
  seed(conversationId, membersSql(count));

export const seedMessages = (conversationId: string, count: number, by: string) =>
  seed(conversationId, messagesSql(count, by));

export const seedUncounted = (conversationId: string, upTo: number) =>
  seed(conversationId, uncountedSql(upTo));

export const seedReaders = (conversationId: string, count: number) =>
  seed(conversationId, readersSql(count));

export const seedScatteredReads = (conversationId: string, by: string, upTo: number) =>
  seed(conversationId, scatteredReadsSql(by, upTo));
