import { and, eq, gt, inArray, sql } from "drizzle-orm";
import type { Person } from "../domain/conversation.ts";
import type { Directory } from "./directory.ts";
import { users } from "./schema.ts";

/**
 * A bot: provisioned as one, and nobody has ever made a request with a token of its id. Whoever has is a person,
 * as whom nobody else acts. Reads one row.
 */
export async function botById(directory: Directory, userId: string): Promise<Person | undefined> {
  const [bot] = await directory
    .select({ userId: users.id, name: users.name, avatarUrl: users.avatarUrl })
    .from(users)
    .where(and(eq(users.id, userId), eq(users.bot, true), eq(users.lastSeenAt, 0)));
  return bot;
}

/**
 * Those among some ids that are of people: no bot can be provisioned under them. `seen`: only who has made a request
 * that D1 knows of; the others may be bots that it has lost, and knows as members of conversations.
 */
export async function peopleAmongIds(
  directory: Directory,
  userIds: readonly string[],
  among: "all" | "seen",
): Promise<string[]> {
  if (userIds.length === 0) return [];
  const rows = await directory
    .select({ id: users.id })
    .from(users)
    .where(
      and(
        inArray(users.id, sql`(SELECT value FROM json_each(${JSON.stringify(userIds)}))`),
        eq(users.bot, false),
        among === "seen" ? gt(users.lastSeenAt, 0) : undefined,
      ),
    );
  return rows.map(({ id }) => id);
}
