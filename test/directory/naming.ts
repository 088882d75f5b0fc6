import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { type Directory, directoryOf } from "../../src/directory/directory.ts";
import type { FoundNames, NamePage, NamePlace } from "../../src/directory/names.ts";
import { Random } from "../random.ts";
import { someone } from "../support.ts";

/** What tests of searches by name share. */

export const directory = directoryOf(env.DB);

const PARTS = [
  ...["Ada", "ada", "Adams", "Okafor", "O'Kelly", "Müller", "Muller-Lüdke", "Łukasz", "Élodie"],
  ...["Юрий", "Семён", "نور", "عَلِيّ", "דוד", "สมชาย", "李芳", "芳李", "김민준", "さくら"],
  ...["C++", "#dev", "&", "🎉"],
];

export function seeded(): { random: Random; seed: number; mark: string } {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = new Random(seed);
  // A word of each name, so that tests do not find what other tests have stored.
  return { random, seed, mark: `zz${crypto.randomUUID().slice(0, 8)}` };
}

export function nameOf(random: Random, mark: string): string {
  const parts = Array.from({ length: random.between(1, 4) }, () => random.pick(PARTS));
  return [...parts, mark].join(random.pick([" ", "  "]));
}

export function queryOf(random: Random, mark: string): string {
  const words = Array.from({ length: random.below(3) }, () => {
    const letters = Array.from(random.pick(PARTS));
    return letters.slice(0, random.between(1, letters.length)).join("");
  });
  return [...words, mark].join(" ");
}

/** The items of all pages of a search. */
export async function allOf<Item>(
  search: (page: NamePage) => Promise<FoundNames<Item>>,
  limit: number,
): Promise<Item[]> {
  const items: Item[] = [];
  let after: NamePlace | undefined;
  for (;;) {
    const found = await search({ after, limit });
    expect(found.items.length).toBeLessThanOrEqual(limit);
    items.push(...found.items);
    if (!found.next) return items;
    after = found.next;
  }
}

/** Stores a group with present and former members, and resolves to its id. */
export async function seedGroup(
  present: readonly string[],
  former: readonly string[] = [],
  memberCount = present.length,
): Promise<string> {
  const id = someone("group");
  const member = env.DB.prepare(
    `INSERT INTO members (user_id, conversation_id, role, joined_at, left_at, archived, read_up_to, read_beyond,
       epoch, rev) VALUES (?, ?, 'member', 1, ?, 0, 0, 0, 'e', 1)`,
  );
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO conversations (id, kind, visibility, created_by, created_at, member_count, last_number,
         message_count, epoch, rev) VALUES (?, 'group', 'private', 'x', 1, ?, 0, 0, 'e', 1)`,
    ).bind(id, memberCount),
    ...present.map((userId) => member.bind(userId, id, null)),
    ...former.map((userId) => member.bind(userId, id, 2)),
  ]);
  return id;
}

/** A directory that counts the rows which its statements read and write. */
export function countingDirectory(): Directory & { rows: { read: number; written: number } } {
  const rows = { read: 0, written: 0 };
  const counted = <Answer extends D1Result<unknown>>({ ...answer }: Answer): Answer => {
    rows.read += answer.meta.rows_read;
    rows.written += answer.meta.rows_written;
    return answer;
  };
  const originals = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
  const wrapped = (statement: D1PreparedStatement): D1PreparedStatement => {
    const proxy: D1PreparedStatement = new Proxy(statement, {
      get: (target, name) => {
        if (name === "bind") return (...values: unknown[]) => wrapped(target.bind(...values));
        if (name === "all") return async () => counted(await target.all());
        if (name === "run") return async () => counted(await target.run());
        return Reflect.get(target, name).bind(target);
      },
    });
    originals.set(proxy, statement);
    return proxy;
  };
  const client = {
    prepare: (query: string) => wrapped(env.DB.prepare(query)),
    batch: async <Row>(statements: D1PreparedStatement[]) => {
      const bare = statements.map((statement) => originals.get(statement) ?? statement);
      return (await env.DB.batch<Row>(bare)).map(counted);
    },
  };
  return Object.assign(directoryOf(client), { rows });
}
