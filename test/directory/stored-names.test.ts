import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import migration from "../../migrations/0005_words.sql?raw";
import { completeWords } from "../../src/directory/complete-words.ts";
import { peopleByName } from "../../src/directory/contacts.ts";
import { channelsByName } from "../../src/directory/find-channels.ts";
import { upsertUsers } from "../../src/directory/users.ts";
import { personWords, searchedWords } from "../../src/domain/name-words.ts";
import { someone } from "../support.ts";
import { countingDirectory, directory, seeded } from "./naming.ts";

/** Words of names are those of the present name, whoever stored it, and cost what they must. */

const page = { after: undefined, limit: 50 };

async function found(q: string): Promise<(string | null)[]> {
  const searching = { userId: someone(), among: "everyone" } as const;
  const { items } = await peopleByName(directory, searchedWords(q), searching, page);
  return items.map(({ name }) => name);
}

async function foundChannels(q: string): Promise<(string | null)[]> {
  const { items } = await channelsByName(directory, searchedWords(q), someone(), page);
  return items.map(({ name }) => name);
}

/** As the version before does it, which knows no words. */
function storeOlder(userId: string, name: string) {
  return env.DB.prepare(
    `INSERT INTO users (id, name, name_folded, role, last_seen_at) VALUES (?1, ?2, lower(?2), 'user', 1)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_folded = excluded.name_folded`,
  )
    .bind(userId, name)
    .run();
}

function storeOlderChannel(id: string, title: string, description: string) {
  return env.DB.prepare(
    `INSERT INTO conversations (id, kind, title, description, visibility, created_by, created_at, member_count,
       last_number, message_count, epoch, rev)
     VALUES (?, 'channel', ?, ?, 'public', 'x', 1, 1, 0, 0, 'e', 1)
     ON CONFLICT (id) DO UPDATE SET title = excluded.title, description = excluded.description`,
  )
    .bind(id, title, description)
    .run();
}

async function wordsOf(table: string, column: string, id: string): Promise<string[]> {
  const { results } = await env.DB.prepare(
    `SELECT word FROM ${table} WHERE ${column} = ? ORDER BY word`,
  )
    .bind(id)
    .all<{ word: string }>();
  return results.map(({ word }) => word);
}

/** The steps of the migration that fill what is there, for the rows of this test. */
async function fill(ids: readonly string[]): Promise<void> {
  const steps = migration.split("--> statement-breakpoint").filter((step) => /^UPDATE/m.test(step));
  expect(steps).toHaveLength(2);
  const others = `AND id IN (SELECT value FROM json_each('${JSON.stringify(ids)}'));`;
  for (const step of steps) await env.DB.prepare(step.trim().replace(/;$/, others)).run();
}

describe("names of the version before", () => {
  test("are found after the migration, by their words in lower case, and by all after the cron", async () => {
    const { mark } = seeded();
    const [user, channel] = [someone(), someone()];
    await storeOlder(user, `Ada "O'Kelly" Müller ${mark}`);
    await storeOlderChannel(channel, `Ops-Team "1" ${mark}`, "Keeps the\nlights on");
    expect(await found(mark)).toEqual([]);
    await fill([user, channel]);
    expect(await found(`ada ${mark}`)).toHaveLength(1);
    expect(await foundChannels(`lig ${mark}`)).toHaveLength(1);
    expect(await found(`kelly ${mark}`)).toEqual([]);
    await completeWords(directory);
    for (const q of ["ada", "kelly", "müller", ""]) {
      expect(await found(`${q} ${mark}`), q).toHaveLength(1);
    }
    for (const q of ["ops", "team", "1", "lights", ""]) {
      expect(await foundChannels(`${q} ${mark}`), q).toHaveLength(1);
    }
    expect(await wordsOf("user_words", "user_id", user)).toEqual(
      personWords(`Ada "O'Kelly" Müller ${mark}`).sort(),
    );
  });

  test("that it stores during a deployment get their words from the cron, which then has nothing to do", async () => {
    const { mark } = seeded();
    const [user, channel] = [someone(), someone()];
    await upsertUsers(directory, [{ userId: user, name: `Ada ${mark}` }], null);
    await storeOlder(user, `Bea ${mark}`);
    await storeOlderChannel(channel, `One ${mark}`, "");
    await completeWords(directory);
    expect([await found(`bea ${mark}`), await found(`ada ${mark}`)]).toEqual([[`Bea ${mark}`], []]);
    await storeOlderChannel(channel, `Two ${mark}`, "");
    await completeWords(directory);
    expect(await foundChannels(`two ${mark}`)).toEqual([`Two ${mark}`]);
    expect(await foundChannels(`one ${mark}`)).toEqual([]);
    expect(await completeWords(directory)).toEqual({ people: 0, channels: 0 });
    const counting = countingDirectory();
    await completeWords(counting);
    expect(counting.rows).toEqual({ read: 0, written: 0 });
  });

  test("more than a page of them are completed in one run", async () => {
    const { mark } = seeded();
    const users = Array.from({ length: 1_200 }, (_, i) => [someone(), `Ada ${mark}x${i}`]);
    await env.DB.prepare(
      `INSERT INTO users (id, name, role, last_seen_at)
       SELECT value ->> 0, value ->> 1, 'user', 1 FROM json_each(?)`,
    )
      .bind(JSON.stringify(users))
      .run();
    expect((await completeWords(directory)).people).toBe(1_200);
    expect(await found(`${mark}x1199`)).toEqual([`Ada ${mark}x1199`]);
  });
});

describe("rows", () => {
  async function written(name: string, userId: string, seenAt: number | null): Promise<number> {
    const counting = countingDirectory();
    await upsertUsers(counting, [{ userId, name }], seenAt);
    return counting.rows.written;
  }

  test("a person costs one row for each word; signing in again, or another case, none", async () => {
    const { mark } = seeded();
    const [ada, bea] = [someone(), someone()];
    const one = await written(mark, ada, 1);
    const three = await written(`Ada Bea ${mark}`, bea, 1);
    expect(three - one).toBe(2);
    const again = await written(`Ada Bea ${mark}`, bea, 1);
    expect(again).toBe(await written(mark, ada, 1));
    expect(again).toBeLessThan(one);
    // The whole name and two words go, and come.
    const renamed = await written(`Ada Cid ${mark}`, bea, 1);
    expect(renamed - again).toBe(2 + 2);
    expect(await wordsOf("user_words", "user_id", bea)).toEqual(
      personWords(`Ada Cid ${mark}`).sort(),
    );
    await env.DB.prepare("DELETE FROM users WHERE id = ?").bind(bea).run();
    expect(await wordsOf("user_words", "user_id", bea)).toEqual([]);
  });
});
