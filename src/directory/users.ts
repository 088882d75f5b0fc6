import { and, desc, eq, gte, inArray, type SQL, sql } from "drizzle-orm";
import type { Person } from "../domain/conversation.ts";
import type { Actor, PlatformRole } from "../domain/policy.ts";
import type { Directory } from "./directory.ts";
import { users } from "./schema.ts";
import { wordsOfPerson } from "./word-list.ts";

/** A person to store: absent fields stay as they are. */
export interface Profile {
  userId: string;
  name?: string | null | undefined;
  avatarUrl?: string | null | undefined;
  role?: PlatformRole | undefined;
  /** A bot, where it is new: what is stored stays what it is. */
  bot?: boolean | undefined;
}

/** A person seen again within this time is not written again. */
const SEEN_EVERY_MS = 60 * 60_000;
const REMEMBERED_MAX = 10_000;
/** How long a token's role counts after its person was last seen, because no event revokes it. */
const TOKEN_ROLE_KEPT_MS = 30 * 24 * 60 * 60_000;

/**
 * Inserts or updates people, in one transaction. `seenAt`: they made a request now, and `role` is
 * their token's; `null`: the host application provisions them, and `role` is the provisioned one.
 * Neither kind of role changes the other. `renewsBots`: who is stored, was never seen and is a bot here becomes one.
 */
export async function upsertUsers(
  directory: Directory,
  profiles: readonly Profile[],
  seenAt: number | null,
  { renewsBots = false }: { renewsBots?: boolean } = {},
): Promise<void> {
  const seen = seenAt !== null;
  const rows = profiles.map((p) => [
    p.userId,
    p.name ?? null,
    p.name?.toLowerCase() ?? null,
    p.avatarUrl ?? null,
    (seen && p.role) || "user",
    seen ? null : (p.role ?? null),
    wordsOfPerson(p.name),
    p.bot ? 1 : 0,
  ]);
  const { $client } = directory;
  const upsert = $client.prepare(UPSERT);
  const statements = pagesOf(rows).map((page) =>
    upsert.bind(JSON.stringify(page), seenAt, renewsBots ? 1 : 0),
  );
  const [only, ...others] = statements;
  if (only && others.length === 0) await only.run();
  else if (only) await $client.batch(statements);
}

/** ?1: people; ?2: when they were seen, or null; ?3: whether who was never seen may become a bot. */
const UPSERT = `
  INSERT INTO users (id, name, name_folded, avatar_url, role, provisioned_role, words, bot, last_seen_at)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
    value ->> 7, coalesce(?2, 0)
  FROM json_each(?1) WHERE true
  ON CONFLICT (id) DO UPDATE SET name = coalesce(excluded.name, name),
    name_folded = coalesce(excluded.name_folded, name_folded),
    avatar_url = coalesce(excluded.avatar_url, avatar_url),
    role = iif(?2 IS NULL, role, excluded.role),
    provisioned_role = coalesce(excluded.provisioned_role, provisioned_role),
    words = coalesce(excluded.words, words),
    bot = iif(?3 AND last_seen_at = 0, max(bot, excluded.bot), bot),
    last_seen_at = max(excluded.last_seen_at, last_seen_at)`;

/** People of one statement: with the longest names and addresses less than the 2 MB of a parameter. */
const PAGE = 100;

function pagesOf<Row>(rows: readonly Row[]): Row[][] {
  const pages: Row[][] = [];
  for (let from = 0; from < rows.length; from += PAGE) pages.push(rows.slice(from, from + PAGE));
  return pages;
}

/**
 * Inserts people who are not stored yet, with the profile that their conversation has; the others
 * stay as they are.
 */
export async function addMissingUsers(
  directory: Directory,
  people: readonly Person[],
): Promise<void> {
  const rows = people.map(({ userId, name, avatarUrl }) => [
    ...[userId, name, name?.toLowerCase() ?? null, avatarUrl],
    wordsOfPerson(name),
  ]);
  await directory.run(sql`
    INSERT INTO users (id, name, name_folded, avatar_url, words, role, last_seen_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, 'user', 0
    FROM json_each(${JSON.stringify(rows)}) WHERE true
    ON CONFLICT (id) DO NOTHING`);
}

/** The stored people with these ids, services among them. */
export async function usersById(
  directory: Directory,
  userIds: readonly string[],
): Promise<Map<string, Person>> {
  const rows = await directory
    .select({ userId: users.id, name: users.name, avatarUrl: users.avatarUrl })
    .from(users)
    .where(isAmong(userIds));
  return new Map(rows.map((row) => [row.userId, row]));
}

/** The same, and which of these ids are of services: no people, who can be in no conversation. */
export async function peopleById(
  directory: Directory,
  userIds: readonly string[],
): Promise<{ people: Map<string, Person>; services: Set<string> }> {
  const { id, name, avatarUrl, role, provisionedRole } = users;
  const rows = await directory
    .select({ userId: id, name, avatarUrl, role, provisionedRole })
    .from(users)
    .where(isAmong(userIds));
  const people = new Map<string, Person>();
  const services = new Set<string>();
  for (const { role, provisionedRole, ...person } of rows) {
    if (role === "service" || provisionedRole === "service") services.add(person.userId);
    else people.set(person.userId, person);
  }
  return { people, services };
}

function isAmong(userIds: readonly string[]): SQL {
  return inArray(users.id, sql`(SELECT value FROM json_each(${JSON.stringify(userIds)}))`);
}

/**
 * People with a role, most recently seen first: provisioned with it, or with it in their last
 * token, unless that is older than {@link TOKEN_ROLE_KEPT_MS}.
 */
export async function usersByRole(
  directory: Directory,
  role: PlatformRole,
  limit: number,
  now: number,
): Promise<Person[]> {
  const { id, name, avatarUrl, lastSeenAt } = users;
  const withRole = (condition: SQL | undefined) =>
    directory
      .select({ userId: id, name, avatarUrl, lastSeenAt })
      .from(users)
      .where(condition)
      .orderBy(desc(lastSeenAt))
      .limit(limit);
  // Two queries, because each uses its own index.
  const [provisioned, seen] = await directory.batch([
    withRole(eq(users.provisionedRole, role)),
    withRole(and(eq(users.role, role), gte(lastSeenAt, now - TOKEN_ROLE_KEPT_MS))),
  ]);
  const found = new Map([...provisioned, ...seen].map((row) => [row.userId, row]));
  return [...found.values()]
    .sort((a, b) => b.lastSeenAt - a.lastSeenAt)
    .slice(0, limit)
    .map(({ userId, name, avatarUrl }) => ({ userId, name, avatarUrl }));
}

/**
 * Stores people from their tokens. Those stored lately are cached in the isolate, so that sending a
 * message does not wait for D1.
 */
export class KnownUsers {
  private readonly seen = new Map<string, { profile: string; at: number }>();

  /** Has a person stored again when they come next: their row may be gone. */
  forget(userId: string): void {
    this.seen.delete(userId);
  }

  /** Resolves once the person is stored; at once if that happened lately with the same profile. */
  async ensureKnown(directory: Directory, actor: Actor, now: number): Promise<void> {
    const { userId, name, avatarUrl, role } = actor;
    const profile = JSON.stringify([name, avatarUrl, role]);
    const before = this.seen.get(userId);
    if (before && before.profile === profile && now - before.at < SEEN_EVERY_MS) return;
    if (this.seen.size >= REMEMBERED_MAX) this.seen.clear();
    await upsertUsers(directory, [{ userId, name, avatarUrl, role }], now);
    this.seen.set(userId, { profile, at: now });
  }
}
