import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";

/** D1 through drizzle: everything that spans conversations. */
export type Directory = DrizzleD1Database;

const directories = new WeakMap<object, Directory>();

/** A directory over a database, or over one session of it. */
export function directoryOf(database: Pick<D1Database, "prepare" | "batch">): Directory {
  const known = directories.get(database);
  if (known) return known;
  // drizzle asks for a whole D1Database and uses only these two, which a session has as well.
  const directory = drizzle(database as D1Database);
  directories.set(database, directory);
  return directory;
}

/**
 * A session that reads what has been written before it: from the primary first, or at least as new
 * as the bookmark that the caller brings from an earlier answer (`D1-Bookmark`).
 */
export function sessionOf(database: D1Database, bookmark: string | undefined): D1DatabaseSession {
  return database.withSession(bookmark ?? "first-primary");
}
