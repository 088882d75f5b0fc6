import { type SQL, sql } from "drizzle-orm";
import type { Person } from "../domain/conversation.ts";
import { isBlockedEitherWay } from "./blocks.ts";
import type { Directory } from "./directory.ts";
import {
  type Candidate,
  type FoundNames,
  firstFound,
  foundAmong,
  hasAll,
  havingWord,
  isBehind,
  type NamePage,
  type NamePlace,
  rarestOf,
} from "./names.ts";
import { userWords } from "./schema.ts";

/** Who finds whom. Contacts are people who are or were in a conversation that the user is in. */

/** A search among contacts looks at conversations of so many members at most, */
const LARGEST_MEMBERS = 1_000;
/** at so many of their members, */
const MEMBERS_MAX = 5_000;
/** and at so many people who have the word in their name, wherever they are. */
const NAMED_MAX = 1_000;

/** Whom a search may find: `contacts`: those of the user only. */
export interface Searching {
  userId: string;
  among: "everyone" | "contacts";
}

interface Row extends Candidate, Omit<Person, "userId"> {}

const IN_TABLE = { table: userWords, id: sql`user_id` };

/**
 * People in whose names each of these words begins a word; nobody between whom and the user there is a block. Those
 * whose name begins with the longest of the words come first.
 */
export async function peopleByName(
  directory: Directory,
  searched: readonly string[],
  searching: Searching,
  page: NamePage,
): Promise<FoundNames<Person>> {
  const { items, next } = await foundAmong<Row>((after, limit) => {
    const rows =
      searching.among === "contacts"
        ? namedContacts(searched, searching.userId, after, limit)
        : named(searched, after, limit);
    return directory.all(candidates(rows, searched, searching.userId));
  }, page);
  const people = items.map(({ id, name, avatarUrl }) => ({ userId: id, name, avatarUrl }));
  return { items: people, next };
}
/** Those among some users who are contacts of a user, and the user. */
export async function contactsAmong(
  directory: Directory,
  userId: string,
  userIds: readonly string[],
): Promise<Set<string>> {
  const rows = await directory.all<{ id: string }>(sql`
    SELECT asked.value AS id FROM json_each(${JSON.stringify(userIds)}) AS asked
    WHERE asked.value = ${userId} OR ${isContact(userId, sql`asked.value`)}`);
  return new Set(rows.map(({ id }) => id));
}

/** What is to be known of candidates, which have `word` and `id`. */
function candidates(rows: SQL, searched: readonly string[], userId: string): SQL {
  return sql`
    SELECT c.word AS word, c.id AS id, u.name AS name, u.avatar_url AS avatarUrl,
      NOT ${isBlockedEitherWay(userId, sql`c.id`)} AS isVisible,
      c.word IS ${firstFound(sql`u.words`, rarestOf(searched))} AND ${hasAll(sql`u.words`, searched)} AS isFound
    FROM (${rows}) AS c LEFT JOIN users u ON u.id = c.id
    ORDER BY c.word, c.id`;
}

function named(searched: readonly string[], after: NamePlace | undefined, limit: number): SQL {
  const having = havingWord(IN_TABLE, rarestOf(searched), after, limit);
  return sql`SELECT word, id FROM (${having}) ORDER BY word, id LIMIT ${limit}`;
}

/**
 * From both sides, because either may be long: the members of the user's conversations, and the people of that
 * name. Reads at most some ten thousand rows. Somebody is missed who is in large conversations only, and behind a
 * thousand others of such a name.
 */
function namedContacts(
  searched: readonly string[],
  userId: string,
  after: NamePlace | undefined,
  limit: number,
): SQL {
  const word = firstFound(sql`users.words`, rarestOf(searched));
  return sql`
    SELECT word, id FROM (SELECT ${word} AS word, users.id AS id FROM (
      SELECT * FROM (SELECT other.user_id AS id FROM members own
        JOIN conversations c ON c.id = own.conversation_id AND c.member_count <= ${LARGEST_MEMBERS}
        JOIN members other ON other.conversation_id = own.conversation_id
        WHERE own.user_id = ${userId} AND own.left_at IS NULL LIMIT ${MEMBERS_MAX})
      UNION
      SELECT n.id FROM (${named(searched, undefined, NAMED_MAX)}) AS n WHERE ${isContact(userId, sql`n.id`)}
    ) AS contact JOIN users ON users.id = contact.id AND ${hasAll(sql`users.words`, searched)})
    WHERE word IS NOT NULL AND ${isBehind(after)} ORDER BY word, id LIMIT ${limit}`;
}

function isContact(userId: string, other: SQL): SQL {
  return sql`EXISTS (SELECT 1 FROM members other
    JOIN members own ON own.user_id = ${userId} AND own.conversation_id = other.conversation_id
    WHERE other.user_id = ${other} AND own.left_at IS NULL)`;
}
