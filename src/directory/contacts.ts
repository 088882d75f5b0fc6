import { type SQL, sql } from "drizzle-orm";
import type { Person } from "../domain/conversation.ts";
import { isBlockedEitherWay } from "./blocks.ts";
import type { Directory } from "./directory.ts";

/** Who finds whom. Contacts are people who are or were in a conversation that the user is in. */

/** Results of a search at most. */
const FOUND_MAX = 20;
/** A search among contacts looks at conversations of so many members at most, */
const LARGEST_MEMBERS = 1_000;
/** at so many of their members, */
const MEMBERS_MAX = 5_000;
/** and at so many people whose name begins as it says, wherever they are. */
const NAMED_MAX = 1_000;

/** Whom a search may find: `contacts`: those of the user only. */
export interface Searching {
  userId: string;
  among: "everyone" | "contacts";
}

/** People whose name begins with `beginning`, ignoring case; nobody between whom and the user there is a block. */
export async function peopleByName(
  directory: Directory,
  beginning: string,
  { userId, among }: Searching,
): Promise<Person[]> {
  const folded = beginning.toLowerCase();
  const isNamed = sql`name_folded >= ${folded} AND name_folded < ${`${folded}\u{10ffff}`}`;
  return await directory.all<Person>(sql`
    SELECT id AS userId, name, avatar_url AS avatarUrl FROM users
    WHERE ${isNamed} AND ${among === "contacts" ? isAmongContacts(userId, isNamed) : sql`true`}
      AND NOT ${isBlockedEitherWay(userId, sql`users.id`)}
    ORDER BY name_folded, id LIMIT ${FOUND_MAX}`);
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

/**
 * From both sides, because either may be long: the members of the user's conversations, and the people of that
 * name. Reads at most some ten thousand rows. Somebody is missed who is in large conversations only, and behind a
 * thousand others of such a name.
 */
function isAmongContacts(userId: string, isNamed: SQL): SQL {
  return sql`id IN (
    SELECT * FROM (SELECT other.user_id FROM members own
      JOIN conversations c ON c.id = own.conversation_id AND c.member_count <= ${LARGEST_MEMBERS}
      JOIN members other ON other.conversation_id = own.conversation_id
      WHERE own.user_id = ${userId} AND own.left_at IS NULL LIMIT ${MEMBERS_MAX})
    UNION
    SELECT named.id FROM (SELECT id FROM users WHERE ${isNamed} ORDER BY name_folded LIMIT ${NAMED_MAX}) AS named
      WHERE ${isContact(userId, sql`named.id`)})`;
}

function isContact(userId: string, other: SQL): SQL {
  return sql`EXISTS (SELECT 1 FROM members other
    JOIN members own ON own.user_id = ${userId} AND own.conversation_id = other.conversation_id
    WHERE other.user_id = ${other} AND own.left_at IS NULL)`;
}
