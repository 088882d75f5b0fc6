import { and, gt, type SQL, sql } from "drizzle-orm";
import type { Directory } from "./directory.ts";
import {
  channelText,
  conversations,
  hasOlderChannelWords,
  hasOlderPersonWords,
  personText,
  users,
} from "./schema.ts";
import { wordsOfChannel, wordsOfPerson } from "./word-list.ts";

/** Names of one read, */
const PAGE = 500;
/** and so many reads of a run. */
const PAGES_MAX = 100;
/** Code units of the rows of one write, of which each takes at most three bytes; a parameter has at most 2 MB. */
const MAX_WRITTEN = 600_000;

/** An id, and its words as they are stored. */
type Row = readonly [id: string, words: string | null];

/**
 * Makes the words of names that have none, or those of an older name: they were stored by an earlier version. At
 * most 50,000 people and as many channels; the next run continues. Resolves to how many names it looked at.
 */
export async function completeWords(
  directory: Directory,
): Promise<{ people: number; channels: number }> {
  return {
    people: await completeAll(
      (after) => peopleAfter(directory, after),
      (rows) => write(directory, rows, sql`users`, personText(users)),
    ),
    channels: await completeAll(
      (after) => channelsAfter(directory, after),
      (rows) => write(directory, rows, sql`conversations`, channelText(conversations)),
    ),
  };
}

async function completeAll(
  read: (after: string) => Promise<Row[]>,
  save: (rows: readonly Row[]) => Promise<void>,
): Promise<number> {
  let [count, after] = [0, ""];
  for (let page = 0; page < PAGES_MAX; page++) {
    const rows = await read(after);
    if (rows.length > 0) await save(rows);
    count += rows.length;
    after = rows.at(-1)?.[0] ?? after;
    if (rows.length < PAGE) break;
  }
  return count;
}

async function peopleAfter(directory: Directory, after: string): Promise<Row[]> {
  const { id, name } = users;
  const rows = await directory
    .select({ id, name })
    .from(users)
    .where(and(hasOlderPersonWords(users), gt(id, after)))
    .orderBy(id)
    .limit(PAGE);
  return rows.map((row) => [row.id, wordsOfPerson(row.name)]);
}

async function channelsAfter(directory: Directory, after: string): Promise<Row[]> {
  const { id, title, description } = conversations;
  const rows = await directory
    .select({ id, title, description })
    .from(conversations)
    .where(and(hasOlderChannelWords(conversations), gt(id, after)))
    .orderBy(id)
    .limit(PAGE);
  return rows.map((row) => [row.id, wordsOfChannel(row.title, row.description)]);
}

/** Stores words, unless the text that they are made of has changed meanwhile. */
async function write(
  directory: Directory,
  rows: readonly Row[],
  table: SQL,
  text: SQL,
): Promise<void> {
  const json = JSON.stringify(rows);
  if (json.length > MAX_WRITTEN && rows.length > 1) {
    const half = Math.ceil(rows.length / 2);
    await write(directory, rows.slice(0, half), table, text);
    await write(directory, rows.slice(half), table, text);
    return;
  }
  await directory.run(sql`
    UPDATE ${table} SET words = made.value ->> 1 FROM json_each(${json}) AS made
    WHERE ${table}.id = made.value ->> 0 AND ${text} = made.value ->> 1 ->> 0`);
}
