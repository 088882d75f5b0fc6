import { inboxOf } from "../../conversation/stub.ts";
import { directoryOf } from "../../directory/directory.ts";
import { bannedBy, blockersOf, peopleOf } from "../../directory/erasure.ts";
import type { Replacement } from "../../domain/erasure.ts";
import { isErasedUserId } from "../../domain/person.ts";
import type { JobContext } from "../kind.ts";

/**
 * The users whose inboxes may name a person who is erased, in a table of the job: those who block them, whom they
 * have banned, and everybody who is or was in a conversation with them, because any of them may watch the others.
 */

/** Inboxes that are called in one step. */
const CALLED = 50;
/** People of a page of a conversation, and of a statement. */
const PAGE = 1_000;

/** Notes those of whom the person's inbox and D1 know. */
export async function collectNamed(context: JobContext, userId: string): Promise<void> {
  const { env } = context;
  const directory = directoryOf(env.DB);
  note(context, await inboxOf(env, userId).acquaintances());
  note(context, await blockersOf(directory, userId));
  note(context, await bannedBy(directory, userId));
}

/** Notes everybody who is or was in a conversation. */
export async function collectPeople(context: JobContext, conversationId: string): Promise<void> {
  const directory = directoryOf(context.env.DB);
  for (let after = ""; ; ) {
    const people = await peopleOf(directory, conversationId, after, PAGE);
    note(context, people);
    after = people.at(-1) ?? "";
    if (people.length < PAGE) return;
  }
}

/** Has some of those who were noted forget the person: how many; 0: all have. */
export async function forgetSome(
  { env, sql }: JobContext,
  replacement: Replacement,
): Promise<number> {
  create(sql);
  const people = sql
    .exec<{ id: string }>("SELECT id FROM acquaintances WHERE forgot = 0 LIMIT ?", CALLED)
    .toArray();
  await Promise.all(
    people.map(async ({ id }) => {
      // There is nobody behind such an id, and the person's own inbox is emptied at the end.
      if (id !== replacement.userId && !isErasedUserId(id))
        await inboxOf(env, id).forget(replacement);
      sql.exec("UPDATE acquaintances SET forgot = 1 WHERE id = ?", id);
    }),
  );
  return people.length;
}

/** In slices: those who block somebody may be more than one parameter takes. */
function note({ sql }: JobContext, userIds: readonly string[]): void {
  create(sql);
  for (let first = 0; first < userIds.length; first += PAGE) {
    sql.exec(
      `INSERT INTO acquaintances (id, forgot) SELECT value, 0 FROM json_each(?) WHERE true
       ON CONFLICT (id) DO UPDATE SET forgot = 0`,
      JSON.stringify(userIds.slice(first, first + PAGE)),
    );
  }
}

function create(sql: SqlStorage): void {
  sql.exec(
    "CREATE TABLE IF NOT EXISTS acquaintances (id TEXT PRIMARY KEY, forgot INTEGER NOT NULL) WITHOUT ROWID",
  );
}
